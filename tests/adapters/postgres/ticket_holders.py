"""Members with tickets for a draw, written by plain SQL as sales would leave them."""

import asyncio
import struct
from pathlib import Path

from adapters.postgres.connecting import Connection, connection
from adapters.postgres.loading import load
from adapters.postgres.seeding import CardNumbers
from switch.tokens import Token, Tokens

BAZAAR = Path(__file__).parents[3] / "examples" / "bazaar"
PRIZES = """
prizes:
  - {thing: {fa: دوچرخه, en: a bicycle}}
  - {points: 10000, count: 2}
  - {credit: 5000000}
"""
SLOT, STAMP_SLOT = 2, 3
TICKETS = {0: 5, 1: 1, 2: 12, 3: 7, 4: 1, 5: 300}
"""By the serial of the member's card; the others have none, but for a blocked one."""
BLOCKED = 999_999_991
MEMBERS, ALL_TICKETS = len(TICKETS), sum(TICKETS.values())

_COUNTER = struct.Struct(">hiq")


def counters(*entries: tuple[int, int, int]) -> bytes:
    """[(slot, period, value)] packed."""
    return b"".join(_COUNTER.pack(*entry) for entry in entries)


def number_of(serial: int) -> str:
    """A card's number."""
    return CardNumbers().number(serial)


async def give(opened: Connection, token: Token, packed: bytes) -> None:
    """Let an account have these counters."""
    done = await opened.execute(
        "UPDATE account SET counters = $3 WHERE shard = $1 AND id = $2", token.shard, token.id, packed
    )
    assert done == "UPDATE 1"


def fill(url: str, token_key: bytes) -> None:
    """The example's programme and cards, and a draw `nowruz` for which some members have tickets."""

    async def write() -> None:
        await load(url, token_key, BAZAAR)
        tokens = Tokens(token_key, 64)
        async with connection(url) as opened:
            await opened.executemany(
                "INSERT INTO programme_slot (programme, slot, kind, name) VALUES (1, $1, $2, $3)",
                [(1, "stamp", "nowruz"), (SLOT, "ticket", "nowruz"), (STAMP_SLOT, "stamp", "cut")],
            )
            for serial, tickets in TICKETS.items():
                packed = counters((1, 0, 9), (SLOT, 0, tickets), (STAMP_SLOT, 0, 4))
                await give(opened, tokens.card(number_of(serial)), packed)
            await give(opened, tokens.card(number_of(6)), counters((1, 0, 9), (STAMP_SLOT, 0, 4)))
            # The slot's bytes stand within another counter here: slot 0x0100, period 0x0200, …
            await give(opened, tokens.card(number_of(7)), counters((256, 0x0200_0000, 1)))
            await give(opened, tokens.card(number_of(BLOCKED)), counters((SLOT, 0, 1_000)))

    asyncio.run(write())
