"""HTTP to systems of others, by a connection that the plugin is granted. Address, credentials, time limits, retries and the
circuit are the connection's; a service says what is asked for.

```python
item = http.get("prices", "/items/4711")
if item.status == 404:
    raise Reject("item-unknown", "there is no such item", status=404)
price = item.success().json(Price)
http.post("prices", "/orders", order, headers={"x-tenant": "acme"}).success()
```
"""

import urllib.parse

from . import payload
from .fault import Fail, InvalidInput, received
from .hints import codec_of
from .host import Err, bus
from .invoke import encoded


class Response:
    """A reply, of whatever status. Its payload is a `Body` to be read piece by piece unless it is small, or None."""

    def __init__(self, status: int, headers: list[tuple[str, str]], content_type: str | None, payload):
        self.status = status
        self.headers = headers
        self.content_type = content_type
        self.payload = payload

    def header(self, name: str) -> str | None:
        """The first one of that name, in whatever case; the content type is not among them."""
        return next((value for known, value in self.headers if known.lower() == name.lower()), None)

    def success(self) -> "Response":
        """Itself, if the status is 2xx.

        Raises Fail, naming the status.
        """
        if 200 <= self.status < 300:
            return self
        raise Fail(f"the other side answered with status {self.status}")

    def read(self) -> bytes:
        """The whole body.

        Raises Fail: `bad-reply` if it is too large, `no-reply` if it broke off.
        """
        try:
            return payload.whole(self.payload, raw=True)
        except Err as error:
            if isinstance(error.value, bus.types.BodyError_TooLarge):
                raise Fail("the reply is larger than allowed", code="bad-reply") from None
            raise Fail(f"the reply broke off: {error.value.value}", code="no-reply") from None

    def text(self) -> str:
        try:
            return self.read().decode()
        except UnicodeDecodeError:
            raise Fail("the reply is no UTF-8", code="bad-reply") from None

    def json(self, of=None):
        """As an `of`, or as what JSON has.

        Raises Fail `bad-reply` if it is none.
        """
        return decoded(self.read(), of, "the reply")

    def passed_on(self) -> payload.Response:
        """To return it from a raw service: of a `Body`, no byte passes through here."""
        return payload.Response(self.payload, self.content_type, self.status, self.headers)


def send(
    connection: str,
    method: str,
    path: str,
    *,
    body: object = None,
    content_type: str | None = None,
    query: dict[str, str] | None = None,
    headers: dict[str, str] | None = None,
    timeout_ms: int | None = None,
) -> Response:
    """A reply of any status is a reply. `path` comes behind the connection's base address, percent-encoded (`escape`);
    `query` is encoded here. `body` is bytes, a text or a `Body` as they are, a dataclass or anything that JSON has as JSON;
    the connection's own retries send a `Body` never again. `timeout_ms` is never longer than the connection's.

    Raises faults. Of nothing that was sent: `not-granted`, `connection-unknown`, `connection-unusable`, `invalid-input`,
    `invoke-limit`, `unreachable`, `address-refused`, `no-credentials`, `circuit-open`, `connection-busy`. Where the other
    side may have acted on it: `no-reply`, `bad-reply`, `redirect-refused`, `too-large`.
    """
    if query:
        path += ("&" if "?" in path else "?") + urllib.parse.urlencode(query, quote_via=urllib.parse.quote)
    body, content_type = typed(body, content_type)
    given = list((headers or {}).items())
    request = bus.http.Request(method, path, given, content_type, payload.to_bus(body), timeout_ms)
    try:
        return response(bus.http.send(connection, request))
    except Err as error:
        raise received(error.value) from None


def get(connection: str, path: str, **more) -> Response:
    return send(connection, "GET", path, **more)


def post(connection: str, path: str, body: object = None, **more) -> Response:
    return send(connection, "POST", path, body=body, **more)


def put(connection: str, path: str, body: object = None, **more) -> Response:
    return send(connection, "PUT", path, body=body, **more)


def patch(connection: str, path: str, body: object = None, **more) -> Response:
    return send(connection, "PATCH", path, body=body, **more)


def delete(connection: str, path: str, **more) -> Response:
    return send(connection, "DELETE", path, **more)


def escape(text: str) -> str:
    """Percent-encoded: safe as one segment of a path."""
    return urllib.parse.quote(text, safe="")


def typed(body: object, content_type: str | None) -> tuple:
    """The bytes of a body, and its content type if none is given."""
    if isinstance(body, str):
        return body, content_type or "text/plain; charset=utf-8"
    if body is None or isinstance(body, (bytes, bytearray, payload.Body)):
        return body, content_type
    return payload.to_json(encoded(body)), content_type or "application/json"


def response(reply) -> Response:
    """Of the contract's form."""
    body = payload.of_bus(reply.payload)
    status = reply.status or (204 if body is None else 200)
    return Response(status, reply.headers, reply.content_type, body)


def decoded(text: bytes | str, of, what: str):
    """What another side gave as JSON."""
    try:
        value = payload.parsed(text)
        return value if of is None else codec_of(of).decode(value, "")
    except InvalidInput as error:
        places = "; ".join(f"{each.path or '(whole)'}: {each.message}" for each in error.errors)
        raise Fail(f"{what} is not as expected: {places}", code="bad-reply") from None
