"""Run by `make language-tests`."""

import unittest

from busbar_sdk import Fail
from busbar_sdk.testing import TestHost
from service import convert, quote, quoted


class Converts(unittest.TestCase):
    def call(self, amount="10", source="EUR", target="USD", host=None, **more):
        return (host or TestHost()).call(convert, {"amount": amount, "source": source, "target": target, **more})

    def test_amounts(self):
        self.assertEqual(self.call().output, {"amount": "10.82", "currency": "USD", "rate": "1.082500"})
        self.assertEqual(self.call(rounding="none").output["amount"], "10.825000")
        self.assertEqual(self.call("1", "GBP", "JPY").output["amount"], "195.78")

    def test_by_the_configured_rates(self):
        host = TestHost(config={"rates": {"USD": "2", "CHF": "0.5"}})
        self.assertEqual(self.call(host=host).output["amount"], "20.00")
        self.assertEqual(self.call(source="USD", target="CHF", host=host).output["rate"], "0.250000")

    def test_what_is_wrong_is_told_with_its_place(self):
        for path, fault in [
            ("/amount", self.call(amount=10).fault),
            ("/rounding", self.call(rounding="up").fault),
            ("/colour", self.call(colour="red").fault),
        ]:
            self.assertEqual((fault.code, fault.errors[0].path), ("invalid-input", path))
        fault = self.call(source="XXX", target="YYY").fault
        self.assertEqual((fault.code, fault.status), ("currency-unknown", 422))
        self.assertEqual([error.path for error in fault.errors], ["/source", "/target"])

    def test_a_rate_of_zero_is_our_fault(self):
        self.assertIsInstance(self.call(source="USD", host=TestHost(config={"rates": {"USD": "0"}})).fault, Fail)


class Quotes(unittest.TestCase):
    def test_are_kept(self):
        host = TestHost()
        given = host.call(quote, {"amounts": ["1", "2.50"], "source": "EUR", "target": "USD"})
        self.assertEqual((given.status, given.output["total"]), (201, "3.79"))
        self.assertEqual(given.headers["location"], f"/currency/quotes/{given.output['id']}")
        self.assertEqual(host.call(quoted, {"id": given.output["id"]}).output, given.output)
        self.assertEqual(host.call(quoted, {"id": "none"}).fault.status, 404)


if __name__ == "__main__":
    unittest.main()
