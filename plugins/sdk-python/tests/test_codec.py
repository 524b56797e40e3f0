"""Schemas and the ways from JSON and back."""

import json
import unittest
from dataclasses import dataclass, field
from datetime import date, datetime, timezone
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal, Optional, Union
from uuid import UUID

from busbar_sdk import InvalidInput, Schema, strict
from busbar_sdk.hints import codec_of
from busbar_sdk.schema import document


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


@dataclass
class Line:
    quantity: int
    colour: Colour = Colour.RED


@strict
@dataclass
class Order:
    """An order."""

    id: Annotated[str, Schema(description="Which.", minLength=1)]
    note: str | None
    lines: list[Line]
    price: Decimal = Decimal("0")
    on: Optional[date] = None
    at: Annotated[datetime | None, Schema(description="When.")] = None
    odd: Annotated[bool, Schema(name="a/b~c")] = False
    tags: dict[str, int] = field(default_factory=dict)
    kind: Literal["new", "old"] = "new"
    data: bytes = b""
    key: UUID | None = None
    first: Line | None = None
    paint: Colour | None = None
    parent: "Order | None" = None
    rest: Any = None
    weight: float = 0.0


def schema(of_input: bool) -> dict:
    return json.loads(document(codec_of(Order), of_input))


class Schemas(unittest.TestCase):
    def test_an_input_requires_what_has_no_default(self):
        found = schema(True)
        self.assertEqual(found["$schema"], "https://json-schema.org/draft/2020-12/schema")
        self.assertEqual((found["title"], found["description"], found["type"]), ("Order", "An order.", "object"))
        self.assertEqual(found["required"], ["id", "lines"])
        self.assertIs(found["additionalProperties"], False)
        self.assertEqual(found["$defs"]["Line"]["required"], ["quantity"])
        self.assertNotIn("title", found["$defs"]["Line"])

    def test_an_output_promises_what_is_always_there(self):
        found = schema(False)
        self.assertEqual(found["required"], list(found["properties"]))
        self.assertEqual(len(found["required"]), 16)
        self.assertNotIn("default", found["properties"]["price"])

    def test_types_have_the_schemas_of_the_rust_sdk(self):
        properties = schema(True)["properties"]
        expected = {
            "id": {"type": "string", "description": "Which.", "minLength": 1},
            "note": {"type": ["string", "null"]},
            "lines": {"type": "array", "items": {"$ref": "#/$defs/Line"}},
            "price": {"type": "string", "format": "decimal", "default": "0"},
            "on": {"type": ["string", "null"], "format": "date"},
            "at": {"type": ["string", "null"], "format": "date-time", "description": "When."},
            "a/b~c": {"type": "boolean", "default": False},
            "tags": {"type": "object", "additionalProperties": {"type": "integer", "format": "int64"}},
            "kind": {"type": "string", "enum": ["new", "old"], "default": "new"},
            "data": {"type": "string", "format": "byte", "default": ""},
            "key": {"type": ["string", "null"], "format": "uuid"},
            "first": {"anyOf": [{"$ref": "#/$defs/Line"}, {"type": "null"}]},
            "paint": {"anyOf": [{"$ref": "#/$defs/Colour"}, {"type": "null"}]},
            "parent": {"anyOf": [{"$ref": "#/$defs/Order"}, {"type": "null"}]},
            "rest": {},
            "weight": {"type": "number", "format": "double", "default": 0.0},
        }
        self.assertEqual(properties, expected)
        self.assertEqual(list(properties), list(expected), "the order of declaration is kept")

    def test_what_json_has_no_image_of_is_refused(self):
        @dataclass
        class Wrong:
            member: set[str]

        for hint in [complex, Union[int, str], tuple[int, str], dict[int, str], Wrong]:
            with self.assertRaises(TypeError, msg=str(hint)) as caught:
                codec_of(hint)
            self.assertTrue("allowed are" in str(caught.exception) or "several types" in str(caught.exception))
        self.assertIn("Wrong.member", str(caught.exception))


