"""A small ledger in which everything agrees, written by plain SQL: what the audit and `explain` are tried on."""

# ruff: noqa: E501  # a row of a table reads best as one line

import datetime as dt
import struct
from typing import Any

import asyncpg
import msgpack

from adapters.postgres import partitions
from adapters.postgres.connecting import Connection

DAY = dt.date(2026, 11, 23)
MONTH = 347  # December 2028
SHARD = 5
ACCOUNT = 100
OTHER_SHARD = 6
OTHER_ACCOUNT = 200
SOURCE = "programme: bazaar\n"
_LOT = struct.Struct(">hq")


def lots(*entries: tuple[int, int]) -> bytes:
    """[(month, points)] packed."""
    return b"".join(_LOT.pack(month, points) for month, points in entries)


async def open_ledger(url: str) -> Connection:
    """Reference data, two accounts and a day's messages; returns a connection to go on with."""
    opened = await asyncpg.connect(url)
    await opened.execute(
        """
        INSERT INTO institution (code, name, title, kind, timezone)
             VALUES ('581672', 'KHATAM', 'Khatam Bank', 'bank', 'Asia/Tehran'), ('639607', 'ARYA', 'Arya', 'chain', 'Asia/Tehran');
        INSERT INTO category (name) VALUES ('grocery');
        INSERT INTO merchant (institution, code, name, category) VALUES (1, 'M00000000000001', 'Bazaar', 1);
        INSERT INTO terminal (institution, merchant, code) VALUES (1, 1, 'T0000001'), (1, 1, 'T0000002');
        INSERT INTO programme (institution, name) VALUES (1, 'bazaar');
        INSERT INTO programme_version (programme, version, state, source, source_hash, currency, point_value, deficit_allowed, rule_ids)
             VALUES (1, 1, 'live', 'programme: bazaar', 'hash', 364, 100, false, '{base,double}');
        """
    )
    await partitions.ensure(opened, DAY, behind=0, ahead=1)
    await opened.execute(
        "INSERT INTO account (shard, id, token_low, programme, last_four) VALUES ($1, $2, 1, 1, '0006')",
        SHARD,
        ACCOUNT,
    )
    await opened.execute(
        """INSERT INTO account (shard, id, token_low, programme, last_four, points, lots)
           VALUES ($1, $2, 2, 1, '0014', 50, $3)""",
        OTHER_SHARD,
        OTHER_ACCOUNT,
        lots((MONTH, 50)),
    )
    await opened.execute(
        "INSERT INTO account_opening (shard, account, points, source) VALUES ($1, $2, 50, 'test')",
        OTHER_SHARD,
        OTHER_ACCOUNT,
    )
    await opened.execute(
        "INSERT INTO card (shard, token, account_shard, account, programme, kind) VALUES (9, $1, $2, $3, 1, 5)",
        bytes(16),
        SHARD,
        ACCOUNT,
    )
    await _write_the_day(opened)
    return opened


async def _write_the_day(opened: Connection) -> None:
    await post(
        opened,
        amount=500_000,
        points_earned=5,
        to_pay=500_000,
        lots_moved=lots((MONTH, 5)),
        rules=b"\0\0\0\1",
    )
    await post(
        opened,
        processing_code=6000,
        amount=1_000,
        points_redeemed=3,
        to_pay=700,
        lots_moved=lots((MONTH, -3)),
    )
    await post(
        opened, processing_code=200_000, amount=200_000, points_earned=-2, to_pay=200_000, lots_moved=lots((MONTH, -2)),
        original_seq=1, original_sent_on=DAY,
    )  # fmt: skip
    await post(
        opened, mti=400, processing_code=200_000, amount=200_000, points_earned=2, to_pay=200_000,
        lots_moved=lots((MONTH, 2)), original_seq=3, original_sent_on=DAY,
    )  # fmt: skip
    await post(opened, processing_code=6000, amount=90_000, rc="51", to_pay=90_000)
    await post(opened, mti=100, processing_code=310_000)
    await post(opened, rc="12", fingerprint=0, reply=None)
    await post(opened, rc="14", account=None, programme=None, programme_version=None, card_last_four=None)
    other = {"shard": OTHER_SHARD, "account": OTHER_ACCOUNT, "card_last_four": "0014"}
    await post(opened, amount=1_000_000, credit_granted=700, discount=1_000, to_pay=999_000, **other)
    await post(opened, processing_code=6500, amount=600, credit_spent=600, to_pay=0, **other)
    await post(
        opened, mti=220, amount=100_000, points_earned=1, points_expired=50, to_pay=100_000,
        lots_moved=lots((MONTH, -50), (MONTH + 1, 1)), **other,
    )  # fmt: skip


async def post(opened: Connection, **given: Any) -> int:
    """Write one journal row, and move its account as it says; returns its seq. What is not given is that of a
    purchase.
    """
    row: dict[str, Any] = {
        "shard": SHARD,
        "sent_on": DAY,
        "terminal": 1,
        "mti": 200,
        "processing_code": 0,
        "at": dt.datetime(2026, 11, 23, 10, 0, tzinfo=dt.UTC),
        "business_date": DAY,
        "fingerprint": 77,
        "institution": 1,
        "merchant": 1,
        "programme": 1,
        "programme_version": 1,
        "account": ACCOUNT,
        "card_last_four": "0006",
        "currency": 364,
        "rc": "00",
    } | given
    row["class"] = row["mti"] // 100
    seq = await opened.fetchval("UPDATE shard SET seq = seq + 1 WHERE shard = $1 RETURNING seq", row["shard"])
    row["seq"] = seq
    row.setdefault("key", 1123_100000_000000 + row["shard"] * 1000 + seq)
    row.setdefault("rrn", f"632710{row['shard'] * 1000 + seq:06d}")
    row.setdefault("reply", msgpack.packb({39: row["rc"], 37: row["rrn"], 62: "PE00215"}))
    names = list(row)
    await opened.execute(
        f"INSERT INTO journal ({', '.join(names)}) VALUES ({', '.join(f'${n + 1}' for n in range(len(names)))})",
        *row.values(),
    )
    if row["account"] is not None:
        await _move(opened, row)
    return int(seq)


async def _move(opened: Connection, row: dict[str, Any]) -> None:
    packed = await opened.fetchval(
        "SELECT lots FROM account WHERE shard = $1 AND id = $2", row["shard"], row["account"]
    )
    held: dict[int, int] = dict(_LOT.iter_unpack(packed))
    for month, points in _LOT.iter_unpack(row.get("lots_moved") or b""):
        held[month] = held.get(month, 0) + points
    signs = {"points_earned": 1, "points_redeemed": -1, "points_expired": -1, "points_adjusted": 1}
    await opened.execute(
        "UPDATE account SET points = points + $3, credit = credit + $4, lots = $5 WHERE shard = $1 AND id = $2",
        row["shard"],
        row["account"],
        sum(sign * row.get(leg, 0) for leg, sign in signs.items()),
        row.get("credit_granted", 0) - row.get("credit_spent", 0),
        lots(*sorted((month, points) for month, points in held.items() if points)),
    )
