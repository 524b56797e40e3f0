"""Calls SOAP operations by their WSDL with zeep; see ../README.md."""

import base64
import datetime
import decimal
import json
import sys
import uuid

import requests
import zeep
from lxml import etree
from zeep import xsd
from zeep.helpers import serialize_object
from zeep.transports import Transport
from zeep.wsse.username import UsernameToken


def main():
    task = json.load(sys.stdin)
    client = connect(task)
    json.dump({"results": [call(client, one) for one in task["calls"]]}, sys.stdout)


def connect(task):
    """A client as zeep's documentation makes one; what the description has must be right (strict)."""
    security = task.get("security") or {}
    kind = security.get("kind")
    session = requests.Session()
    wsse = None
    if kind == "basic":
        session.auth = (security["username"], security["password"])
    elif kind == "api-key":
        session.headers["X-API-Key"] = security["key"]
    elif kind in ("ws-text", "ws-digest"):
        wsse = UsernameToken(security["username"], security["password"], use_digest=kind == "ws-digest")
        if security.get("same_token"):
            wsse.nonce, wsse.created = uuid.uuid4().hex, datetime.datetime.now(datetime.timezone.utc)
    return zeep.Client(task["wsdl"], transport=Transport(session=session), wsse=wsse, settings=zeep.Settings(strict=True))


def call(client, one):
    service = port(client, one["version"])
    operation = service._binding.get(one["operation"])
    try:
        answer = service[one["operation"]](**arguments(one["input"], operation.input.body.type))
    except zeep.exceptions.Fault as fault:
        return {"fault": shown_fault(fault)}
    except zeep.exceptions.TransportError as error:
        return {"transport": {"status": error.status_code, "text": str(error)}}
    output = operation.output and operation.output.body.type
    return {"output": result(answer, output)}


def port(client, version):
    """The port of the binding of this version of SOAP; the first one must be that of 1.1, as old clients expect."""
    name = {"1.1": "Soap11Binding", "1.2": "Soap12Binding"}[version]
    for service in client.wsdl.services.values():
        for port_name, found in service.ports.items():
            if type(found.binding).__name__ == name:
                return client.bind(service.name, port_name)
    raise SystemExit(f"the description has no port for SOAP {version}")


def native(value, kind):
    """JSON as zeep takes it: dates, decimals and bytes are Python's own."""
    if value is None:
        return None
    if isinstance(value, list):
        return [native(item, kind) for item in value]
    if isinstance(value, dict):
        members = arguments(value, kind)
        made = kind(**members)
        # zeep takes what is empty for a branch of a choice that was not chosen, unless it is set afterwards.
        for name in (name for name, item in value.items() if item == {}):
            made[name] = members[name]
        return made
    if isinstance(value, str) and not is_text(kind):
        return kind.pythonvalue(value)
    return value


def arguments(value, kind):
    """The members of an object as keyword arguments."""
    members = {**dict(kind.elements), **dict(kind.attributes)}
    named = {name.removeprefix("@"): item for name, item in value.items()}
    unknown = set(named) - set(members)
    if unknown:
        raise SystemExit(f"the description has no {sorted(unknown)} in {kind}")
    return {name: native(item, members[name].type) for name, item in named.items()}


def is_text(kind):
    return isinstance(kind, xsd.String) or not hasattr(kind, "pythonvalue")


def result(answer, kind):
    if answer is None:
        return None
    plain = shown(serialize_object(answer, dict))
    if isinstance(plain, dict):
        return plain
    # zeep unwraps an answer of one element.
    elements = [name for name, _ in kind.elements]
    return {elements[0]: plain} if len(elements) == 1 and plain is not None else plain


def shown(value):
    """Python's own values as JSON."""
    if isinstance(value, dict):
        members = {name: shown(item) for name, item in value.items()}
        return {name: item for name, item in members.items() if item is not None and item != []}
    if isinstance(value, list):
        return [shown(item) for item in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    if isinstance(value, datetime.datetime):
        instant = value.astimezone(datetime.timezone.utc)
        return instant.strftime("%Y-%m-%dT%H:%M:%S.") + f"{instant.microsecond // 1000:03}Z"
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, etree._Element):
        return etree.tostring(value).decode()
    return value


def shown_fault(fault):
    detail = None if fault.detail is None else etree.tostring(fault.detail).decode()
    code = (fault.code or "").rsplit("}", 1)[-1].rsplit(":", 1)[-1]
    return {"code": code, "text": fault.message, "detail": detail, "subcodes": [str(s) for s in fault.subcodes or []]}


main()
