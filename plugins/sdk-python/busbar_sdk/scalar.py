"""Types that are one value: texts, numbers, dates, choices."""

import base64
import binascii
import datetime
import decimal
import re
import uuid

from .codec import Codec, refuse

DECIMAL = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?")
DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
DATE_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})")


class Scalar(Codec):
    """A type whose schema is always the same."""

    SCHEMA: dict = {}

    def schema(self, definitions):
        return dict(self.SCHEMA)


class Text(Scalar):
    SCHEMA = {"type": "string"}

    def decode(self, value, path):
        return value if isinstance(value, str) else refuse(path, "a text", value)

    def encode(self, value):
        return _checked(value, str)


class Whole(Scalar):
    SCHEMA = {"type": "integer", "format": "int64"}

    def decode(self, value, path):
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            refuse(path, "a whole number", value)
        if not -(2**63) <= value < 2**63:
            refuse(path, "a whole number of 64 bits", value)
        return value

    def encode(self, value):
        if isinstance(value, bool):
            raise TypeError("expected int, found bool")
        _checked(value, int)
        if not -(2**63) <= value < 2**63:
            raise ValueError(f"{value} does not fit into 64 bits")
        return value


class Number(Scalar):
    SCHEMA = {"type": "number", "format": "double"}

    def decode(self, value, path):
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            refuse(path, "a number", value)
        try:
            return float(value)
        except OverflowError:
            refuse(path, "a number of 64 bits", value)

    def encode(self, value):
        value = float(_checked(value, (int, float)))
        if value - value != 0:
            raise ValueError(f"{value} has no image in JSON")
        return value


class Flag(Scalar):
    SCHEMA = {"type": "boolean"}

    def decode(self, value, path):
        return value if isinstance(value, bool) else refuse(path, "true or false", value)

    def encode(self, value):
        return _checked(value, bool)


class Exact(Scalar):
    """`Decimal`: a text, so that no digit is lost."""

    SCHEMA = {"type": "string", "format": "decimal"}

    def decode(self, value, path):
        if not isinstance(value, str) or not DECIMAL.fullmatch(value):
            refuse(path, "a decimal number as a text", value)
        return decimal.Decimal(value)

    def encode(self, value):
        if not _checked(value, decimal.Decimal).is_finite():
            raise ValueError(f"{value} has no image in JSON")
        return format(value, "f")


class Day(Scalar):
    SCHEMA = {"type": "string", "format": "date"}

    def decode(self, value, path):
        if isinstance(value, str) and DATE.fullmatch(value):
            try:
                return datetime.date.fromisoformat(value)
            except ValueError:
                pass
        refuse(path, "a date: 2026-11-28", value)

    def encode(self, value):
        return _checked(value, datetime.date).isoformat()


class Moment(Scalar):
    """`datetime` with a time zone."""

    SCHEMA = {"type": "string", "format": "date-time"}

    def decode(self, value, path):
        if isinstance(value, str) and DATE_TIME.fullmatch(value):
            try:
                return datetime.datetime.fromisoformat(value.upper())
            except ValueError:
                pass
        refuse(path, "a time with its zone: 2026-11-28T12:30:00Z", value)

    def encode(self, value):
        if _checked(value, datetime.datetime).tzinfo is None:
            raise ValueError("a datetime needs a time zone")
        return value.isoformat().replace("+00:00", "Z")


class Octets(Scalar):
    """`bytes`: base64."""

    SCHEMA = {"type": "string", "format": "byte"}

    def decode(self, value, path):
        if isinstance(value, str):
            try:
                return base64.b64decode(value, validate=True)
            except (binascii.Error, ValueError):
                pass
        refuse(path, "base64", value)

    def encode(self, value):
        return base64.b64encode(_checked(value, (bytes, bytearray))).decode()


class Unique(Scalar):
    SCHEMA = {"type": "string", "format": "uuid"}

    def decode(self, value, path):
        if isinstance(value, str):
            try:
                return uuid.UUID(value)
            except ValueError:
                pass
        refuse(path, "a UUID", value)

    def encode(self, value):
        return str(_checked(value, uuid.UUID))


class Choice(Codec):
    """`Literal["a", "b"]`, or an `Enum`, whose values are what JSON has."""

    def __init__(self, values: list, enumeration):
        kinds = {type(value) for value in values}
        if kinds not in ({str}, {int}):
            raise TypeError(f"{enumeration or values}: the values must all be texts or all be whole numbers")
        self.values = values
        self.enumeration = enumeration
        self.kind = "string" if kinds == {str} else "integer"

    def schema(self, definitions):
        if self.enumeration is None:
            return self._own()
        return definitions.reference(self.enumeration, self.enumeration.__name__, self._own)

    def _own(self):
        return {"type": self.kind, "enum": self.values}

    def decode(self, value, path):
        if isinstance(value, bool) or value not in self.values:
            refuse(path, "one of " + ", ".join(map(str, self.values)), value)
        return self.enumeration(value) if self.enumeration else value

    def encode(self, value):
        if self.enumeration:
            return self.enumeration(value).value
        if value not in self.values:
            raise ValueError(f"{value!r} is none of {self.values}")
        return value


def _checked(value, kind):
    if not isinstance(value, kind):
        name = kind.__name__ if isinstance(kind, type) else " or ".join(each.__name__ for each in kind)
        raise TypeError(f"expected {name}, found {type(value).__name__}")
    return value


SCALARS = {
    str: Text(),
    int: Whole(),
    float: Number(),
    bool: Flag(),
    decimal.Decimal: Exact(),
    datetime.date: Day(),
    datetime.datetime: Moment(),
    bytes: Octets(),
    uuid.UUID: Unique(),
}
