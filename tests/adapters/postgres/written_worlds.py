"""Worlds written into a database as the switch would write them."""

import datetime as dt

import asyncpg

from adapters.postgres import partitions
from tests.switch.simulation.worlds import DAY_S, HEAD, RULES, START_S, TIERS, World, programme, world

TEXT = HEAD + RULES + TIERS
DOUBLED = TEXT.replace("{per: 100000}", "{per: 50000}")
SPLIT_S = START_S + 40 * DAY_S
END_S = START_S + 10_000 * DAY_S
CODES = {0: 6000, 1: 0, 2: 6000, 3: 6500, 4: 200_000, 5: 0, 7: 950_000}
CLASSES = {0: 1, 5: 4}
"""Of holds and reversals; anything else is of class 2."""
_REFERENCE = """
INSERT INTO institution (code, name, title, kind, timezone)
     VALUES ('1', 'BAZAAR', 'Bazaar', 'chain', 'Asia/Tehran'), ('2', 'B', 'B', 'chain', 'Asia/Tehran'),
            ('3', 'C', 'C', 'chain', 'Asia/Tehran');
INSERT INTO category (name) VALUES ('a'), ('b'), ('c'), ('d'), ('e'), ('f'), ('grocery');
INSERT INTO merchant (institution, code, name, category)
     VALUES (3, 'M00000000000001', 'One', 1), (3, 'M00000000000002', 'Two', 7);
INSERT INTO programme (institution, name) VALUES (1, 'world');
"""


def worlds() -> list[World]:
    live = programme(TEXT)
    found = []
    for number in range(1, 13):
        born = 19900101 + number * 10_000
        found.append(world(number, 30, live.kernel, number=number, born=born, shard=number * 5))
    return found


async def write(url: str, made: list[World]) -> None:
    opened = await asyncpg.connect(url)
    await opened.execute(_REFERENCE)
    live = programme(TEXT)
    await opened.execute(
        """INSERT INTO programme_version (programme, version, state, source, source_hash, currency, point_value,
                                          deficit_allowed, rule_ids)
           VALUES (1, 1, 'live', $1, 'h', 364, 100, true, $2)""",
        TEXT,
        list(live.rule_ids),
    )
    await opened.executemany(
        "INSERT INTO programme_slot (programme, slot, kind, name) VALUES (1, $1, $2, $3)",
        [(slot, kind, name) for (kind, name), slot in live.slots.items()],
    )
    await partitions.ensure(opened, dt.date(2026, 11, 1), behind=0, ahead=1)
    for one in made:
        await write_world(opened, one)
    await opened.close()


async def write_world(opened: asyncpg.Connection, made: World) -> None:
    a = made.account
    gender = "female" if a.id % 2 else "male"
    await opened.execute(
        "INSERT INTO member (shard, id, gender, region) VALUES ($1, $2, $3, 'Tehran')", a.shard, a.id, gender
    )
    account = {
        "shard": a.shard, "id": a.id, "token_low": 0, "programme": 1, "points": a.points, "credit": a.credit,
        "visits": a.visits, "spend": a.spend, "first_visit": a.first_visit, "last_visit": a.last_visit, "tier": a.tier,
        "tier_points": a.tier_points, "lots": a.lots, "counters": a.counters, "grants": a.grants, "born": a.born,
        "reserves": a.reserves,
        "member": a.id, "enrolled_on": dt.date(1970, 1, 1) + dt.timedelta(days=a.enrolled_day),
    }  # fmt: skip
    await insert(opened, "account", account)
    days = {row.seq: dt.datetime.fromtimestamp(row.at, dt.UTC).date() for row in made.rows}
    for row, tier in zip(made.rows, made.tiers, strict=True):
        at = dt.datetime.fromtimestamp(row.at, dt.UTC)
        kept = {
            "shard": a.shard, "seq": row.seq, "sent_on": at.date(), "key": row.seq, "terminal": 1,
            "class": CLASSES.get(row.kind, 2), "mti": CLASSES.get(row.kind, 2) * 100,
            "processing_code": CODES[row.kind], "at": at, "business_date": at.date(), "fingerprint": 1, "rc": "00",
            "programme": 1, "programme_version": 1, "account": a.id, "tier_after": tier,
            "original_sent_on": days.get(row.original_seq or 0),
        }  # fmt: skip
        same = row._asdict()
        for name in ("kind", "at", "category", "version"):
            del same[name]
        await insert(opened, "journal", kept | same)
    # What was declined, and what only looked, is there as well and is not replayed.
    for rc, message_class in (("51", 2), ("00", 1)):
        await insert(
            opened, "journal", kept | {"seq": len(made.rows) + 2, "key": 0, "rc": rc, "class": message_class} | {
                "institution": 3, "merchant": 2, "amount": 5}
        )  # fmt: skip


async def insert(opened: asyncpg.Connection, table: str, row: dict[str, object]) -> None:
    places = ", ".join(f"${place}" for place in range(1, len(row) + 1))
    await opened.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places})", *row.values())
