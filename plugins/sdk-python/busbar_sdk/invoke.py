"""Calls of other services. Each takes part in the caller's deadline, correlation id and versions, and needs a grant."""

from dataclasses import dataclass, is_dataclass

from . import payload
from .fault import Fail, Fault, InvalidInput, received
from .hints import codec_of
from .host import Err, bus
from .payload import Request, Response


@dataclass
class Target:
    """A service, and what it is called with."""

    service: str
    input: object


def invoke(service: str, input: object, returns=None):
    """Calls a typed service and waits. `input` is a dataclass or anything that JSON has; the output is a `returns`, or
    what JSON has if that is not given.

    Raises the service's own fault, or one of the bus: `not-granted`.
    """
    return _output(service, invoke_raw(service, request_of(input)), returns)


def invoke_all(targets: list[Target], returns=None) -> list:
    """All at once; for each its output or its `Fault`, in the targets' order."""
    calls = [bus.invoke.Target(target.service, _to_bus(request_of(target.input))) for target in targets]
    outputs = []
    for target, result in zip(targets, bus.invoke.all(calls), strict=True):
        if isinstance(result, Err):
            outputs.append(received(result.value))
            continue
        try:
            outputs.append(_output(target.service, _of_bus(result.value), returns))
        except Fault as fault:
            outputs.append(fault)
    return outputs


def invoke_raw(service: str, request: Request) -> Response:
    """Calls any service with any payload; a `Body` may be passed on."""
    try:
        return _of_bus(bus.invoke.call(service, _to_bus(request)))
    except Err as error:
        raise received(error.value) from None


def invoke_async(service: str, input: object) -> str:
    """The call begins once this one is committed, and survives any crash. The result is the delivery's id."""
    try:
        return bus.invoke.start(service, _to_bus(request_of(input)))
    except Err as error:
        raise received(error.value) from None


def request_of(input: object) -> Request:
    """A typed service's input."""
    return Request("application/json", payload.to_json(encoded(input)))


def encoded(value: object):
    """What JSON has of a value: of a dataclass its members."""
    if is_dataclass(value):
        return codec_of(type(value)).encode(value)
    if isinstance(value, dict):
        return {name: encoded(member) for name, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [encoded(item) for item in value]
    if value is None or isinstance(value, (str, int, float)):
        return value
    return codec_of(type(value)).encode(value)


def _to_bus(request: Request):
    return bus.types.Request(request.content_type, payload.to_bus(request.payload))


def _of_bus(response) -> Response:
    return Response(payload.of_bus(response.payload), response.content_type, response.status, response.headers)


def _output(service: str, response: Response, returns):
    if response.status is not None and not 200 <= response.status < 300:
        raise Fail(f"{service} answered with status {response.status}")
    body = response.read() or b"null"
    try:
        value = payload.parsed(body)
        return value if returns is None else codec_of(returns).decode(value, "")
    except InvalidInput as error:
        what = "; ".join(f"{each.path or '(whole)'}: {each.message}" for each in error.errors)
        raise Fail(f"the output of {service} is not as expected: {what}") from None
