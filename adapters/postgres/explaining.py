"""`explain RRN`: what was asked, what was decided and why, from the journal alone; `reasons` says why."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

import asyncpg
import msgpack

from adapters.postgres.connecting import Connection, connection
from adapters.postgres.migrations import require_schema
from adapters.postgres.queries import named
from adapters.postgres.reasons import Reasoner
from switch.programme import load
from switch.programme.why_told import Told

_SQL = named("explaining")
_FIRST_YEAR = 2000
_OWED_MONTH = -1
_KEY_SHIFT = 1_000_000
_OFFER_STATES = ("made, open", "used, was open", "taken back, was open")
_LEGS = (
    "points_earned", "points_redeemed", "points_expired", "points_adjusted",
    "credit_granted", "credit_spent", "discount",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Linked:
    """A message that this one undoes, or that undoes it."""

    sent_at: str
    stan: str
    mti: str
    processing_code: str
    amount: int
    response_code: str
    rrn: str | None
    place: str


@dataclass(frozen=True, slots=True)
class Explained:
    """A journal row in words and numbers. Amounts in minor units of `currency`; `place` is `shard/seq`.

    `asked` is what the till wished beside the amount (DE48, DE63). `counters` are stamps, tickets and uses, and by how
    much each moved; `offers` (rule, what became of it); `tier` is the one after the message, "" for none.
    `legs` are those that are not zero, `lots` (month `YYYY-MM` or `owed`, points moved); `rules` are the
    names of the rules that fired. `reply` is the decided part of the reply, by data element. No card number
    is in it: none is kept. `why` is what each rule came to.
    """

    place: str
    sent_at: str
    stan: str
    mti: str
    processing_code: str
    decided_at: dt.datetime
    business_date: dt.date
    tombstone: bool
    acquirer: str
    institution: str
    terminal: str
    merchant: str
    merchant_name: str
    card_last_four: str | None
    currency: int
    amount: int
    response_code: str
    programme: str | None
    programme_version: int | None
    rules: tuple[str, ...]
    legs: tuple[tuple[str, int], ...]
    lots: tuple[tuple[str, int], ...]
    asked: str
    counters: tuple[tuple[str, int], ...]
    offers: tuple[tuple[str, str], ...]
    tier: str
    to_pay: int
    points_after: int
    credit_after: int
    reply: dict[int, str | bytes]
    original: Linked | None
    undone_by: tuple[Linked, ...]
    why: Told


async def explain(url: str, rrn: str, *, terminal: str | None = None, date: dt.date | None = None) -> list[Explained]:
    """Every message with this RRN, newest first; at one terminal (DE41) or of one date (of DE7), if given."""
    async with connection(url, application="loyalty-switch explain") as opened:
        await require_schema(opened)
        async with opened.transaction(isolation="repeatable_read", readonly=True):
            rows = await opened.fetch(_SQL["entries"], rrn, terminal, date)
            reasoner = Reasoner(opened)
            return [await _explained(opened, row, await reasoner.why(row)) for row in rows]


async def _explained(opened: Connection, row: asyncpg.Record, why: Told) -> Explained:
    original = None
    if row["original_seq"] is not None:
        found = await opened.fetchrow(_SQL["original"], row["shard"], row["original_seq"], row["original_sent_on"])
        original = None if found is None else _linked(found)
    undoing = await opened.fetch(_SQL["undoing"], row["shard"], row["seq"], row["sent_on"])
    sent_at, stan = _sent(row)
    return Explained(
        place=_place(row),
        sent_at=sent_at,
        stan=stan,
        mti=f"{row['mti']:04d}",
        processing_code=f"{row['processing_code']:06d}",
        decided_at=row["at"],
        business_date=row["business_date"],
        tombstone=row["tombstone"],
        acquirer=row["acquirer"],
        institution=row["institution"],
        terminal=row["terminal"],
        merchant=row["merchant"],
        merchant_name=row["merchant_name"],
        card_last_four=row["card_last_four"],
        currency=row["currency"],
        amount=row["amount"],
        response_code=row["rc"],
        programme=row["programme"],
        programme_version=row["programme_version"],
        rules=rule_names(row["rules"] or b"", row["rule_ids"] or []),
        legs=tuple((name, row[name]) for name in _LEGS if row[name]),
        lots=tuple(
            (month_name(month), points) for month, points in zip(row["lot_months"], row["lot_points"], strict=True)
        ),
        asked=row["asked"] or "",
        counters=tuple(zip(row["counter_names"], row["counter_values"], strict=True)),
        offers=tuple(
            (name, f"{_OFFER_STATES[state]} until {until}")
            for name, state, until in zip(row["offer_names"], row["offer_states"], row["offer_days"], strict=True)
        ),
        tier=_tier(row["source"], row["tier_after"]),
        to_pay=row["to_pay"],
        points_after=row["points_after"],
        credit_after=row["credit_after"],
        reply=_reply(row["reply"]),
        original=original,
        undone_by=tuple(_linked(found) for found in undoing),
        why=why,
    )


def _tier(source: str | None, number: int) -> str:
    """The tier's name in the text of the version that decided."""
    if not number or source is None:
        return ""
    tiers = load(source, ids=lambda _kind, _name: 1).tiers
    return tiers[number - 1] if number <= len(tiers) else f"tier {number}"


def _linked(row: asyncpg.Record) -> Linked:
    sent_at, stan = _sent(row)
    return Linked(
        sent_at=sent_at,
        stan=stan,
        mti=f"{row['mti']:04d}",
        processing_code=f"{row['processing_code']:06d}",
        amount=row["amount"],
        response_code=row["rc"],
        rrn=row["rrn"],
        place=_place(row),
    )


def _place(row: asyncpg.Record) -> str:
    return f"{row['shard']}/{row['seq']}"


def _sent(row: asyncpg.Record) -> tuple[str, str]:
    """DE7 with its year, as `YYYY-MM-DD hh:mm:ss`, and DE11."""
    moment, stan = divmod(row["key"], _KEY_SHIFT)
    clock = f"{moment % _KEY_SHIFT:06d}"
    return f"{row['sent_on']} {clock[:2]}:{clock[2:4]}:{clock[4:]}", f"{stan:06d}"


def month_name(month: int) -> str:
    """A lot's month, counted from January 2000, as `YYYY-MM`; `owed` for the lot of what is owed."""
    if month == _OWED_MONTH:
        return "owed"
    return f"{_FIRST_YEAR + month // 12}-{month % 12 + 1:02d}"


def rule_names(packed: bytes, rule_ids: list[str]) -> tuple[str, ...]:
    """The names of the rules that fired: `packed` counts into `rule_ids`, 2 bytes each."""
    indexes = (int.from_bytes(packed[at : at + 2], "big") for at in range(0, len(packed), 2))
    return tuple(rule_ids[index] if index < len(rule_ids) else f"rule {index}" for index in indexes)


def _reply(stored: bytes | None) -> dict[int, str | bytes]:
    if stored is None:
        return {}
    decided: Any = msgpack.unpackb(stored, strict_map_key=False)
    return {number: value for number, value in decided.items() if isinstance(number, int)}
