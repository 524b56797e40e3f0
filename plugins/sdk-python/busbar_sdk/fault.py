"""Errors that the caller of a service may see, as exceptions."""

from dataclasses import dataclass

from .host import bus


@dataclass(frozen=True)
class FieldError:
    """What is wrong at one place: `path` is a JSON Pointer (RFC 6901) into the input, empty for the whole."""

    path: str
    message: str


class Fault(Exception):
    """Which side is at fault, a stable code (lower case and dashes: `order-unknown`) and a text.

    Raise one of its kinds: `Reject`, `InvalidInput`, `RetryAfter`, `Fail`. One that an invoked service raised may be
    raised on.
    """

    def __init__(self, code: str, message: str, *, status: int | None = None, errors=()):
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        #: A 4xx of the service's own choice; used with `Reject` only.
        self.status = status
        self.errors = [error if isinstance(error, FieldError) else FieldError(*error) for error in errors]

    def _disposition(self):
        return bus.types.Disposition_Fail()

    def to_bus(self):
        """As the contract has it."""
        errors = [bus.types.FieldError(error.path, error.message) for error in self.errors]
        return bus.types.Fault(self._disposition(), self.status, self.code, self.message, errors)


class Reject(Fault):
    """The request is at fault; sending it again is useless: HTTP 400, or another 4xx by `status`."""

    def _disposition(self):
        return bus.types.Disposition_Reject()


class InvalidInput(Reject):
    """The input is not valid at one place, or at several: `InvalidInput("/name", "is empty")`."""

    def __init__(self, path: str, message: str, *more: tuple[str, str]):
        super().__init__("invalid-input", "the input is not valid", errors=[(path, message), *more])


class RetryAfter(Fault):
    """Nobody is at fault, the time is: HTTP 503 with `Retry-After`."""

    def __init__(self, seconds: int, message: str, *, code: str = "unavailable"):
        super().__init__(code, message)
        self.seconds = seconds

    def _disposition(self):
        return bus.types.Disposition_RetryAfter(self.seconds)


class Fail(Fault):
    """The service is at fault: HTTP 500. The message is for the log; the caller sees a general one."""

    def __init__(self, message: str, *, code: str = "failed"):
        super().__init__(code, message)


def received(fault) -> Fault:
    """The fault of a service that was invoked, or of the bus."""
    errors = [FieldError(error.path, error.message) for error in fault.errors]
    if isinstance(fault.disposition, bus.types.Disposition_Reject):
        return Reject(fault.code, fault.message, status=fault.status, errors=errors)
    if isinstance(fault.disposition, bus.types.Disposition_RetryAfter):
        return RetryAfter(fault.disposition.value, fault.message, code=fault.code)
    return Fail(fault.message, code=fault.code)
