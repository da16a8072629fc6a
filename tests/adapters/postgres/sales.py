"""A programme with members of many kinds, and sales that are refunded and reversed: what reports are tried on."""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from adapters.postgres.connecting import Connection
from tests.adapters.postgres.ledger import post

FIRST = dt.date(2026, 11, 1)
LAST = dt.date(2026, 11, 30)
BEFORE = dt.date(2026, 10, 20)
AFTER = dt.date(2026, 12, 2)
PROGRAMME = Path(__file__).parents[3] / "examples" / "bazaar" / "programmes" / "bazaar.yaml"
POINT_VALUE = 100
MERCHANTS = {1: ("Bazaar", "M00000000000001", "grocery"), 2: ("Nan", "M00000000000002", "grocery"),
             3: ("Kafe", "M00000000000003", "cafe")}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Person:
    """An account and what its member told."""

    shard: int
    account: int
    birth_date: dt.date | None = None
    gender: str | None = None
    region: str | None = None
    education: str | None = None


PEOPLE = (
    Person(5, 100, dt.date(1991, 11, 30), "female", "تهران", "school"),
    Person(5, 101, dt.date(1991, 12, 1), "male", "تهران", "school"),
    Person(5, 102, dt.date(2010, 1, 1), "female", "قم"),
    Person(5, 103, dt.date(1950, 1, 1), "male", " قم ", "=cmd()"),
    Person(6, 100, None, "female", "", "school"),
    Person(6, 201),
    Person(6, 202, dt.date(1975, 5, 5), None, "تهران"),
    Person(6, 203, dt.date(2027, 1, 1), "male", "یزد", "doctorate"),
)


async def open_sales(url: str) -> Connection:
    """Reference data and `PEOPLE`, who have bought nothing yet; returns a connection to go on with."""
    opened = await asyncpg.connect(url)
    await opened.execute(
        """
        INSERT INTO institution (code, name, title, kind, timezone)
             VALUES ('581672', 'KHATAM', 'Khatam Bank', 'bank', 'Asia/Tehran');
        INSERT INTO category (name) VALUES ('grocery'), ('cafe');
        INSERT INTO merchant (institution, code, name, category)
             VALUES (1, 'M00000000000001', 'Bazaar', 1), (1, 'M00000000000002', 'Nan', 1),
                    (1, 'M00000000000003', 'Kafe', 2);
        INSERT INTO terminal (institution, merchant, code) VALUES (1, 1, 'T0000001');
        INSERT INTO programme (institution, name) VALUES (1, 'bazaar'), (1, 'other');
        """
    )
    await opened.executemany(
        """INSERT INTO programme_version (programme, version, state, source, source_hash, currency, point_value,
                                          deficit_allowed, rule_ids)
           VALUES (1, $1, $2, $3, 'hash', 364, $4, false, '{base}')""",
        [(version, state, PROGRAMME.read_text(encoding="utf-8"), value)
         for version, state, value in ((1, "retired", 70), (2, "live", POINT_VALUE), (3, "draft", 30))],
    )  # fmt: skip
    for number, person in enumerate(PEOPLE):
        await opened.execute(
            """INSERT INTO member (shard, id, name, mobile, birth_date, gender, region, education)
               VALUES ($1, $2, 'Private Name', '+989120000000', $3, $4, $5, $6)""",
            person.shard, person.account, person.birth_date, person.gender, person.region, person.education,
        )  # fmt: skip
        await opened.execute(
            """INSERT INTO account (shard, id, token_low, programme, enrolled_on, member, last_four)
               VALUES ($1, $2, $3, 1, $4, $2, '4242')""",
            person.shard, person.account, number, FIRST if number % 2 else BEFORE,
        )  # fmt: skip
    await opened.execute(
        "INSERT INTO account (shard, id, token_low, programme, points) VALUES (7, 1, 1, 2, 999)",
    )
    return opened


async def tell(opened: Connection, person: Person, date: dt.date, **given: Any) -> int:
    """Write one journal row of this person on a business date; returns its seq."""
    return await post(
        opened,
        **{
            "shard": person.shard,
            "account": person.account,
            "business_date": date,
            "sent_on": date,
            "at": dt.datetime.combine(date, dt.time(10), dt.UTC),
            **given,
        },
    )


async def sell(opened: Connection, person: Person, date: dt.date, amount: int, **given: Any) -> dict[str, Any]:
    """A sale; returns what names it in a row that undoes it."""
    seq = await tell(opened, person, date, amount=amount, to_pay=amount, **given)
    return {"original_seq": seq, "original_sent_on": given.get("sent_on", date)}


async def refund(
    opened: Connection, person: Person, date: dt.date, amount: int, original: dict[str, Any], **given: Any
) -> dict[str, Any]:
    """A refund of an original; returns what names the refund in a row that undoes it."""
    return await sell(opened, person, date, amount, processing_code=200_000, **original, **given)


async def reverse(
    opened: Connection, person: Person, date: dt.date, amount: int, original: dict[str, Any], **given: Any
) -> None:
    """A reversal of an original."""
    await sell(opened, person, date, amount, mti=400, **original, **given)
