"""The bus of unit tests: the contract's interfaces, answered by a `testing.TestHost`. The names are those that
componentize-py gives.
"""

import enum
import itertools
from dataclasses import dataclass, make_dataclass


@dataclass(frozen=True)
class Err(Exception):
    """A result that is an error."""

    value: object


@dataclass
class Ok:
    """A result that is none."""

    value: object


class Host:
    """What the interfaces below work on."""

    def __init__(self):
        self.kv: dict[str, tuple[bytes, int]] = {}
        self.versions = itertools.count(1)
        self.cache: dict[str, bytes] = {}
        self.config: dict[str, str] = {}
        self.secrets: dict[str, str] = {}
        self.services: dict[str, object] = {}
        self.deliveries: list[tuple[str, object, object]] = []
        self.published: list[tuple[str, object]] = []
        self.messages: list[tuple[str, object, object]] = []
        self.logs: list[tuple[str, str, dict]] = []
        self.head = context.RequestHead("", "", [], [], [])
        self.caller: str | None = None
        self.idempotency_key: str | None = None
        self.attempt = 1


def host() -> Host:
    if Host.current is None:
        raise RuntimeError("there is no bus here: use a busbar_sdk.testing.TestHost")
    return Host.current


Host.current = None


def _case(name: str, *fields: str):
    return make_dataclass(name, fields)


class types:
    """`busbar:bus/types`"""

    class Body:
        """Nothing is streamed in a unit test."""

    BodyError_TooLarge = _case("BodyError_TooLarge")
    BodyError_Broken = _case("BodyError_Broken", "value")
    Payload_Empty = _case("Payload_Empty")
    Payload_Bytes = _case("Payload_Bytes", "value")
    Payload_Stream = _case("Payload_Stream", "value")
    Request = _case("Request", "content_type", "payload")
    Response = _case("Response", "status", "content_type", "headers", "payload")
    Disposition_Reject = _case("Disposition_Reject")
    Disposition_RetryAfter = _case("Disposition_RetryAfter", "value")
    Disposition_Fail = _case("Disposition_Fail")
    FieldError = _case("FieldError", "path", "message")
    Fault = _case("Fault", "disposition", "status", "code", "message", "errors")


class service:
    """`busbar:bus/service`"""

    ChannelProposal = _case("ChannelProposal", "protocol", "path", "methods")
    ServiceDescription = _case(
        "ServiceDescription", "name", "summary", "input_schema", "output_schema", "channels", "calls_per_instance"
    )
    Description = _case("Description", "name", "version", "services", "invokes", "secrets")


class context:
    """`busbar:bus/context`"""

    RequestHead = _case("RequestHead", "method", "path", "query", "headers", "params")

    head = staticmethod(lambda: host().head)
    correlation_id = staticmethod(lambda: "test")
    caller = staticmethod(lambda: host().caller)
    remaining_ms = staticmethod(lambda: 30_000)
    idempotency_key = staticmethod(lambda: host().idempotency_key)
    attempt = staticmethod(lambda: host().attempt)


class invoke:
    """`busbar:bus/invoke`"""

    Target = _case("Target", "service", "request")

    @staticmethod
    def call(name, request):
        answer = host().services.get(name)
        if answer is None:
            fault = types.Fault(types.Disposition_Fail(), None, "not-granted", f"no test host answers for {name}", [])
            raise Err(fault)
        return answer(request)

    @staticmethod
    def all(targets):
        results = []
        for target in targets:
            try:
                results.append(Ok(invoke.call(target.service, target.request)))
            except Err as error:
                results.append(error)
        return results

    @staticmethod
    def start(name, request):
        return deliver.send(name, request, None)


class deliver:
    """`busbar:bus/deliver`"""

    Options = _case("Options", "attempts", "backoff_ms", "backoff_max_ms", "expires_ms", "delay_ms", "order_key")

    @staticmethod
    def send(name, request, options):
        host().deliveries.append((name, request, options))
        return f"delivery-{len(host().deliveries)}"


class amqp:
    """`busbar:bus/amqp`"""

    Properties = _case(
        "Properties",
        "headers",
        "content_encoding",
        "correlation_id",
        "reply_to",
        "message_id",
        "kind",
        "priority",
        "expiration_ms",
    )
    Message = _case("Message", "exchange", "routing_key", "content_type", "properties", "payload")

    @staticmethod
    def publish(connection, message):
        host().published.append((connection, message))

    @staticmethod
    def hand_over(connection, message, options):
        host().messages.append((connection, message, options))
        return f"message-{len(host().messages)}"


class kv:
    """`busbar:bus/kv`"""

    Entry = _case("Entry", "value", "version")
    Page = _case("Page", "entries", "next")
    KvError_Conflict = _case("KvError_Conflict")
    KvError_Limit = _case("KvError_Limit", "value")
    KvError_NotANumber = _case("KvError_NotANumber")
    KvError_Unavailable = _case("KvError_Unavailable")

    @staticmethod
    def get(key):
        found = host().kv.get(key)
        return None if found is None else kv.Entry(*found)

    @staticmethod
    def put(key, value, expected, ttl_ms):
        kv._expect(key, expected)
        host().kv[key] = (bytes(value), next(host().versions))

    @staticmethod
    def delete(key, expected):
        kv._expect(key, expected)
        host().kv.pop(key, None)

    @staticmethod
    def increment(key, by):
        try:
            total = int(host().kv.get(key, (b"0", 0))[0]) + by
        except ValueError:
            raise Err(kv.KvError_NotANumber()) from None
        host().kv[key] = (str(total).encode(), next(host().versions))
        return total

    @staticmethod
    def list(prefix, after, limit):
        keys = sorted(key for key in host().kv if key.startswith(prefix) and key > (after or ""))
        entries = [(key, kv.Entry(*host().kv[key])) for key in keys[:limit]]
        return kv.Page(entries, keys[limit - 1] if len(keys) > limit else None)

    @staticmethod
    def _expect(key, expected):
        if expected is not None and host().kv.get(key, (b"", 0))[1] != expected:
            raise Err(kv.KvError_Conflict())


class cache:
    """`busbar:bus/cache`"""

    get = staticmethod(lambda key: host().cache.get(key))
    delete = staticmethod(lambda key: host().cache.pop(key, None))

    @staticmethod
    def put(key, value, ttl_ms):
        host().cache[key] = bytes(value)
        return True


class config:
    """`busbar:bus/config`"""

    get = staticmethod(lambda key: host().config.get(key))
    all = staticmethod(lambda: "{" + ",".join(f'"{key}":{text}' for key, text in host().config.items()) + "}")


class secrets:
    """`busbar:bus/secrets`"""

    SecretError_NotGranted = _case("SecretError_NotGranted")
    SecretError_Unknown = _case("SecretError_Unknown")
    SecretError_Unavailable = _case("SecretError_Unavailable", "value")

    @staticmethod
    def get(name):
        if name not in host().secrets:
            raise Err(secrets.SecretError_NotGranted())
        return host().secrets[name]


class log:
    """`busbar:bus/log`: where there is no test host, nothing is kept."""

    Level = enum.Enum("Level", ["TRACE", "DEBUG", "INFO", "WARN", "ERROR"], start=0)

    @staticmethod
    def write(level, message, fields):
        if Host.current is not None:
            Host.current.logs.append((level.name, message, dict(fields)))
