"""A plugin: its services, and how the bus calls them."""

import re
import traceback
import typing
from dataclasses import dataclass

from . import log, payload
from .fault import Fail, Fault
from .hints import codec_of
from .host import bus
from .payload import Request, Response
from .record import description_of
from .reply import Reply
from .schema import NOTHING, document

#: Calls that one instance serves before the next begins with a fresh one: an interpreter takes long to begin.
CALLS_PER_INSTANCE = 128

METHODS = re.compile(r"[A-Z-]+(, ?[A-Z-]+)*")


@dataclass
class Service:
    """A function, and what the bus is told of it."""

    name: str
    function: typing.Callable
    channels: list
    calls_per_instance: int
    #: None: nothing is taken; `Request`: as it came; else a codec.
    input: object
    output: object

    def describe(self):
        if self.input is None:
            schema = NOTHING
        else:
            schema = None if self.input is Request else document(self.input, of_input=True)
        output = None if self.output is Response else document(self.output, of_input=False)
        doc = description_of(self.function)
        summary = " ".join(doc.split("\n\n")[0].split()) if doc else None
        return bus.service.ServiceDescription(self.name, summary, schema, output, self.channels, self.calls_per_instance)

    def call(self, request) -> Response:
        """Decodes the input, calls the function and encodes what it gives."""
        if self.input is None:
            result = self.function()
        elif self.input is Request:
            result = self.function(Request(request.content_type, payload.of_bus(request.payload)))
        else:
            value = payload.parsed(payload.whole(payload.of_bus(request.payload)) or b"{}")
            result = self.function(self.input.decode(value, ""))
        if self.output is Response:
            if not isinstance(result, Response):
                raise TypeError(f"{self.name} returned {type(result).__name__}, not a Response")
            return result
        reply = result if isinstance(result, Reply) else Reply(result, status=None)
        encoded = payload.to_json(self.output.encode(reply.output))
        return Response(encoded, "application/json", reply.status, list(reply.headers.items()))


class Plugin:
    """All that one component offers: one in each, made where its module is imported."""

    #: The one that was made.
    made: "Plugin | None" = None

    def __init__(self, name: str, version: str):
        if Plugin.made is not None:
            raise TypeError(f"a component is one plugin, and {Plugin.made.name} is there already")
        Plugin.made = self
        self.name = name
        self.version = version
        self.services: dict[str, Service] = {}
        self.invokes: list[str] = []
        self.secrets: list[str] = []

    def service(
        self,
        *,
        rest: str | list[str] = (),
        soap: str | list[str] = (),
        invokes: str | list[str] = (),
        secrets: str | list[str] = (),
        name: str | None = None,
        calls_per_instance: int = CALLS_PER_INSTANCE,
    ):
        """Makes a service of a function, which stays as it is.

        The function has one parameter with a type hint, its input (a `Request` for a raw service), or none, and a type
        hint of what it returns. The first paragraph of its doc string is the summary.

        - `rest`: channels that are proposed: `"GET,PUT /orders/{id}"`; without methods, any.
        - `soap`: the same for SOAP: `"/soap/orders"`.
        - `invokes`, `secrets`: services that it calls and secrets that it reads, so that they can be granted.
        - `name`: instead of `plugin.function`.
        - `calls_per_instance`: so many calls one instance serves; 1 is a fresh one for each.
        """

        def register(function):
            full = name or f"{self.name}.{function.__name__}"
            if full in self.services:
                raise TypeError(f"there are two services {full}")
            channels = [_rest(text) for text in _list(rest)] + [_soap(path) for path in _list(soap)]
            given, returned = _signature(function, full)
            self.services[full] = Service(full, function, channels, calls_per_instance, given, returned)
            self.invokes += [each for each in _list(invokes) if each not in self.invokes]
            self.secrets += [each for each in _list(secrets) if each not in self.secrets]
            return function

        return register

    def describe(self):
        services = [service.describe() for service in self.services.values()]
        return bus.service.Description(self.name, self.version, services, self.invokes, self.secrets)

    def handle(self, name: str, request):
        """Calls a service: whatever it raises is a `Fault`."""
        try:
            service = self.services.get(name)
            if service is None:
                raise Fail(f"the plugin has no service {name}")
            response = service.call(request)
            body = payload.to_bus(response.payload)
            return bus.types.Response(response.status, response.content_type, list(response.headers), body)
        except Fault:
            raise
        except BaseException as error:
            # The caller sees none of it: the log has it all.
            log.error(traceback.format_exc())
            raise Fail(f"{type(error).__name__}: {error}") from None


def _list(given: str | list[str]) -> list[str]:
    return [given] if isinstance(given, str) else list(given)


def _rest(text: str):
    methods, _, path = text.rpartition(" ")
    if not path.startswith("/") or (methods and not METHODS.fullmatch(methods.strip())):
        raise ValueError(f'rest={text!r}: expected "/path/{{parameter}}" or "GET,POST /path"')
    return bus.service.ChannelProposal("rest", path, [method for method in re.split("[, ]+", methods) if method])


def _soap(path: str):
    if not path.startswith("/") or any(mark in path for mark in " {}"):
        raise ValueError(f'soap={path!r}: expected "/path" without methods and parameters')
    return bus.service.ChannelProposal("soap", path, [])


def _signature(function, name: str) -> tuple:
    hints = typing.get_type_hints(function, include_extras=True)
    code = function.__code__
    parameters = code.co_varnames[: code.co_argcount]
    if "return" not in hints:
        raise TypeError(f"{name}: say what it returns: `-> Greeting`, `-> None`")
    if len(parameters) > 1 or any(parameter not in hints for parameter in parameters):
        raise TypeError(f"{name}: a service has one parameter with a type hint, or none")
    returned = hints["return"]
    if typing.get_origin(returned) is Reply:
        returned = typing.get_args(returned)[0]
    try:
        given = hints[parameters[0]] if parameters else None
        return (
            given if given is Request or not parameters else codec_of(given),
            returned if returned is Response else codec_of(returned),
        )
    except TypeError as error:
        raise TypeError(f"{name}: {error}") from None
