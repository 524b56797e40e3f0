"""Systems of others, as services and their tests see them."""

import datetime
import decimal
import unittest
import uuid
from contextlib import contextmanager
from dataclasses import dataclass

from busbar_sdk import Fail, Fault, Reject, Response, RetryAfter, dictionaries, http, soap, sql
from busbar_sdk.answers import Dictionary
from busbar_sdk.double import Host
from busbar_sdk.double import sql as contract
from busbar_sdk.testing import TestHost
from busbar_sdk.value import of_bus, to_bus

ITEMS = "select sku, n from items where n > $1"


@dataclass
class Item:
    sku: str
    n: int


@dataclass
class Confirmed:
    number: int


@contextmanager
def calling(bus: TestHost):
    """Within a call of the host, without a service."""
    Host.current = bus._host
    try:
        yield bus
    finally:
        Host.current = None


class WaysOut(unittest.TestCase):
    def code(self, function, *arguments, **more):
        with self.assertRaises(Fault) as raised:
            function(*arguments, **more)
        return raised.exception.code

    def test_what_nobody_has_set_up_is_unknown(self):
        with calling(TestHost()) as bus:
            for function, arguments in [
                (http.get, ("none", "/")),
                (soap.call, ("none", "a")),
                (soap.operations, ("none",)),
                (soap.exchange, ("none", "a", "text/xml", b"")),
                (sql.query, ("none", "select 1")),
                (sql.execute, ("none", "select 1")),
                (sql.cursor, ("none", "select 1")),
                (sql.transaction, ("none",)),
            ]:
                self.assertEqual(self.code(function, *arguments), "connection-unknown", function)
            self.assertEqual(self.code(dictionaries.translate, "none", "a", "b", "c"), "dictionary-unknown")
            self.assertEqual(bus.sent.sql, [])

    def test_replies_of_any_status_are_replies(self):
        def reply(request):
            match request.path:
                case "/items/4711?unit=k%20g":
                    return {"number": 450}
                case "/away":
                    raise RetryAfter(2, "it is away", code="circuit-open")
                case "/text":
                    return Response(b"\xff", "text/plain", 200, [("X-Age", "3")])
            return Response(status=404)

        with calling(TestHost(http={"prices": reply})) as bus:
            more = {"query": {"unit": "k g"}, "headers": {"a": "b"}, "timeout_ms": 20}
            got = http.post("prices", "/items/4711", Item("tea", 1), **more)
            self.assertEqual((got.status, got.content_type), (200, "application/json"))
            self.assertEqual(got.success().json(Confirmed), Confirmed(450))
            missing = http.get("prices", "/none")
            self.assertEqual((missing.status, missing.read(), missing.passed_on().status), (404, b"", 404))
            self.assertEqual(self.code(missing.success), "failed")
            text = http.get("prices", "/text")
            self.assertEqual((text.header("x-age"), text.header("none")), ("3", None))
            self.assertEqual((self.code(text.text), self.code(text.json)), ("bad-reply", "bad-reply"))
            self.assertEqual(self.code(http.get, "prices", "/away"), "circuit-open")
            first = bus.sent.http[0]
            self.assertEqual((first.method, first.json(), first.headers), ("POST", {"sku": "tea", "n": 1}, {"a": "b"}))
            self.assertEqual((first.content_type, first.timeout_ms), ("application/json", 20))
        self.assertEqual(http.escape("a/b ü"), "a%2Fb%20%C3%BC")

    def test_operations_are_answered_or_refused_by_the_other_side(self):
        def answer(operation, input):
            if operation == "confirm":
                return {"number": input["order"]}
            if operation == "later":
                raise RetryAfter(1, "busy", code="connection-busy")
            raise soap.PartnerFault("Server", "out of order", described=("Reason", {"why": 7}))

        envelopes = {"partner": lambda action, envelope: Response(envelope, "text/xml")}
        with calling(TestHost(soap={"partner": answer}, soap_envelopes=envelopes)) as bus:
            self.assertEqual(soap.call("partner", "confirm", {"order": 3}, Confirmed), Confirmed(3))
            self.assertEqual(self.code(soap.call, "partner", "confirm", {"order": "x"}, Confirmed), "bad-reply")
            self.assertEqual(self.code(soap.call, "partner", "later"), "connection-busy")
            with self.assertRaises(soap.PartnerFault) as raised:
                soap.call("partner", "fail")
            fault = raised.exception
            self.assertEqual((fault.code, fault.fault_code, fault.reason), ("partner-fault", "Server", "out of order"))
            self.assertEqual(fault.described, ("Reason", {"why": 7}))
            self.assertEqual(soap.exchange("partner", "urn:a", "text/xml", "<e/>").text(), "<e/>")
            self.assertEqual(bus.sent.soap[0], ("partner", "confirm", {"order": 3}))
            self.assertEqual(bus.sent.envelopes, [("partner", "urn:a", b"<e/>")])

    def test_rows_are_dicts_and_dataclasses(self):
        rows = [{"sku": "tea", "n": 4}, {"sku": "jam", "n": 5}]
        script = [(ITEMS, rows), ("select n from items", rows[:1]), ("count", [{"count": 2}]), ("none", [])]
        with calling(TestHost(sql={"stock": script})) as bus:
            found = sql.query("stock", "select sku, n\n from items  where n > $1", 3)
            self.assertEqual((list(found), found.all(Item)[1]), (rows, Item("jam", 5)))
            self.assertEqual([column.name for column in found.columns], ["sku", "n"])
            self.assertEqual(self.code(found.one), "failed")
            one = sql.query("stock", "select n from items")
            self.assertEqual(one.one(Item), Item("tea", 4))
            self.assertEqual(self.code(one.value), "failed")
            self.assertEqual(sql.query("stock", "count").value(), 2)
            none = sql.query("stock", "none")
            self.assertEqual((none.at_most_one(Item), self.code(none.one)), (None, "failed"))
            self.assertEqual(self.code(sql.query, "stock", "none"), "invalid-statement")
            self.assertEqual(bus.sent.sql[0][2], [3])

    def test_values_come_back_as_they_went(self):
        zone = datetime.timezone(datetime.timedelta(hours=2))
        given = [
            None,
            True,
            2**63 - 1,
            1.5,
            decimal.Decimal("12.50"),
            "text",
            b"\x00\xff",
            datetime.date(2026, 11, 30),
            datetime.time(14, 5, 9, 250000),
            datetime.datetime(2026, 11, 30, 14, 5),
            datetime.datetime(2026, 11, 30, 14, 5, tzinfo=zone),
            uuid.UUID(int=7),
            {"a": [1, 2]},
        ]
        with calling(TestHost(sql={"stock": [("insert", 1)]})) as bus:
            self.assertEqual(sql.execute("stock", "insert", *given), 1)
            [(_, _, got)] = bus.sent.sql
            self.assertEqual(got, given)
            self.assertEqual([type(each) for each in got], [type(each) for each in given])
            with self.assertRaises(TypeError):
                sql.execute("stock", "insert", object())
        self.assertEqual(to_bus(2**63), contract.Value_Decimal(str(2**63)))
        self.assertEqual(to_bus(given[10]), contract.Value_Timestamp("2026-11-30T12:05:00Z"))
        self.assertEqual(of_bus(contract.Value_Time("838:59:59")), "838:59:59")

    def test_transactions_end_as_their_work_does(self):
        taken = Reject("constraint", "it is there already", status=409)
        with calling(TestHost(sql={"stock": [("update", 1), ("update", 0), ("insert", taken)]})) as bus:
            with sql.transaction("stock", read_only=False, isolation="serializable") as tx:
                self.assertEqual(tx.execute("update"), 1)
            with self.assertRaises(Reject) as raised:
                with sql.transaction("stock") as tx:
                    tx.execute("update")
                    tx.query("insert")
            self.assertEqual((raised.exception.code, raised.exception.status), ("constraint", 409))
            statements = [statement for _, statement, _ in bus.sent.sql]
            self.assertEqual(statements, ["begin", "update", "commit", "begin", "update", "insert", "rollback"])
            with self.assertRaisesRegex(ValueError, "isolation 'none': allowed are read-committed, "):
                sql.transaction("stock", isolation="none")

    def test_cursors_give_row_by_row(self):
        rows = [{"n": 1}, {"n": 2}, {"n": 3}]
        with calling(TestHost(sql={"stock": [("select", rows)]})):
            with sql.cursor("stock", "select", batch=2) as cursor:
                self.assertEqual([row["n"] for row in cursor], [1, 2, 3])

    def test_dictionaries_translate_by_day(self):
        germany = [{"erp": "DE", "bank": "276"}, {"erp": "DE", "shop": "germany"}]
        entries = [{"erp": "CS", "shop": "old"}, {"erp": "CS", "shop": "new"}, *germany]
        countries = Dictionary(entries, defaults={"shop": "elsewhere"}, valid_on={0: (None, "2020-12-31")})
        with calling(TestHost(dictionaries={"countries": countries, "plain": entries})):
            self.assertEqual(dictionaries.translate("countries", "CS", "erp", "shop"), "new")
            day = datetime.date(2020, 12, 31)
            self.assertEqual(dictionaries.translate("countries", "CS", "erp", "shop", on=day), "old")
            self.assertEqual(dictionaries.translate("countries", "DE", "erp", "shop"), "germany")
            self.assertEqual(dictionaries.translate("countries", "XX", "erp", "shop"), "elsewhere")
            self.assertIsNone(dictionaries.translate("countries", "XX", "erp", "bank"))
            self.assertEqual(len(dictionaries.entries("countries")), 3)
            self.assertEqual(dictionaries.entries("plain"), entries)
            self.assertEqual(self.code(dictionaries.translate, "plain", "DE", "erp", "crm"), "system-unknown")
            self.assertEqual(self.code(dictionaries.entries, "plain", on="today"), "invalid-input")


if __name__ == "__main__":
    unittest.main()
