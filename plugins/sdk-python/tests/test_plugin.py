"""Services as the bus calls them."""

import json
import unittest
from dataclasses import dataclass

from busbar_sdk import (
    Fail,
    InvalidInput,
    Plugin,
    Reject,
    Reply,
    Request,
    Response,
    RetryAfter,
    Target,
    config,
    amqp,
    deliver,
    invoke,
    invoke_all,
    kv,
    log,
    secrets,
)
from busbar_sdk.double import types
from busbar_sdk.testing import TestHost

plugin = Plugin("shop", "1.2.3")


@dataclass
class Order:
    sku: str
    quantity: int = 1


@dataclass
class Taken:
    total: int


@dataclass
class Price:
    cents: int


@plugin.service(
    rest=["POST /orders", "GET, PUT /orders/{sku}"], soap="/soap/shop", invokes=["prices.lookup", "mail.send"], secrets="key"
)
def submit(order: Order) -> Reply[Taken]:
    """Takes an order
    and prices it.

    More.
    """
    price = invoke("prices.lookup", {"sku": order.sku}, Price)
    kv.put_json("order/1", order, expected=kv.ABSENT)
    deliver.send("mail.send", order, deliver.Options(order_key="a"))
    amqp.hand_over("broker", amqp.Message("shop", "new", order, headers={"a": "b"}, priority=3))
    amqp.publish("broker", amqp.Message("", "audit", order.sku))
    log.info("took an order", sku=order.sku)
    if order.quantity > config.get("most", int, 100):
        raise Reject("too-many", "that is too many", status=422, errors=[("/quantity", "is too large")])
    return Reply(Taken(price.cents * order.quantity), status=201, headers={"location": "/orders/1"})


@plugin.service(name="shop.other", calls_per_instance=1)
def nothing() -> None:
    pass


@plugin.service()
def raw(request: Request) -> Response:
    return Response(request.read()[::-1], "text/plain")


@plugin.service(invokes="prices.lookup")
def broken(order: Order) -> Taken:
    if order.sku == "type":
        return None
    if order.sku == "exit":
        raise SystemExit(1)
    if order.sku == "secret":
        secrets.get("key")
    raise LookupError("the inside story")


@plugin.service()
def several(order: Order) -> list[str]:
    outcomes = invoke_all([Target("prices.lookup", {"sku": sku}) for sku in order.sku], Price)
    return [str(outcome.cents if isinstance(outcome, Price) else outcome.code) for outcome in outcomes]


def lookup(input):
    if input["sku"] == "?":
        raise Reject("sku-unknown", "unknown", status=404, errors=[("/sku", "unknown")])
    if input["sku"] == "!":
        raise RetryAfter(7, "later")
    return {"cents": "much" if input["sku"] == "*" else 450}


def host(**more) -> TestHost:
    return TestHost(services={"prices.lookup": lookup}, **more)


class Descriptions(unittest.TestCase):
    def test_all_is_told(self):
        told = plugin.describe()
        self.assertEqual((told.name, told.version, told.secrets), ("shop", "1.2.3", ["key"]))
        self.assertEqual(told.invokes, ["prices.lookup", "mail.send"])
        first, second, third, *_ = told.services
        self.assertEqual((first.name, first.summary), ("shop.submit", "Takes an order and prices it."))
        self.assertEqual(first.calls_per_instance, 128)
        channels = [(each.protocol, each.path, each.methods) for each in first.channels]
        self.assertEqual(
            channels, [("rest", "/orders", ["POST"]), ("rest", "/orders/{sku}", ["GET", "PUT"]), ("soap", "/soap/shop", [])]
        )
        self.assertEqual(json.loads(first.input_schema)["required"], ["sku"])
        self.assertEqual((second.name, second.calls_per_instance), ("shop.other", 1))
        self.assertEqual(json.loads(second.input_schema)["type"], ["object", "null"])
        self.assertEqual(json.loads(second.output_schema)["type"], "null")
        self.assertEqual((third.input_schema, third.output_schema), (None, None))

    def test_nonsense_is_refused(self):
        for arguments in [{"rest": "orders"}, {"rest": "get /orders"}, {"soap": "POST /soap"}, {"soap": "/soap/{id}"}]:
            with self.assertRaises(ValueError, msg=arguments):

                @plugin.service(name="shop.nonsense", **arguments)
                def function(order: Order) -> None:
                    pass

        for function in [lambda: None, lambda a, b: None]:
            with self.assertRaises(TypeError):
                plugin.service(name="shop.nonsense")(function)
        with self.assertRaisesRegex(TypeError, "two services"):
            plugin.service()(raw)
        with self.assertRaisesRegex(TypeError, "shop is there"):
            Plugin("second", "1")
        self.assertNotIn("shop.nonsense", plugin.services)


