"""A SOAP service that Busbar had no hand in, by spyne. Prints the URL of its description and serves until it is ended."""

import datetime
import decimal
import sys
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from spyne import (
    AnyXml,
    Application,
    Array,
    Boolean,
    ByteArray,
    ComplexModel,
    Date,
    DateTime,
    Decimal,
    Enum,
    Fault,
    Integer32,
    Service,
    Unicode,
    XmlAttribute,
    rpc,
)
from spyne.protocol.soap import Soap11, Soap12
from spyne.server.wsgi import WsgiApplication

NAMESPACE = "urn:partner:depot"
TYPES = "urn:partner:depot:types"

Urgency = Enum("low", "high", type_name="Urgency")


class Typed(ComplexModel):
    __namespace__ = TYPES


class Line(Typed):
    article = Unicode(min_occurs=1, nullable=False, max_len=20)
    quantity = Integer32(min_occurs=1, nullable=False, ge=1, le=1000)
    price = Decimal(min_occurs=0)
    unit = XmlAttribute(Unicode)


class Order(Typed):
    customer = Unicode(min_occurs=1, nullable=False)
    urgency = Urgency
    due = DateTime
    day = Date
    lines = Array(Line)
    photo = ByteArray
    tags = Unicode(max_occurs="unbounded")


class RushOrder(Order):
    surcharge = Decimal


class Receipt(Typed):
    number = Integer32(min_occurs=1, nullable=False)
    total = Decimal
    accepted = Boolean
    order = Order
    at = DateTime


class Unknown(Fault):
    __namespace__ = TYPES
    article = Unicode

    def __init__(self, article):
        super().__init__("Client.Unknown", f"no such article: {article}")
        self.article = article


class Depot(Service):
    @rpc(Order, _returns=Receipt, _throws=[Unknown])
    def submit(ctx, order):
        """Takes an order and gives it back."""
        lines = order.lines or []
        for line in lines:
            if line.article == "unknown":
                raise Unknown(line.article)
        total = sum((line.price or decimal.Decimal(0)) * line.quantity for line in lines)
        # Without a zone, as many services say it.
        at = datetime.datetime(2026, 11, 30, 12, 0, 0)
        return Receipt(number=7, total=total, accepted=True, order=order, at=at)

    @rpc(Unicode(max_occurs="unbounded"), _returns=Array(Integer32))
    def lengths(ctx, text):
        return [len(one or "") for one in text or []]

    @rpc()
    def touch(ctx):
        pass

    @rpc(AnyXml, _returns=AnyXml)
    def echo(ctx, document):
        return document


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class Quiet(WSGIRequestHandler):
    def log_message(self, *arguments):
        pass


def main():
    version = sys.argv[1]
    protocol = {"1.1": Soap11, "1.2": Soap12}[version]
    application = Application(
        [Depot],
        NAMESPACE,
        name="Depot",
        # Requests are held against the schema, by another reader than that which made them.
        in_protocol=protocol(validator="lxml"),
        out_protocol=protocol(),
    )
    server = make_server("127.0.0.1", 0, WsgiApplication(application), Server, Quiet)
    print(f"http://127.0.0.1:{server.server_port}/?wsdl", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
