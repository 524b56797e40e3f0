"""What surrounds the call that is being handled. Each function asks the bus: keep the answer if it is needed twice."""

from .host import bus


def head():
    """The protocol's own view of the request: `method`, `path`, and `query`, `headers`, `params` as lists of pairs."""
    return bus.context.head()


def header(name: str) -> str | None:
    """The first header of that name, in lower case."""
    return next((value for known, value in bus.context.head().headers if known == name), None)


def correlation_id() -> str:
    return bus.context.correlation_id()


def caller() -> str | None:
    """The name of the security definition that let the caller in."""
    return bus.context.caller()


def remaining_ms() -> int:
    """Until the call is stopped."""
    return bus.context.remaining_ms()


def idempotency_key() -> str | None:
    """The same for every attempt at the same thing. Hand it on where an effect outside must not be repeated."""
    return bus.context.idempotency_key()


def attempt() -> int:
    """1 for the first attempt of a delivery and for every other call."""
    return bus.context.attempt()