class Calls(unittest.TestCase):
    def test_an_order_is_kept_and_confirmed(self):
        bus = host()
        outcome = bus.call(submit, {"sku": "tea", "quantity": 2})
        self.assertEqual((outcome.fault, outcome.output, outcome.status), (None, {"total": 900}, 201))
        self.assertEqual(outcome.headers, {"location": "/orders/1"})
        self.assertEqual(bus.json("order/1"), {"sku": "tea", "quantity": 2})
        self.assertEqual(bus.deliveries, [("mail.send", {"sku": "tea", "quantity": 2})])
        [(connection, message)] = bus.messages
        self.assertEqual((connection, message.exchange, message.routing_key), ("broker", "shop", "new"))
        self.assertEqual((message.content_type, message.properties.headers), ("application/json", [("a", "b")]))
        self.assertEqual((message.payload.value, message.properties.priority), (b'{"sku":"tea","quantity":2}', 3))
        [(_, text)] = bus.published
        self.assertEqual((text.content_type, text.payload.value), ("text/plain; charset=utf-8", b"tea"))
        self.assertEqual(bus.logs, [("INFO", "took an order", {"sku": "tea"})])
        again = bus.call(submit, {"sku": "tea"})
        self.assertEqual((again.fault.code, again.fault.status), ("conflict", 409))

    def test_a_fault_discards_the_effects(self):
        bus = host(config={"most": 1})
        fault = bus.call(submit, {"sku": "tea", "quantity": 2}).fault
        self.assertEqual((fault.code, fault.status), ("too-many", 422))
        self.assertEqual((bus.json("order/1"), bus.deliveries, bus.messages), (None, [], []))
        self.assertEqual(len(bus.published), 1, "what is published stays so")
        self.assertIsInstance(fault.to_bus().disposition, types.Disposition_Reject)
        self.assertEqual(fault.to_bus().errors, [types.FieldError("/quantity", "is too large")])

    def test_bad_input_is_rejected_with_its_place(self):
        fault = host().call(submit, {"sku": 3}).fault
        self.assertIsInstance(fault, InvalidInput)
        self.assertEqual([(each.path, each.message) for each in fault.errors], [("/sku", "expected a text, found 3")])

    def test_faults_of_others_are_passed_on(self):
        self.assertEqual(host().call(submit, {"sku": "?"}).fault.code, "sku-unknown")
        fault = host().call(submit, {"sku": "!"}).fault
        self.assertEqual((type(fault), fault.seconds), (RetryAfter, 7))
        self.assertEqual(fault.to_bus().disposition, types.Disposition_RetryAfter(7))
        fault = host().call(submit, {"sku": "*"}).fault
        self.assertIsInstance(fault, Fail)
        self.assertIn('prices.lookup is not as expected: /cents: expected a whole number, found "much"', fault.message)

    def test_each_target_has_its_outcome(self):
        self.assertEqual(host().call(several, {"sku": "a?!"}).output, ["450", "sku-unknown", "unavailable"])

    def test_whatever_is_raised_is_a_fail_and_the_log_has_the_trace(self):
        for sku, kind in [("x", "LookupError"), ("type", "TypeError"), ("exit", "SystemExit")]:
            bus = host()
            fault = bus.call(broken, {"sku": sku}).fault
            self.assertEqual((type(fault), fault.code), (Fail, "failed"), sku)
            level, message, _ = bus.logs[0]
            self.assertEqual(level, "ERROR")
            self.assertIn("Traceback", message)
            self.assertIn(kind, message)
        self.assertEqual(host().call(broken, {"sku": "secret"}).fault.code, "not-granted")

    def test_a_raw_service_gets_the_body(self):
        outcome = host().call(raw, {"a": 1})
        self.assertEqual((outcome.output, outcome.status), (b'}1:"a"{', None))
        self.assertIsNone(host().call(nothing).output)


if __name__ == "__main__":
    unittest.main()
