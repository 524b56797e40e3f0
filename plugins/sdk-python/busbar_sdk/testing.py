"""Unit tests without a bus: `TestHost` gives what a service asks for and keeps what it did.

```python
host = TestHost(services={"prices.lookup": lambda input: {"cents": 450}})
outcome = host.call(submit, {"customer": "Ada"})
assert outcome.output == {"total_cents": 450}
assert host.json("order/1")["customer"] == "Ada"
```

Systems of others answer likewise, by the names of their connections:

```python
host = TestHost(
    http={"prices": lambda request: {"cents": 450}},
    soap={"partner": lambda operation, input: {"number": 7}},
    sql={"stock": [("select n from items where sku = $1", [{"n": 4}]), ("update items set n = n - 1", 1)]},
    dictionaries={"countries": [{"erp": "DE", "shop": "germany"}]},
)
```

- `http`: of an `answers.HttpRequest` makes a `Response`, anything else as its JSON, or raises a `Fault` of the bus.
- `soap`: may raise a `soap.PartnerFault`, or a `Fault` of the bus; `soap_envelopes` of action and envelope makes a
  `Response` to `soap.exchange`.
- `sql`: the answers to statements, whatever their white space, each given once and in their order: rows as dicts, how many
  rows it changed, or a `Fault`.
- `dictionaries`: entries as systems and their codes, always valid; `answers.Dictionary` has defaults and days too.

A fault discards what the call kept and delivered, as the bus does. Limits, grants, expiry and the check against the
schema are not here: those are the bus's, and `busbar test` has them.
"""

import json
from dataclasses import dataclass, field

from . import answers, payload
from .double import Err, Host, types
from .fault import Fault
from .plugin import Plugin


@dataclass
class Outcome:
    """What a call came to: `output` as JSON has it, or `fault`."""

    output: object = None
    fault: Fault | None = None
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)


class TestHost:
    """A bus with one plugin. `services` answers calls of others: each a function from input to output that may raise a
    `Fault`.
    """

    __test__ = False

    def __init__(
        self,
        *,
        services=None,
        kv=None,
        config=None,
        secrets=None,
        headers=None,
        caller=None,
        http=None,
        soap=None,
        soap_envelopes=None,
        sql=None,
        dictionaries=None,
    ):
        self._host = Host()
        for name, answer in (services or {}).items():
            self._host.services[name] = _answering(answer)
        for key, value in (kv or {}).items():
            self._host.kv[key] = (payload.to_json(value), next(self._host.versions))
        self._host.config = {key: json.dumps(value) for key, value in (config or {}).items()}
        self._host.secrets = dict(secrets or {})
        self._host.head.headers = list((headers or {}).items())
        self._host.caller = caller
        #: What was sent to systems of others; a fault leaves it there.
        self.sent = sent = answers.Sent()
        self._host.http = {name: answers.web(sent, answer) for name, answer in (http or {}).items()}
        self._host.soap = {name: answers.partner(sent, answer) for name, answer in (soap or {}).items()}
        envelopes = (soap_envelopes or {}).items()
        self._host.envelopes = {name: answers.endpoint(sent, answer) for name, answer in envelopes}
        self._host.sql = {name: answers.Database(sent, name, script) for name, script in (sql or {}).items()}
        tables = (dictionaries or {}).items()
        self._host.dictionaries = {name: answers.dictionary(entries) for name, entries in tables}

    def call(self, function, input=None) -> Outcome:
        """Calls a service of `Plugin.made` through its JSON, as the bus does."""
        name = next(each.name for each in Plugin.made.services.values() if each.function is function)
        request = types.Request("application/json", types.Payload_Bytes(payload.to_json(input or {})))
        before = (dict(self._host.kv), list(self._host.deliveries), list(self._host.messages))
        Host.current = self._host
        try:
            response = Plugin.made.handle(name, request)
        except Fault as fault:
            self._host.kv, self._host.deliveries, self._host.messages = before
            return Outcome(fault=fault, status=fault.status)
        finally:
            Host.current = None
        body = payload.whole(payload.of_bus(response.payload))
        output = json.loads(body) if response.content_type == "application/json" else body
        return Outcome(output, None, response.status, dict(response.headers))

    def json(self, key: str):
        """A value that is kept; None if there is none."""
        entry = self._host.kv.get(key)
        return None if entry is None else json.loads(entry[0])

    @property
    def deliveries(self) -> list[tuple[str, object]]:
        """What was handed over, asynchronous calls too: the service and its input."""
        return [(name, json.loads(request.payload.value)) for name, request, _ in self._host.deliveries]

    @property
    def messages(self) -> list[tuple[str, object]]:
        """What was handed over to brokers: the connection and the message as the contract has it."""
        return [(connection, message) for connection, message, _ in self._host.messages]

    @property
    def published(self) -> list[tuple[str, object]]:
        """The same of what was published; a fault leaves it there."""
        return self._host.published

    @property
    def logs(self) -> list[tuple[str, str, dict]]:
        """Level, message and fields."""
        return self._host.logs


def _answering(answer):
    def call(request):
        try:
            output = answer(json.loads(request.payload.value))
        except Fault as fault:
            raise Err(fault.to_bus()) from None
        return types.Response(None, "application/json", [], types.Payload_Bytes(payload.to_json(output)))

    return call
