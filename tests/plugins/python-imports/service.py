"""Uses all that the bus offers, from Python, and fails in all ways."""

import decimal
import random
import time
from dataclasses import dataclass
from datetime import date
from typing import Any

from busbar_sdk import (
    DeliveryOptions,
    Plugin,
    Reject,
    Request,
    Response,
    RetryAfter,
    Target,
    amqp,
    cache,
    config,
    context,
    deliver,
    dictionaries,
    http,
    invoke,
    invoke_all,
    invoke_async,
    invoke_raw,
    kv,
    log,
    secrets,
    soap,
    sql,
)

plugin = Plugin("python-imports", version="0.1.0")

#: How many calls this instance has served.
served = 0


@dataclass
class Use:
    what: str
    value: Any = None


@dataclass
class Used:
    result: Any


@plugin.service(invokes=["echo", "python-imports.use"], secrets=["pay-key"])
def use(input: Use) -> Used:
    global served
    served += 1
    return Used(globals()["use_" + input.what](input.value))


def use_invoke(value):
    nested = invoke("python-imports.use", Use("add", value), Used)
    outcomes = invoke_all([Target("python-imports.use", Use("add", 1)), Target("python-imports.use", Use("reject"))], Used)
    raw = invoke_raw("echo", Request("text/plain", b"hello"))
    shown = [each.result if isinstance(each, Used) else [each.code, each.status] for each in outcomes]
    return [nested.result, *shown, raw.json()["body"]]


def use_add(value):
    return value + 1


def use_reject(value):
    raise Reject("no-such", "there is none", status=404, errors=[("/value", "is none")])


def use_later(value):
    raise RetryAfter(7, "come again")


def use_uncaught(value):
    raise LookupError("the inside story")


def use_recursion(value):
    return use_recursion(value)


def use_exit(value):
    raise SystemExit(3)


def use_memory(value):
    return len([bytearray(1024 * 1024) for _ in range(value)])


def use_spin(value):
    while True:
        pass


def use_kv(value):
    kv.put_json("a/1", {"value": value}, expected=kv.ABSENT, ttl_ms=60_000)
    kv.put("a/2", b"\x00\xff")
    kv.delete("a/2")
    kv.increment("n", 40)
    total = kv.increment("n", 2)
    version = kv.get("a/1").version
    kv.put_json("a/1", {"value": [value]}, expected=version)
    page = kv.list("a/", limit=10)
    return [kv.get_json("a/1").value, total, [key for key, _ in page.entries], page.next, kv.get("none")]


def use_conflict(value):
    kv.put("c", b"1", expected=12345)


def use_number(value):
    kv.put("t", b"text")
    return kv.increment("t")


def use_limit(value):
    kv.put("l", b"x" * (2 * 1024 * 1024))


def use_cache(value):
    cache.put_json("key", value, ttl_ms=60_000)
    found = cache.get_json("key")
    cache.delete("key")
    return [found, cache.get("key")]


def use_config(value):
    return [config.get("colour"), config.get("none", default=5), config.all()]


def use_secrets(value):
    key = secrets.get("pay-key")
    log.info(f"the key is {key}")
    return len(key)


def use_broker(value):
    """Nobody has made the connection."""
    message = amqp.Message("", "orders", Use("add", value), headers={"a": "b"}, priority=3, expiration_ms=1000)
    codes = []
    for send in (amqp.publish, amqp.hand_over):
        try:
            send("nowhere", message)
        except Reject as fault:
            codes.append(fault.code)
    return codes


def use_ways_out(value):
    """Nobody has made the connections, and no dictionary."""
    codes = []
    for function, arguments in [
        (http.post, ("nowhere", "/orders", {"sku": "tea"})),
        (soap.call, ("nowhere", "confirm", {"order": 1})),
        (soap.exchange, ("nowhere", "urn:confirm", "text/xml", "<envelope/>")),
        (soap.operations, ("nowhere",)),
        (sql.query, ("nowhere", "select $1, $2", decimal.Decimal("1.50"), date(2026, 11, 30))),
        (sql.execute, ("nowhere", "delete from t")),
        (sql.cursor, ("nowhere", "select 1")),
        (sql.transaction, ("nowhere",)),
        (dictionaries.translate, ("nowhere", "DE", "erp", "shop")),
        (dictionaries.entries, ("nowhere",)),
    ]:
        try:
            function(*arguments)
        except Reject as fault:
            codes.append(fault.code)
    return codes


def use_deliver(value):
    first = deliver.send("python-imports.use", Use("add", 1), DeliveryOptions(attempts=1, order_key="a", delay_ms=600_000))
    return [first, invoke_async("python-imports.use", Use("add", 1))]


def use_context(value):
    head = context.head()
    return {
        "method": head.method,
        "header": context.header("x-colour"),
        "correlation": context.correlation_id(),
        "remaining": 0 < context.remaining_ms() <= 30_000,
        "attempt": context.attempt(),
        "key": context.idempotency_key(),
        "caller": context.caller(),
    }


def use_log(value):
    log.warn("from the log", colour=value)
    print("from print", value)
    return None


def use_chance(value):
    return [random.random(), time.time()]


def use_served(value):
    return served


@plugin.service(rest="POST /python-imports/pass")
def passed(request: Request) -> Response:
    return Response(request.payload, request.content_type, 202, [("x-kind", type(request.payload).__name__)])


@plugin.service(rest="POST /python-imports/count")
def count(request: Request) -> Response:
    return Response(str(len(request.read())), "text/plain")
