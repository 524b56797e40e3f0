"""What raw services get and give, and the bytes of a payload."""

import json
from dataclasses import dataclass, field

from .fault import InvalidInput, Reject
from .host import Err, bus

#: What one read asks of the bus, in bytes.
READ_BYTES = 64 * 1024

#: A body that is read piece by piece; it may be put into a `Response` unread, and then no byte of it passes through here.
Body = bus.types.Body


@dataclass
class Request:
    """What a raw service is called with: a function with a parameter of this type has no input schema."""

    content_type: str | None = None
    #: None, bytes, or a `Body` where it is large.
    payload: "bytes | Body | None" = None

    def read(self) -> bytes:
        """The whole body."""
        return whole(self.payload)

    def text(self) -> str:
        try:
            return self.read().decode()
        except UnicodeDecodeError:
            raise InvalidInput("", "not UTF-8") from None

    def json(self):
        return parsed(self.read())


@dataclass
class Response:
    """What a raw service answers with; `status` is 200 if None (204 without a payload)."""

    payload: "bytes | str | Body | None" = None
    content_type: str | None = None
    status: int | None = None
    headers: list[tuple[str, str]] = field(default_factory=list)

    def read(self) -> bytes:
        """The whole body."""
        return whole(self.payload)

    def json(self):
        return parsed(self.read())


def whole(payload, *, raw: bool = False) -> bytes:
    """All bytes of a payload.

    Raises Reject: `too-large` (413) or `body-broken`; the bus's own error if it is to be `raw`.
    """
    if payload is None:
        return b""
    if isinstance(payload, str):
        return payload.encode()
    if isinstance(payload, (bytes, bytearray)):
        return bytes(payload)
    pieces = []
    try:
        while piece := payload.read(READ_BYTES):
            pieces.append(piece)
    except Err as error:
        if raw:
            raise
        if isinstance(error.value, bus.types.BodyError_TooLarge):
            raise Reject("too-large", "the body is larger than allowed", status=413) from None
        raise Reject("body-broken", f"the body broke off: {error.value.value}") from None
    return b"".join(pieces)


def parsed(text: bytes):
    """JSON, or `invalid-input`."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput("", f"not JSON: {error}") from None


def of_bus(payload):
    """From the contract's form."""
    return None if isinstance(payload, bus.types.Payload_Empty) else payload.value


def to_bus(payload):
    """To the contract's form."""
    if payload is None:
        return bus.types.Payload_Empty()
    if isinstance(payload, str):
        payload = payload.encode()
    if isinstance(payload, (bytes, bytearray)):
        return bus.types.Payload_Bytes(bytes(payload))
    return bus.types.Payload_Stream(payload)


def to_json(value) -> bytes:
    """JSON as it is sent."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
