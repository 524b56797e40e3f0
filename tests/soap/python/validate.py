"""Validates a description: WSDL by the schema of WSDL 1.1, its XSD by compiling it, both by reading it with zeep; see ../README.md.

Input: `{"wsdl": URL, "messages": [envelope, …]}`. Output: what the description has, and for each message what is wrong with it by the
description's own schemas."""

import json
import os
import sys
import tempfile
import urllib.request

import xmlschema
import zeep
from lxml import etree

WSDL = "{http://schemas.xmlsoap.org/wsdl/}"
XSD = "{http://www.w3.org/2001/XMLSchema}"


def main():
    task = json.load(sys.stdin)
    with urllib.request.urlopen(task["wsdl"]) as reply:
        text = reply.read()
    description = etree.fromstring(text)
    by_wsdl(text)
    schema = by_xsd(description)
    client = zeep.Client(task["wsdl"], settings=zeep.Settings(strict=True))
    ports = [described(service, port) for service in client.wsdl.services.values() for port in service.ports.values()]
    messages = [wrong(schema, message) for message in task.get("messages", [])]
    documentation = ["".join(element.itertext()).strip() for element in description.iter(WSDL + "documentation", XSD + "documentation")]
    json.dump(
        {
            "namespace": description.get("targetNamespace"),
            "ports": ports,
            "documentation": documentation,
            "types": [t.get("name") for t in description.iter(XSD + "complexType", XSD + "simpleType") if t.get("name")],
            "messages": messages,
        },
        sys.stdout,
    )


def by_wsdl(text):
    """The schemas are those that the package xmlschema brings."""
    folder = os.path.join(os.path.dirname(xmlschema.__file__), "schemas", "WSDL")
    schema = xmlschema.XMLSchema(os.path.join(folder, "wsdl.xsd"))
    schema.import_schema("http://schemas.xmlsoap.org/wsdl/soap/", os.path.join(folder, "wsdl-soap.xsd"))
    schema.build()
    assert "http://schemas.xmlsoap.org/wsdl/soap/" in schema.maps.namespaces
    schema.validate(etree.ElementTree(etree.fromstring(text)), use_location_hints=False)


def by_xsd(description):
    """All embedded schemas as one, compiled by libxml2, which wants a file for each import."""
    embedded = list(description.iter(XSD + "schema"))
    with tempfile.TemporaryDirectory() as folder:
        files = {schema.get("targetNamespace"): f"{number}.xsd" for number, schema in enumerate(embedded)}
        assert len(files) == len(embedded), "a namespace has two schemas"
        for schema in embedded:
            alone = etree.fromstring(etree.tostring(schema))
            for one in alone.iter(XSD + "import"):
                one.set("schemaLocation", files[one.get("namespace")])
            etree.ElementTree(alone).write(os.path.join(folder, files[schema.get("targetNamespace")]))
        imports = "".join(f'<xsd:import namespace="{name}" schemaLocation="{file}"/>' for name, file in files.items())
        whole = os.path.join(folder, "whole.xsd")
        with open(whole, "w", encoding="utf-8") as file:
            file.write(f'<xsd:schema xmlns:xsd="{XSD[1:-1]}">{imports}</xsd:schema>')
        return etree.XMLSchema(etree.parse(whole))


def described(service, port):
    binding = port.binding
    operations = [
        {"name": operation.name, "action": operation.soapaction, "one_way": operation.output is None}
        for operation in binding.all().values()
    ]
    version = {"Soap11Binding": "1.1", "Soap12Binding": "1.2"}[type(binding).__name__]
    address = port.binding_options["address"]
    return {"service": service.name, "name": port.name, "version": version, "address": address, "operations": operations}


def wrong(schema, message):
    """What libxml2 says of what stands in the body; empty if nothing."""
    envelope = etree.fromstring(message.encode())
    body = next(element for element in envelope if etree.QName(element).localname == "Body")
    content = body[0]
    if etree.QName(content).localname == "Fault":
        # The fault's own element is SOAP's; its details are ours.
        details = [element for element in content if etree.QName(element).localname.lower() == "detail"]
        content = details[0][0]
    alone = etree.fromstring(etree.tostring(content))
    schema.validate(alone)
    return [str(error) for error in schema.error_log]


main()
