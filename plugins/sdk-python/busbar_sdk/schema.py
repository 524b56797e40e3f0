"""JSON Schemas (draft 2020-12) as they are put together."""

import json

DIALECT = "https://json-schema.org/draft/2020-12/schema"


class Schema:
    """What a field's schema says beside its type: `Annotated[int, Schema(minimum=1, description="How many.")]`.

    The keywords are those of JSON Schema, and `xml` of OpenAPI; the bus checks them before the service runs. `name` is
    the member's name in JSON where Python needs another.
    """

    def __init__(self, *, name: str | None = None, **keywords):
        self.name = name
        self.keywords = keywords


class Definitions:
    """What `$defs` holds: a schema for each named type that is met."""

    def __init__(self, of_input: bool):
        #: Describes what is accepted: a member with a default is not required.
        self.of_input = of_input
        self._names: dict[object, str] = {}
        self.schemas: dict[str, dict] = {}

    def reference(self, key, name: str, make) -> dict:
        """A reference to the definition of `key`, which is made when it is first met."""
        if key not in self._names:
            known, number = name, 2
            while known in self.schemas:
                known, number = f"{name}{number}", number + 1
            self._names[key] = known
            self.schemas[known] = {}
            self.schemas[known] = make()
        return {"$ref": f"#/$defs/{self._names[key]}"}


def nullable(schema: dict) -> dict:
    """The schema, or null."""
    kind = schema.get("type")
    if not schema or kind == "null":
        return schema
    if isinstance(kind, str):
        wider = {**schema, "type": [kind, "null"]}
        if "enum" in schema:
            wider["enum"] = [*schema["enum"], None]
        return wider
    return {"anyOf": [schema, {"type": "null"}]}


def document(codec, of_input: bool) -> str:
    """The whole schema of an input or an output, as text."""
    definitions = Definitions(of_input)
    schema = codec.root(definitions)
    whole = {"$schema": DIALECT, **schema}
    if definitions.schemas:
        whole["$defs"] = definitions.schemas
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":"))


#: Of a service that asks for nothing: an empty request will do, or null from another service.
NOTHING = json.dumps({"$schema": DIALECT, "type": ["object", "null"]}, separators=(",", ":"))
