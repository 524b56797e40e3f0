"""A partner for the tutorial: tells prices over HTTP, and takes confirmations over SOAP, but is down half the time.

    python3 partner.py [PORT]

Of Python's standard library alone. GET /prices/SKU gives {"unit_price_cents": N}, or 404. GET /confirmations?wsdl
describes what POST /confirmations takes; every other message is answered with 503, and an order that is confirmed
again gets the reference that it has.
"""

import itertools
import json
import sys
import threading
import xml.etree.ElementTree as ElementTree
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit
from xml.sax.saxutils import escape

PRICES = {"tea": 420, "mug": 1190, "green tea": 390}
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
NAMESPACE = "urn:example:confirmations"

WSDL = f"""<?xml version="1.0"?>
<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/"
    xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:c="{NAMESPACE}" targetNamespace="{NAMESPACE}">
  <types>
    <xs:schema targetNamespace="{NAMESPACE}" elementFormDefault="qualified">
      <xs:element name="ConfirmOrder">
        <xs:complexType><xs:sequence>
          <xs:element name="order" type="xs:string"/>
          <xs:element name="customer" type="xs:string"/>
          <xs:element name="country" type="c:Country" minOccurs="0"/>
          <xs:element name="totalCents" type="xs:long"/>
          <xs:element name="currency" type="xs:string"/>
        </xs:sequence></xs:complexType>
      </xs:element>
      <xs:element name="ConfirmOrderResponse">
        <xs:complexType><xs:sequence>
          <xs:element name="reference" type="xs:string"/>
        </xs:sequence></xs:complexType>
      </xs:element>
      <xs:simpleType name="Country">
        <xs:restriction base="xs:string"><xs:pattern value="[0-9]{{3}}"/></xs:restriction>
      </xs:simpleType>
    </xs:schema>
  </types>
  <message name="ConfirmOrder"><part name="parameters" element="c:ConfirmOrder"/></message>
  <message name="ConfirmOrderResponse"><part name="parameters" element="c:ConfirmOrderResponse"/></message>
  <portType name="Confirmations">
    <operation name="ConfirmOrder">
      <documentation>Confirms an order to its customer.</documentation>
      <input message="c:ConfirmOrder"/><output message="c:ConfirmOrderResponse"/>
    </operation>
  </portType>
  <binding name="ConfirmationsSoap" type="c:Confirmations">
    <soap:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>
    <operation name="ConfirmOrder">
      <soap:operation soapAction="{NAMESPACE}:ConfirmOrder"/>
      <input><soap:body use="literal"/></input><output><soap:body use="literal"/></output>
    </operation>
  </binding>
  <service name="Confirmations">
    <port name="ConfirmationsPort" binding="c:ConfirmationsSoap"><soap:address location="ADDRESS"/></port>
  </service>
</definitions>
"""


class Partner(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    lock = threading.Lock()
    messages = itertools.count()
    references = {}

    def do_GET(self):
        url = urlsplit(self.path)
        if url.path == "/confirmations" and url.query.lower() == "wsdl":
            address = f"http://{self.headers['Host']}/confirmations"
            return self.answer(200, "text/xml; charset=utf-8", WSDL.replace("ADDRESS", address))
        if url.path == "/confirmed":
            return self.answer(200, "application/json", json.dumps(self.references))
        price = PRICES.get(unquote(url.path.removeprefix("/prices/")))
        if price is None:
            return self.answer(404, "application/json", '{"error": "not for sale"}')
        return self.answer(200, "application/json", json.dumps({"unit_price_cents": price}))

    do_HEAD = do_GET

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if next(self.messages) % 2 == 0:
            return self.answer(503, "text/html", "<h1>We are down for maintenance</h1>")
        try:
            order = ElementTree.fromstring(body).find(f".//{{{NAMESPACE}}}order").text
        except (ElementTree.ParseError, AttributeError):
            fault = "<soap:Fault><faultcode>soap:Client</faultcode><faultstring>no order</faultstring></soap:Fault>"
            return self.answer(500, "text/xml; charset=utf-8", envelope(fault))
        with self.lock:
            reference = self.references.setdefault(order, f"P-{len(self.references) + 1}")
        reply = f'<ConfirmOrderResponse xmlns="{NAMESPACE}"><reference>{escape(reference)}</reference></ConfirmOrderResponse>'
        return self.answer(200, "text/xml; charset=utf-8", envelope(reply))

    def answer(self, status, kind, text):
        data = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)


def envelope(body):
    return f'<soap:Envelope xmlns:soap="{SOAP}"><soap:Body>{body}</soap:Body></soap:Envelope>'


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8700
    server = ThreadingHTTPServer(("127.0.0.1", port), Partner)
    print(f"the partner listens at http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