class Decoding(unittest.TestCase):
    def decode(self, **changes):
        return codec_of(Order).decode({"id": "1", "lines": [], **changes}, "")

    def refused(self, **changes) -> tuple[str, str]:
        with self.assertRaises(InvalidInput) as caught:
            self.decode(**changes)
        self.assertEqual(caught.exception.code, "invalid-input")
        return caught.exception.errors[0].path, caught.exception.errors[0].message

    def test_good_input_is_taken(self):
        order = self.decode(lines=[{"quantity": 2.0, "colour": "blue"}], price="1.50", on="2026-11-28", data="AQI=")
        self.assertEqual(order.lines, [Line(2, Colour.BLUE)])
        self.assertIsInstance(order.lines[0].quantity, int)
        self.assertEqual((order.price, order.on, order.data), (Decimal("1.50"), date(2026, 11, 28), b"\x01\x02"))
        self.assertEqual((order.note, order.tags, order.parent), (None, {}, None))
        at = self.decode(at="2026-11-28T12:30:00z").at
        self.assertEqual(at, datetime(2026, 11, 28, 12, 30, tzinfo=timezone.utc))

    def test_a_wrong_value_is_named_by_its_pointer(self):
        lines = [{"quantity": 1}, {"quantity": "two"}]
        self.assertEqual(self.refused(lines=lines), ("/lines/1/quantity", 'expected a whole number, found "two"'))
        self.assertEqual(self.refused(lines=[{}]), ("/lines/0", "quantity is missing"))
        self.assertEqual(self.refused(**{"a/b~c": 3})[0], "/a~1b~0c")
        self.assertEqual(self.refused(tags={"a/b": "x"})[0], "/tags/a~1b")
        self.assertEqual(self.refused(colour="red")[0], "/colour")
        self.assertEqual(self.refused(lines=[{"quantity": 1, "colour": "green"}])[0], "/lines/0/colour")

    def test_formats_are_checked(self):
        for changes in [
            {"price": "1,5"}, {"price": "NaN"}, {"price": 1.5}, {"on": "2026-02-30"}, {"on": "28.11.2026"},
            {"at": "2026-11-28T12:30:00"}, {"at": "2026-11-28"}, {"data": "*"}, {"key": "1"}, {"weight": "1"},
            {"kind": "other"}, {"tags": {"a": 2**63}}, {"tags": {"a": True}}, {"lines": None}, {"id": None},
        ]:  # fmt: skip
            self.assertEqual(self.refused(**changes)[0].split("/")[1], next(iter(changes)), changes)

    def test_what_is_decoded_is_encoded(self):
        given = {
            "id": "1", "note": "ä", "lines": [{"quantity": 1, "colour": "blue"}], "price": "1.50", "on": "2026-11-28",
            "at": "2026-11-28T12:30:00Z", "a/b~c": True, "tags": {"x": 1}, "kind": "old", "data": "AQI=",
            "key": "4834b60e-51a6-4424-85a4-93fed34135d5", "first": {"quantity": 1, "colour": "red"}, "paint": "red",
            "parent": None, "rest": {"any": [1, None]}, "weight": 1.5,
        }  # fmt: skip
        self.assertEqual(codec_of(Order).encode(codec_of(Order).decode(given, "")), given)

    def test_an_output_of_the_wrong_type_is_the_services_fault(self):
        with self.assertRaisesRegex(TypeError, "Line.quantity: expected int, found str"):
            codec_of(Line).encode(Line("1"))
        with self.assertRaisesRegex(TypeError, "expected Order, found Line"):
            codec_of(Order).encode(Line(1))
        with self.assertRaisesRegex(ValueError, "time zone"):
            codec_of(datetime).encode(datetime(2026, 11, 28))
        with self.assertRaises(ValueError):
            codec_of(float).encode(float("nan"))


if __name__ == "__main__":
    unittest.main()
