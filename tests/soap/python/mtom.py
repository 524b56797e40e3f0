"""Calls an operation with its bytes beside the envelope (MTOM, XOP), without a SOAP library; see ../README.md.

Text members of a call's input become elements; the member that its `binary` names is sent as a part. What is wrong on purpose stands in
`wrong`: `missing` (the envelope refers to a part that is not there)."""

import base64
import email.parser
import email.policy
import json
import sys
import urllib.error
import urllib.request
import xml.etree.ElementTree as etree
from xml.sax.saxutils import escape

ENVELOPES = {"1.1": "http://schemas.xmlsoap.org/soap/envelope/", "1.2": "http://www.w3.org/2003/05/soap-envelope"}
MEDIA_TYPES = {"1.1": "text/xml", "1.2": "application/soap+xml"}
WSDL = "{http://schemas.xmlsoap.org/wsdl/}"
XOP = "{http://www.w3.org/2004/08/xop/include}"
BOUNDARY = "a-boundary=_of its own"


def main():
    task = json.load(sys.stdin)
    with urllib.request.urlopen(task["wsdl"]) as reply:
        description = etree.fromstring(reply.read())
    address = next(port[0].get("location") for port in description.iter(WSDL + "port"))
    namespace = description.get("targetNamespace")
    json.dump({"results": [call(address, namespace, one) for one in task["calls"]]}, sys.stdout)


def call(address, namespace, one):
    content_type, body = message(namespace, one)
    headers = {"Content-Type": content_type}
    if one["version"] == "1.1":
        headers["SOAPAction"] = f'"{one["operation"]}"'
    request = urllib.request.Request(address, data=body, headers=headers)
    try:
        with urllib.request.urlopen(request) as reply:
            return shown(reply.status, reply.headers["Content-Type"], reply.read())
    except urllib.error.HTTPError as error:
        return shown(error.code, error.headers["Content-Type"], error.read())


def message(namespace, one):
    """Content type and body, as XOP (section 4.1) and MTOM (section 3.2) have them."""
    operation, version, binary = one["operation"], one["version"], one["binary"]
    members = []
    for name, value in one["input"].items():
        if name == binary:
            # Percent-encoded in a reference (RFC 2392), not in the part's header.
            value = f'<xop:Include xmlns:xop="{XOP[1:-1]}" href="cid:bytes%2B1@example.org"/>'
        else:
            value = escape(value)
        members.append(f"<{name}>{value}</{name}>")
    envelope = (
        f'<e:Envelope xmlns:e="{ENVELOPES[version]}"><e:Body>'
        f'<{operation} xmlns="{namespace}">{"".join(members)}</{operation}></e:Body></e:Envelope>'
    )
    media = MEDIA_TYPES[version]
    action = f'; action="{operation}"' if version == "1.2" else ""
    root = f'application/xop+xml; charset=utf-8; type="{media}"'
    parts = [(root, "<root@example.org>", "8bit", envelope.encode())]
    if one.get("wrong") != "missing":
        parts.append(("application/octet-stream", "<bytes+1@example.org>", "binary", base64.b64decode(one["input"][binary])))
    body = b"".join(
        f"--{BOUNDARY}\r\nContent-Type: {kind}\r\nContent-ID: {identity}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n".encode()
        + content
        + b"\r\n"
        for kind, identity, encoding, content in parts
    )
    content_type = (
        f'multipart/related; boundary="{BOUNDARY}"; type="application/xop+xml"; start="<root@example.org>"; start-info="{media}"'
        + action
    )
    return content_type, body + f"--{BOUNDARY}--\r\n".encode()


def shown(status, content_type, body):
    """The reply: its body's members, with the bytes of parts as base64."""
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    whole = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + body)
    parts = {}
    envelope = body
    if whole.is_multipart():
        parsed = list(whole.iter_parts())
        parts = {part["Content-ID"].strip().strip("<>"): part.get_payload(decode=True) for part in parsed}
        start = (whole["Content-Type"].params.get("start") or parsed[0]["Content-ID"]).strip().strip("<>")
        envelope = parts.pop(start)
    root = etree.fromstring(envelope)
    content = next(element for element in root if element.tag.endswith("}Body"))[0]
    members = {member.tag.rsplit("}", 1)[-1]: value(member, parts) for member in content}
    result = {"status": status, "content_type": content_type, "parts": len(parts)}
    is_fault = content.tag.endswith("}Fault")
    return result | ({"fault": etree.tostring(content).decode()} if is_fault else {"output": members})


def value(member, parts):
    include = member.find(XOP + "Include")
    if include is None:
        return member.text or ""
    identity = urllib.request.unquote(include.get("href").removeprefix("cid:"))
    return base64.b64encode(parts[identity]).decode()


main()
