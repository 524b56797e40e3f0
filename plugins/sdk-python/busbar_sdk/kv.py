"""Values that the plugin keeps in the operational database, under keys of its own.

Writes belong to the unit of work of the call from outside: they are committed together, after it succeeds and before its
reply; a fault discards them. Reads see the call's own writes.
"""

from dataclasses import dataclass

from . import payload
from .fault import Fail, InvalidInput, Reject, RetryAfter
from .hints import codec_of
from .host import Err, bus
from .invoke import encoded

#: The version of a key that has no value.
ABSENT = 0


@dataclass
class Versioned:
    """A value with its version, which tells it from every other that the key had."""

    value: object
    version: int


@dataclass
class Page:
    """A part of a listing: keys with their values, and what `after` is for the next page (None at the end)."""

    entries: list[tuple[str, Versioned]]
    next: str | None


def get(key: str) -> Versioned | None:
    """The value as bytes."""
    entry = _tried(key, bus.kv.get, key)
    return None if entry is None else Versioned(entry.value, entry.version)


def get_json(key: str, of=None) -> Versioned | None:
    """The value as an `of`, or as what JSON has."""
    entry = get(key)
    if entry is None:
        return None
    try:
        value = payload.parsed(entry.value)
        return Versioned(value if of is None else codec_of(of).decode(value, ""), entry.version)
    except InvalidInput as error:
        raise Fail(f"the value of {key} is not as expected: {error.errors[0].message}") from None


def put(key: str, value: bytes, *, expected: int | None = None, ttl_ms: int | None = None):
    """`expected` is the version that the key must have until the commit, `ABSENT` for none; `ttl_ms` is for how long it
    is kept.

    Raises Reject `conflict` (409) if the key has another version, at once or at the commit.
    """
    _tried(key, bus.kv.put, key, value, expected, ttl_ms)


def put_json(key: str, value: object, *, expected: int | None = None, ttl_ms: int | None = None):
    """As `put`, of a dataclass or anything that JSON has."""
    put(key, payload.to_json(encoded(value)), expected=expected, ttl_ms=ttl_ms)


def delete(key: str, *, expected: int | None = None):
    _tried(key, bus.kv.delete, key, expected)


def increment(key: str, by: int = 1) -> int:
    """Adds to a decimal integer; what is not there is 0. Increments of concurrent calls all count and never conflict."""
    return _tried(key, bus.kv.increment, key, by)


def list(prefix: str, *, after: str | None = None, limit: int = 100) -> Page:
    """Keys that begin with `prefix`, in the order of their bytes, from behind `after`."""
    page = _tried(prefix, bus.kv.list, prefix, after, limit)
    return Page([(key, Versioned(entry.value, entry.version)) for key, entry in page.entries], page.next)


def _tried(key: str, function, *arguments):
    try:
        return function(*arguments)
    except Err as error:
        reason = error.value
    if isinstance(reason, bus.kv.KvError_Conflict):
        raise Reject("conflict", "what this call was based on was changed meanwhile", status=409)
    if isinstance(reason, bus.kv.KvError_Limit):
        raise Fail(f"key {key}: {reason.value}", code="limit")
    if isinstance(reason, bus.kv.KvError_NotANumber):
        raise Fail(f"the value of {key} is no integer", code="not-a-number")
    raise RetryAfter(1, "the database can't be read at present", code="odb-unavailable")
