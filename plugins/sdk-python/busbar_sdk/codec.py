"""What a type hint means: its schema, and the ways from JSON to a value and back."""

import typing

from .fault import InvalidInput
from .schema import Definitions, Schema, nullable


class Codec:
    """Of one type. `path` is the JSON Pointer of the value."""

    def schema(self, definitions: Definitions) -> dict:
        raise NotImplementedError

    def root(self, definitions: Definitions) -> dict:
        """The schema where it is that of the whole input or output."""
        return self.schema(definitions)

    def decode(self, value, path: str):
        raise NotImplementedError

    def encode(self, value):
        raise NotImplementedError


def refuse(path: str, expected: str, found) -> typing.NoReturn:
    """Raises what the caller is told."""
    raise InvalidInput(path, f"expected {expected}, found {shown(found)}")


def shown(value) -> str:
    """A value of the input in few words."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    text = repr(value) if not isinstance(value, str) else '"' + value + '"'
    return text if len(text) <= 60 else text[:57] + "..."


class Anything(Codec):
    """`Any`: JSON as `json` reads it."""

    def schema(self, definitions):
        return {}

    def decode(self, value, path):
        return value

    def encode(self, value):
        return value


class Null(Codec):
    """`None`."""

    def schema(self, definitions):
        return {"type": "null"}

    def decode(self, value, path):
        if value is not None:
            refuse(path, "null", value)

    def encode(self, value):
        if value is not None:
            raise TypeError(f"expected None, found {type(value).__name__}")


class Maybe(Codec):
    """`T | None`."""

    def __init__(self, inner: Codec):
        self.inner = inner

    def schema(self, definitions):
        return nullable(self.inner.schema(definitions))

    def decode(self, value, path):
        return None if value is None else self.inner.decode(value, path)

    def encode(self, value):
        return None if value is None else self.inner.encode(value)


class Items(Codec):
    """`list[T]`."""

    def __init__(self, inner: Codec):
        self.inner = inner

    def schema(self, definitions):
        return {"type": "array", "items": self.inner.schema(definitions)}

    def decode(self, value, path):
        if not isinstance(value, list):
            refuse(path, "a list", value)
        return [self.inner.decode(item, f"{path}/{at}") for at, item in enumerate(value)]

    def encode(self, value):
        if not isinstance(value, (list, tuple)):
            raise TypeError(f"expected a list, found {type(value).__name__}")
        return [self.inner.encode(item) for item in value]


class Members(Codec):
    """`dict[str, T]`: an object with members of any name."""

    def __init__(self, inner: Codec):
        self.inner = inner

    def schema(self, definitions):
        return {"type": "object", "additionalProperties": self.inner.schema(definitions) or True}

    def decode(self, value, path):
        if not isinstance(value, dict):
            refuse(path, "an object", value)
        return {name: self.inner.decode(item, f"{path}/{escaped(name)}") for name, item in value.items()}

    def encode(self, value):
        return {name: self.inner.encode(item) for name, item in value.items()}


class Noted(Codec):
    """`Annotated[T, Schema(…)]`."""

    def __init__(self, inner: Codec, notes: list[Schema]):
        self.inner = inner
        self.keywords = {key: value for note in notes for key, value in note.keywords.items()}
        self.decode, self.encode = inner.decode, inner.encode

    def schema(self, definitions):
        return {**self.inner.schema(definitions), **self.keywords}


def escaped(name: str) -> str:
    """A member's name in a JSON Pointer."""
    return name.replace("~", "~0").replace("/", "~1")
