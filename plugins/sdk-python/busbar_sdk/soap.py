"""Operations of SOAP services of others, by a connection that the plugin is granted and that has their WSDL. Input and
output are JSON, as the operation's schemas say.

```python
try:
    confirmed = soap.call("partner", "confirm", {"order": 4711}, Confirmed)
except soap.PartnerFault as fault:
    if fault.fault_code != "OrderUnknown":
        raise
```
"""

import json
from dataclasses import dataclass

from . import http, payload
from .fault import Fail, received
from .host import Err, bus
from .invoke import encoded


class PartnerFault(Fail):
    """A fault that the other side answered with. To callers of the service it is a `Fail` with the code `partner-fault`."""

    def __init__(
        self,
        fault_code: str,
        reason: str,
        *,
        subcodes: tuple | list = (),
        role: str | None = None,
        detail: str | None = None,
        described: tuple[str, object] | None = None,
    ):
        super().__init__(f"the other side answered with the fault {fault_code}: {reason}", code="partner-fault")
        #: Without its prefix: `Client`, `Server` (SOAP 1.1), `Sender`, `Receiver` (1.2), or the service's own.
        self.fault_code = fault_code
        self.reason = reason
        #: Of SOAP 1.2, from the outside in.
        self.subcodes = list(subcodes)
        self.role = role
        #: What is in its detail, as XML.
        self.detail = detail
        #: The same as JSON, where the WSDL describes it, behind the name of the element.
        self.described = described


@dataclass
class Operation:
    name: str
    #: JSON Schema 2020-12; None: it takes nothing.
    input_schema: dict | None
    #: None: it answers nothing.
    output_schema: dict | None


def call(connection: str, operation: str, input: object = None, returns=None):
    """Calls an operation and waits. `input` is a dataclass or anything that JSON has; the output is a `returns`, or what
    JSON has if that is not given.

    Raises `PartnerFault`, and the bus's own faults: those of `http.send`; `operation-unknown` and `invalid-input`, of which
    nothing was sent; `bad-reply` also for a reply that is not what the WSDL says.
    """
    text = payload.to_json(encoded(input)).decode()
    try:
        output = bus.soap.call(connection, operation, text)
    except Err as error:
        raise _refusal(error.value) from None
    return http.decoded(output, returns, f"the output of {operation}")


def exchange(connection: str, action: str, content_type: str, envelope) -> http.Response:
    """An envelope as it is, a text, bytes or a `Body`, and its reply as it came. `action` is its SOAPAction, or that of SOAP
    1.2's content type.
    """
    try:
        return http.response(bus.soap.exchange(connection, action, content_type, payload.to_bus(envelope)))
    except Err as error:
        raise received(error.value) from None


def operations(connection: str) -> list[Operation]:
    """What the connection's WSDL has."""
    try:
        known = bus.soap.operations(connection)
    except Err as error:
        raise received(error.value) from None
    return [Operation(each.name, _schema(each.input_schema), _schema(each.output_schema)) for each in known]


def _schema(text: str | None) -> dict | None:
    return None if text is None else json.loads(text)


def _refusal(error):
    if isinstance(error, bus.soap.SoapError_Bus):
        return received(error.value)
    fault = error.value
    described = fault.described and (fault.described[0], json.loads(fault.described[1]))
    return PartnerFault(
        fault.code, fault.message, subcodes=fault.subcodes, role=fault.role, detail=fault.detail, described=described
    )
