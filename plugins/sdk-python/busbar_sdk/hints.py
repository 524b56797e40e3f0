"""Which codec a type hint has."""

import enum
import types
import typing
from dataclasses import is_dataclass

from .codec import Anything, Codec, Items, Maybe, Members, Noted, Null
from .record import Record
from .scalar import SCALARS, Choice
from .schema import Schema

KNOWN = (
    "dataclasses, str, int, float, bool, Decimal, date, datetime, bytes, UUID, Enum, Literal, list[T], dict[str, T], "
    "T | None, Any"
)

_known: dict[object, Codec] = {}


def codec_of(hint) -> Codec:
    """The codec of a type hint.

    Raises TypeError for what JSON has no image of.
    """
    if hint is None or hint is type(None):
        return Null()
    if hint in SCALARS:
        return SCALARS[hint]
    if hint is typing.Any:
        return Anything()
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return _known.setdefault(hint, Choice([member.value for member in hint], hint))
    if isinstance(hint, type) and is_dataclass(hint):
        if hint not in _known:
            _known[hint] = record = Record(hint)
            record.resolve(codec_of)
        return _known[hint]
    return _composed(hint)


def _composed(hint) -> Codec:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        notes = [note for note in arguments[1:] if isinstance(note, Schema)]
        return Noted(codec_of(arguments[0]), notes)
    if origin in (typing.Union, types.UnionType):
        others = [argument for argument in arguments if argument is not type(None)]
        if len(others) == 1 and len(arguments) == 2:
            return Maybe(codec_of(others[0]))
        raise TypeError(f"{hint}: of several types only one and None can be told apart; use a class with optional members")
    if origin is typing.Literal:
        return Choice(list(arguments), None)
    if origin is list:
        return Items(codec_of(arguments[0]))
    if origin is dict and arguments[0] is str:
        return Members(codec_of(arguments[1]))
    raise TypeError(f"{hint} has no image in JSON here; allowed are {KNOWN}")
