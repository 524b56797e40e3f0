"""Values of databases, from the contract's form to Python's and back."""

import datetime
import decimal
import enum
import json
import uuid

from . import payload
from .host import bus
from .invoke import encoded


def to_bus(value: object):
    """To the contract's form.

    Raises TypeError for what no database has.
    """
    if isinstance(value, enum.Enum):
        value = value.value
    for kinds, make in _MADE:
        if isinstance(value, kinds):
            return make(value)
    if value is None:
        return bus.sql.Value_Null()
    return bus.sql.Value_Json(payload.to_json(encoded(value)).decode())


def of_bus(value):
    """To Python's."""
    read = _READ.get(type(value))
    if read is not None:
        return read(value.value)
    return None if isinstance(value, bus.sql.Value_Null) else value.value


def _whole(value: int):
    if -(2**63) <= value < 2**63:
        return bus.sql.Value_Integer(value)
    return bus.sql.Value_Decimal(str(value))


def _moment(value: datetime.datetime):
    if value.tzinfo is not None:
        value = value.astimezone(datetime.timezone.utc)
    return bus.sql.Value_Timestamp(value.isoformat().replace("+00:00", "Z"))


def _or_text(parse):
    """Databases have dates and times that Python has not: they stay texts."""

    def read(text: str):
        try:
            return parse(text)
        except ValueError:
            return text

    return read


#: In this order: a bool is an int too, and a datetime a date.
_MADE = [
    (bool, lambda value: bus.sql.Value_Boolean(value)),
    (int, _whole),
    (float, lambda value: bus.sql.Value_Float(value)),
    (decimal.Decimal, lambda value: bus.sql.Value_Decimal(format(value, "f"))),
    (str, lambda value: bus.sql.Value_Text(value)),
    ((bytes, bytearray), lambda value: bus.sql.Value_Bytes(bytes(value))),
    (datetime.datetime, _moment),
    (datetime.date, lambda value: bus.sql.Value_Date(value.isoformat())),
    (datetime.time, lambda value: bus.sql.Value_Time(value.isoformat())),
    (uuid.UUID, lambda value: bus.sql.Value_Uuid(str(value))),
]

_READ = {
    bus.sql.Value_Decimal: decimal.Decimal,
    bus.sql.Value_Date: _or_text(datetime.date.fromisoformat),
    bus.sql.Value_Time: _or_text(datetime.time.fromisoformat),
    bus.sql.Value_Timestamp: _or_text(datetime.datetime.fromisoformat),
    bus.sql.Value_Uuid: uuid.UUID,
    bus.sql.Value_Json: json.loads,
}
