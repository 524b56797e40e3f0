"""Systems of others in unit tests: from what a test gives to what the contract has. `testing` tells what is given."""

import datetime
import json
import re
from dataclasses import dataclass, field

from . import payload, value
from .double import Err, refused, soap, sql, types
from .fault import Fail, Fault
from .invoke import encoded
from .payload import Response
from .soap import PartnerFault

DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass
class HttpRequest:
    connection: str
    method: str
    path: str
    headers: dict[str, str]
    content_type: str | None
    body: bytes
    timeout_ms: int | None

    def json(self):
        return json.loads(self.body)


@dataclass
class Sent:
    """In the order of sending."""

    http: list[HttpRequest] = field(default_factory=list)
    #: The connection, the operation and its input.
    soap: list[tuple[str, str, object]] = field(default_factory=list)
    #: The connection, the action and the envelope.
    envelopes: list[tuple[str, str, bytes]] = field(default_factory=list)
    #: The connection, the statement and its parameters; `begin`, `commit` and `rollback` of transactions too.
    sql: list[tuple[str, str, list]] = field(default_factory=list)


@dataclass
class Dictionary:
    """Entries in the table's order, each as systems and their codes."""

    entries: list[dict[str, str]]
    #: A system's code for what no entry has.
    defaults: dict[str, str] = field(default_factory=dict)
    #: Of an entry, by its place, the first and the last day that it is valid on, None for always.
    valid_on: dict[int, tuple[str | None, str | None]] = field(default_factory=dict)

    def translate(self, key, source, target, on):
        systems = {system for entry in self.entries for system in entry} | self.defaults.keys()
        for system in (source, target):
            if system not in systems:
                raise Err(refused("system-unknown", f"the dictionary has no system {system}", 404))
        fitting = (entry for entry in map(dict, self.valid(on)) if entry.get(source) == key and target in entry)
        return next(fitting, self.defaults).get(target)

    def valid(self, on):
        if on is not None and not DATE.fullmatch(on):
            raise Err(refused("invalid-input", f"{on} is no date; expected one like 2026-11-30"))
        day = on or datetime.datetime.now(datetime.timezone.utc).date().isoformat()
        chosen = []
        for at, entry in enumerate(self.entries):
            first, last = self.valid_on.get(at, (None, None))
            if (first or day) <= day <= (last or day):
                chosen.append(list(entry.items()))
        return chosen


def dictionary(given) -> Dictionary:
    return given if isinstance(given, Dictionary) else Dictionary(list(given))


def web(sent: Sent, answer):
    """Who replies to requests by `http`."""

    def reply(connection, request):
        body = payload.whole(payload.of_bus(request.payload))
        headers = dict(request.headers)
        got = HttpRequest(
            connection, request.method, request.path, headers, request.content_type, body, request.timeout_ms
        )
        sent.http.append(got)
        return _response(_tried(answer, got))

    return reply


def endpoint(sent: Sent, answer):
    """Who replies to envelopes."""

    def reply(connection, action, content_type, envelope):
        text = payload.whole(payload.of_bus(envelope))
        sent.envelopes.append((connection, action, text))
        return _response(_tried(answer, action, text))

    return reply


def partner(sent: Sent, answer):
    """Who answers operations."""

    def call(connection, operation, text):
        given = json.loads(text)
        sent.soap.append((connection, operation, given))
        try:
            return payload.to_json(encoded(answer(operation, given))).decode()
        except PartnerFault as fault:
            described = fault.described and (fault.described[0], json.dumps(fault.described[1]))
            told = soap.PartnerFault(fault.fault_code, fault.subcodes, fault.reason, fault.role, fault.detail, described)
            raise Err(soap.SoapError_Partner(told)) from None
        except Fault as fault:
            raise Err(soap.SoapError_Bus(fault.to_bus())) from None

    return call


class Database:
    """Answers statements by a script."""

    def __init__(self, sent: Sent, connection: str, script):
        self.sent = sent
        self.connection = connection
        self.script = [(_spaced(statement), answer) for statement, answer in script]

    def mark(self, what):
        self.sent.sql.append((self.connection, what, []))

    def query(self, statement, parameters):
        answer = self._answer(statement, parameters)
        rows = answer if isinstance(answer, (list, tuple)) else []
        names = list(rows[0]) if rows else []
        values = [[value.to_bus(row[name]) for name in names] for row in rows]
        return sql.Rows([sql.Column(name, "") for name in names], values)

    def execute(self, statement, parameters):
        answer = self._answer(statement, parameters)
        return answer if isinstance(answer, int) else len(answer)

    def _answer(self, statement, parameters):
        self.sent.sql.append((self.connection, statement, [value.of_bus(each) for each in parameters]))
        for at, (known, answer) in enumerate(self.script):
            if known == _spaced(statement):
                del self.script[at]
                if isinstance(answer, Fault):
                    raise Err(answer.to_bus())
                return answer
        text = f"the database's script has no answer left for {statement!r}"
        raise Err(Fail(text, code="invalid-statement").to_bus())


def _spaced(statement: str) -> str:
    return " ".join(statement.split())


def _tried(answer, *arguments):
    try:
        return answer(*arguments)
    except Fault as fault:
        raise Err(fault.to_bus()) from None


def _response(reply):
    if not isinstance(reply, Response):
        reply = Response(payload.to_json(encoded(reply)), "application/json")
    body = payload.to_bus(reply.payload)
    return types.Response(reply.status, reply.content_type, list(reply.headers), body)
