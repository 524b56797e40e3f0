"""Values that the plugin keeps in the memory of one worker process: bounded, lost when it ends, not shared between
workers. The least recently used go first.
"""

import json

from . import payload
from .host import bus
from .invoke import encoded


def get(key: str) -> bytes | None:
    return bus.cache.get(key)


def get_json(key: str):
    value = get(key)
    return None if value is None else json.loads(value)


def put(key: str, value: bytes, *, ttl_ms: int | None = None) -> bool:
    """False if the value is larger than the cache takes."""
    return bus.cache.put(key, value, ttl_ms)


def put_json(key: str, value: object, *, ttl_ms: int | None = None) -> bool:
    return put(key, payload.to_json(encoded(value)), ttl_ms=ttl_ms)


def delete(key: str):
    bus.cache.delete(key)
