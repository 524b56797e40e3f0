"""Guaranteed delivery. What is handed over belongs to the call's unit of work: it is on its way if, and only if, the
call's effects are committed. The target may get it more than once, under one `context.idempotency_key()`.
"""

from dataclasses import dataclass

from . import payload
from .fault import received
from .host import Err, bus
from .invoke import request_of
from .payload import Request


@dataclass
class Options:
    """How hard is tried. What is None is the bus's own choice."""

    #: Attempts until it is given up.
    attempts: int | None = None
    #: Pause after the first failed attempt; doubled with each further one, with jitter.
    backoff_ms: int | None = None
    backoff_max_ms: int | None = None
    #: Nothing is attempted after this time.
    expires_ms: int | None = None
    #: Nothing is attempted before this time.
    delay_ms: int | None = None
    #: Deliveries to one target with the same key are attempted one after the other.
    order_key: str | None = None

    def to_bus(self):
        """As the contract has it."""
        return bus.deliver.Options(
            self.attempts, self.backoff_ms, self.backoff_max_ms, self.expires_ms, self.delay_ms, self.order_key
        )


def send(service: str, input: object, options: Options | None = None) -> str:
    """To a typed service, as its input: a dataclass or anything that JSON has. The result is the delivery's id."""
    return send_raw(service, request_of(input), options)


def send_raw(service: str, request: Request, options: Options | None = None) -> str:
    """To any service, with any payload."""
    given = (options or Options()).to_bus()
    try:
        return bus.deliver.send(service, bus.types.Request(request.content_type, payload.to_bus(request.payload)), given)
    except Err as error:
        raise received(error.value) from None
