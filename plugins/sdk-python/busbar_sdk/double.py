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
        #: What answers for systems of others, by connection, and dictionaries: all as the contract has it.
        self.http: dict[str, object] = {}
        self.soap: dict[str, object] = {}
        self.envelopes: dict[str, object] = {}
        self.sql: dict[str, object] = {}
        self.dictionaries: dict[str, object] = {}
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


def _known(connection: str, doubles: dict):
    """Who answers for a connection; as the bus says it if nobody does."""
    if connection not in doubles:
        raise Err(refused("connection-unknown", f"no test host answers for the connection {connection}", 404))
    return doubles[connection]


def refused(code: str, message: str, status: int | None = None):
    return types.Fault(types.Disposition_Reject(), status, code, message, [])


class http:
    """`busbar:bus/http`"""

    Request = _case("Request", "method", "path", "headers", "content_type", "payload", "timeout_ms")

    @staticmethod
    def send(connection, request):
        return _known(connection, host().http)(connection, request)


class soap:
    """`busbar:bus/soap`"""

    Operation = _case("Operation", "name", "input_schema", "output_schema")
    PartnerFault = _case("PartnerFault", "code", "subcodes", "message", "role", "detail", "described")
    SoapError_Partner = _case("SoapError_Partner", "value")
    SoapError_Bus = _case("SoapError_Bus", "value")

    @staticmethod
    def call(connection, operation, input):
        try:
            answer = _known(connection, host().soap)
        except Err as error:
            raise Err(soap.SoapError_Bus(error.value)) from None
        return answer(connection, operation, input)

    @staticmethod
    def exchange(connection, action, content_type, envelope):
        return _known(connection, host().envelopes)(connection, action, content_type, envelope)

    @staticmethod
    def operations(connection):
        _known(connection, host().soap)
        return []


class sql:
    """`busbar:bus/sql`"""

    Value_Null = _case("Value_Null")
    Value_Boolean = _case("Value_Boolean", "value")
    Value_Integer = _case("Value_Integer", "value")
    Value_Float = _case("Value_Float", "value")
    Value_Decimal = _case("Value_Decimal", "value")
    Value_Text = _case("Value_Text", "value")
    Value_Bytes = _case("Value_Bytes", "value")
    Value_Date = _case("Value_Date", "value")
    Value_Time = _case("Value_Time", "value")
    Value_Timestamp = _case("Value_Timestamp", "value")
    Value_Uuid = _case("Value_Uuid", "value")
    Value_Json = _case("Value_Json", "value")
    Column = _case("Column", "name", "kind")
    Rows = _case("Rows", "columns", "rows")
    Isolation = enum.Enum("Isolation", ["READ_COMMITTED", "REPEATABLE_READ", "SERIALIZABLE"], start=0)
    Options = _case("Options", "read_only", "isolation")

    class Cursor:
        def __init__(self, rows):
            self._columns = rows.columns
            self._rows = rows.rows

        def columns(self):
            return self._columns

        def next(self, max):
            batch, self._rows = self._rows[:max], self._rows[max:]
            return batch

        def __exit__(self, *raised):
            self._rows = []

    class Transaction:
        """Recorded; a rollback takes nothing back."""

        def __init__(self, database, options):
            self._database = database
            self._ended = False
            database.mark("begin")

        def query(self, statement, parameters):
            return self._database.query(statement, parameters)

        def execute(self, statement, parameters):
            return self._database.execute(statement, parameters)

        def commit(self):
            self._end("commit")

        def rollback(self):
            self._end("rollback")

        def __exit__(self, *raised):
            self._end("rollback")

        def _end(self, how):
            if not self._ended:
                self._ended = True
                self._database.mark(how)

    @staticmethod
    def query(connection, statement, parameters):
        return _known(connection, host().sql).query(statement, parameters)

    @staticmethod
    def execute(connection, statement, parameters):
        return _known(connection, host().sql).execute(statement, parameters)

    @staticmethod
    def open(connection, statement, parameters):
        return sql.Cursor(sql.query(connection, statement, parameters))

    @staticmethod
    def begin(connection, options):
        return sql.Transaction(_known(connection, host().sql), options)


class dictionaries:
    """`busbar:bus/dictionaries`"""

    @staticmethod
    def translate(dictionary, key, source, target, on):
        return dictionaries._known(dictionary).translate(key, source, target, on)

    @staticmethod
    def entries(dictionary, on):
        return dictionaries._known(dictionary).valid(on)

    @staticmethod
    def _known(name):
        if name not in host().dictionaries:
            raise Err(refused("dictionary-unknown", f"no test host has the dictionary {name}", 404))
        return host().dictionaries[name]


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
