"""Dataclasses: objects with known members."""

import dataclasses
import inspect
import typing

from .codec import Codec, Maybe, Noted, escaped, refuse
from .fault import InvalidInput
from .schema import Schema


def strict(cls):
    """For a dataclass: members that it does not know are refused."""
    cls.__busbar_strict__ = True
    return cls


@dataclasses.dataclass
class Member:
    """A field, and what it is in JSON."""

    attribute: str
    name: str
    codec: Codec
    #: Absent in JSON: the field's default, or None.
    may_be_absent: bool
    field: dataclasses.Field


class Record(Codec):
    """A dataclass."""

    def __init__(self, cls):
        self.cls = cls
        self.strict = getattr(cls, "__busbar_strict__", False)
        self.members: list[Member] = []

    def resolve(self, codec_of):
        """After it is known, since it may hold itself."""
        hints = typing.get_type_hints(self.cls, include_extras=True)
        for field in dataclasses.fields(self.cls):
            try:
                codec = codec_of(hints[field.name])
            except TypeError as error:
                raise TypeError(f"{self.cls.__name__}.{field.name}: {error}") from None
            defaulted = field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING
            absent = defaulted or isinstance(codec.inner if isinstance(codec, Noted) else codec, Maybe)
            self.members.append(Member(field.name, _name(field, hints), codec, absent, field))
        self.by_name = {member.name: member for member in self.members}
        if len(self.by_name) != len(self.members):
            raise TypeError(f"{self.cls.__name__}: two members have one name")

    def schema(self, definitions):
        return definitions.reference(self.cls, self.cls.__name__, lambda: self._own(definitions))

    def root(self, definitions):
        return {"title": self.cls.__name__, **self._own(definitions)}

    def _own(self, definitions) -> dict:
        schema: dict = {}
        if description := description_of(self.cls):
            schema["description"] = description
        schema["type"] = "object"
        schema["properties"] = {member.name: self._property(member, definitions) for member in self.members}
        required = [m.name for m in self.members if not (definitions.of_input and m.may_be_absent)]
        if required:
            schema["required"] = required
        if self.strict:
            schema["additionalProperties"] = False
        return schema

    def _property(self, member: Member, definitions) -> dict:
        schema = member.codec.schema(definitions)
        default = member.field.default
        if definitions.of_input and default not in (dataclasses.MISSING, None):
            schema = {**schema, "default": member.codec.encode(default)}
        return schema

    def decode(self, value, path):
        if not isinstance(value, dict):
            refuse(path, "an object", value)
        if self.strict:
            for name in value.keys() - self.by_name.keys():
                known = ", ".join(self.by_name)
                raise InvalidInput(f"{path}/{escaped(name)}", f"is not known; allowed are {known}")
        given = {}
        for member in self.members:
            if member.name in value:
                given[member.attribute] = member.codec.decode(value[member.name], f"{path}/{escaped(member.name)}")
            elif not member.may_be_absent:
                raise InvalidInput(path, f"{member.name} is missing")
            elif member.field.default is dataclasses.MISSING and member.field.default_factory is dataclasses.MISSING:
                given[member.attribute] = None
        return self.cls(**given)

    def encode(self, value):
        if not isinstance(value, self.cls):
            raise TypeError(f"expected {self.cls.__name__}, found {type(value).__name__}")
        encoded = {}
        for member in self.members:
            try:
                encoded[member.name] = member.codec.encode(getattr(value, member.attribute))
            except (TypeError, ValueError) as error:
                raise type(error)(f"{self.cls.__name__}.{member.attribute}: {error}") from None
        return encoded


def _name(field: dataclasses.Field, hints: dict) -> str:
    for note in getattr(hints[field.name], "__metadata__", ()):
        if isinstance(note, Schema) and note.name:
            return note.name
    return field.name


def description_of(documented) -> str | None:
    """The doc string, but for the one that dataclasses make."""
    text = documented.__doc__
    if not text or text.startswith(f"{documented.__name__}("):
        return None
    return inspect.cleandoc(text)
