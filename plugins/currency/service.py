"""Converts amounts between currencies, and gives quotes that hold for a while. In Python.

Rates are the plugin's config: how much of a currency one euro buys, as texts, so that no digit is lost:
`busbar plugin config set currency '{"rates": {"USD": "1.0825"}}'`.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import ROUND_HALF_EVEN, Decimal
from enum import Enum
from typing import Annotated

from busbar_sdk import Fail, Plugin, Reject, Reply, Schema, config, kv, log, strict

plugin = Plugin("currency", version="0.1.0")

#: Where nothing is configured.
RATES = {"EUR": Decimal(1), "USD": Decimal("1.0825"), "GBP": Decimal("0.8347"), "JPY": Decimal("163.42")}
CENT = Decimal("0.01")
QUOTE_LASTS = timedelta(minutes=15)
AMOUNTS_MAX = 100


class Rounding(Enum):
    CENT = "cent"
    NONE = "none"


@strict
@dataclass
class Convert:
    """What to convert."""

    amount: Decimal
    source: Annotated[str, Schema(description="ISO 4217.", pattern="^[A-Z]{3}$")]
    target: Annotated[str, Schema(description="ISO 4217.", pattern="^[A-Z]{3}$")]
    rounding: Rounding = Rounding.CENT


@dataclass
class Converted:
    amount: Decimal
    currency: str
    rate: Decimal


@strict
@dataclass
class Ask:
    """What to give a quote for."""

    amounts: Annotated[list[Decimal], Schema(minItems=1, maxItems=AMOUNTS_MAX)]
    source: str
    target: str


@dataclass
class Line:
    amount: Decimal
    converted: Decimal


@dataclass
class Quote:
    """A promise, until it expires."""

    id: str
    lines: list[Line]
    total: Decimal
    currency: str
    expires: datetime


@strict
@dataclass
class Find:
    id: str


@plugin.service(rest=["GET /currency/{source}/{target}/{amount}", "POST /currency/convert"], soap="/soap/currency")
def convert(input: Convert) -> Converted:
    """Converts an amount."""
    rate = rate_of(input.source, input.target)
    amount = input.amount * rate
    if input.rounding is Rounding.CENT:
        amount = amount.quantize(CENT, ROUND_HALF_EVEN)
    return Converted(amount, input.target, rate)


@plugin.service(rest="POST /currency/quotes", soap="/soap/currency")
def quote(input: Ask) -> Reply[Quote]:
    """Converts amounts, and keeps to that for a quarter of an hour."""
    rate = rate_of(input.source, input.target)
    lines = [Line(amount, (amount * rate).quantize(CENT, ROUND_HALF_EVEN)) for amount in input.amounts]
    given = Quote(
        id=uuid.uuid4().hex,
        lines=lines,
        total=sum((line.converted for line in lines), Decimal(0)),
        currency=input.target,
        expires=datetime.now(timezone.utc) + QUOTE_LASTS,
    )
    kv.put_json(f"quote/{given.id}", given, expected=kv.ABSENT, ttl_ms=int(QUOTE_LASTS.total_seconds() * 1000))
    log.info("gave a quote", quote=given.id, total=given.total)
    return Reply(given, status=201, headers={"location": f"/currency/quotes/{given.id}"})


@plugin.service(rest="GET /currency/quotes/{id}", soap="/soap/currency")
def quoted(input: Find) -> Quote:
    """Gives a quote that has not expired."""
    kept = kv.get_json(f"quote/{input.id}", Quote)
    if kept is None:
        raise Reject("quote-unknown", "there is no such quote, or it has expired", status=404)
    return kept.value


def rate_of(source: str, target: str) -> Decimal:
    """How much of the target one of the source buys."""
    rates = RATES | config.get("rates", dict[str, Decimal], {})
    unknown = [(path, code) for path, code in [("/source", source), ("/target", target)] if code not in rates]
    if unknown:
        known = ", ".join(sorted(rates))
        errors = [(path, f"{code} is not known; allowed are {known}") for path, code in unknown]
        raise Reject("currency-unknown", "there is no rate for that currency", status=422, errors=errors)
    if not rates[source]:
        raise Fail(f"the configured rate of {source} is zero")
    return (rates[target] / rates[source]).quantize(Decimal("0.000001"))
