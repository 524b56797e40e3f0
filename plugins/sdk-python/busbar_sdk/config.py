"""The plugin's configuration, of the same catalog snapshot for a whole tree of calls."""

import json

from .fault import Fail, InvalidInput
from .hints import codec_of
from .host import bus


def get(key: str, of=None, default=None):
    """One member, as an `of` or as what JSON has; `default` if it is not set.

    Raises Fail if it is no `of`.
    """
    text = bus.config.get(key)
    return default if text is None else _decoded(text, of, key)


def all(of=None):
    """The whole object; empty if none was set."""
    return _decoded(bus.config.all(), of, "(all)")


def _decoded(text: str, of, key: str):
    value = json.loads(text)
    if of is None:
        return value
    try:
        return codec_of(of).decode(value, "")
    except InvalidInput as error:
        place = error.errors[0]
        raise Fail(f"config {key}{place.path} is not as expected: {place.message}") from None
