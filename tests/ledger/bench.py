"""Two workers on one database, in this process, with a clock that the test sets; and a look into the database.

Two, so that a repeat or a reversal meets a worker that never saw the first message: the journal is all they share.
"""

import asyncio
import datetime as dt
import itertools
import threading
from collections.abc import Coroutine, Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import asyncpg
import uvloop

from adapters.cli.running import compiled_programmes
from adapters.postgres import programme_versions
from adapters.postgres.loading import load
from adapters.postgres.seeding import seed
from adapters.postgres.store import PostgresStore
from adapters.postgres.wide import PostgresWideStore
from cext.reference import counters as counter_packing
from cext.reference import lots as lot_packing
from cext.reference import reserves as reserve_packing
from monitoring.metrics import Metrics
from protocol.message import Message
from switch.limits import Limits
from switch.server import Switch
from switch.settings import ListenerSpec
from switch.tokens import Token, Tokens
from tests.conftest import TOKEN_KEY
from tests.ledger.jobs import Upkeep
from tests.ledger.terms import PROGRAMME, Terms
from tests.replays import Replayer
from tests.wire.running import Till, card, message
from tests.wire.stories import TERMINALS, USUAL_STORES, Reply, institutions

WORKERS = 2
STANS_MAX = 999_999
CARDS_AT_ONCE = 5_000
ANSWER_S = 60.0

T = TypeVar("T")


class Clock:
    """The time by which both workers decide."""

    def __init__(self, now: dt.datetime) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now.timestamp()


class Bench:
    """Workers, tills, and what the database says. Made by `with`."""

    def __init__(self, url: str, folder: Path, terms: Terms, now: dt.datetime) -> None:
        self.url = url
        self.clock = Clock(now)
        self.terms = terms
        self.tills: list[Till] = []
        self.replayer = Replayer(url, PROGRAMME)
        self._folder = folder
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="workers", daemon=True)
        self._switches: list[Switch] = []
        self._stans = itertools.count(1)
        self._serials = itertools.count(0)
        self._cards_made = 0
        self._cards: dict[bool, list[str]] = {True: [], False: []}
        self._makers = itertools.count(0)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something in the workers' loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(ANSWER_S)

    def __enter__(self) -> Self:
        folder = self._folder
        (folder / "programmes").mkdir()
        (folder / "programmes" / "programme.yaml").write_text(self.terms.text, encoding="utf-8")
        (folder / "institutions.yaml").write_text(institutions(*USUAL_STORES), encoding="utf-8")
        (folder / "terminals.csv").write_text(TERMINALS, encoding="utf-8")
        self._thread.start()
        try:
            self.run(load(self.url, TOKEN_KEY, folder))
            self._make_cards()
            self.run(self._start())
        except BaseException:
            self._stop_loop()
            raise
        self.tills = [Till(switch.listening[0].port) for switch in self._switches]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        for till in self.tills:
            till.socket.close()
        try:
            self.run(self._end())
        finally:
            self._stop_loop()

    async def _start(self) -> None:
        self._look: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(self.url)
        shards = await self._look.fetchval("SELECT value::integer FROM setting WHERE name = 'shards'")
        self._tokens = Tokens(TOKEN_KEY, shards)
        self._upkeep = Upkeep(self.url, shards, self.clock)
        await self._upkeep.open()
        for _ in range(WORKERS):
            switch = Switch(
                store=PostgresStore(self.url, lanes=1, shards=shards),
                wide_store=PostgresWideStore(self.url),
                telemetry=Metrics(),
                tokens=self._tokens,
                listeners=(ListenerSpec.parse("127.0.0.1:0"),),
                lanes=1,
                limits=Limits(linger_s=0.1),
                programmes_of=compiled_programmes,
                wall_clock=self.clock,
            )
            self._switches.append(switch)
            await switch.start()
        slots = await self._look.fetch("SELECT kind, name, slot FROM programme_slot")
        self._names = {row["slot"]: (row["kind"], row["name"]) for row in slots}

    async def _end(self) -> None:
        await self._upkeep.close()
        for switch in self._switches:
            await switch.drain()
        await self._look.close()

    def _stop_loop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(ANSWER_S)
        self._loop.close()

    def _make_cards(self) -> None:
        self._cards_made += CARDS_AT_ONCE
        self.run(seed(self.url, TOKEN_KEY, cards=self._cards_made, terminals=1))

    def new_card(self, *, held_out: bool) -> str:
        """A card with which nothing happened yet, of a member who is held out of the hold-out rule or not.

        That follows from a hash, and a quote tells it; from then on every message must agree.
        """
        while not self._cards[held_out]:
            serial = next(self._serials)
            if serial >= self._cards_made:
                self._make_cards()
            self._cards[self._is_held_out(card(serial))].append(card(serial))
        return self._cards[held_out].pop()

    def _is_held_out(self, pan: str) -> bool:
        assert self.terms.held_out, "this version tells nothing of hold-outs"
        sent_at = self.clock.now.astimezone(dt.UTC)
        quote = message("0100", "000000", pan=pan, amount=1, stan=self.stan(), de7=f"{sent_at:%m%d%H%M%S}")
        reply = Reply(quote, self.ask(0, quote))
        assert reply.code == "00"
        return reply.earned == 0

    def stan(self) -> int:
        """A number that no message of the bench had before."""
        stan = next(self._stans)
        assert stan <= STANS_MAX, "DE11 has six digits: take fewer runs or steps"
        return stan

    def token(self, pan: str) -> Token:
        """Where a card's account is."""
        return self._tokens.card(pan)

    def ask(self, worker: int, sent: Message) -> Message:
        """Send a message to one of the workers and hear the reply."""
        return self.tills[worker].ask(sent)

    def change_programme(self, terms: Terms) -> None:
        """Make other terms live, by maker and checker, and let the workers notice at once, not within a second."""
        if terms is self.terms:
            return
        self.terms = terms

        async def change() -> None:
            text = f"# {next(self._makers)}\n{terms.text}"
            name, version = await programme_versions.submit(self.url, text, maker="sara")
            await programme_versions.activate(self.url, name, version, checker="reza")
            for switch in self._switches:
                await switch._refresh()
            await self._upkeep.open()
            slots = await self._look.fetch("SELECT kind, name, slot FROM programme_slot")
            self._names = {row["slot"]: (row["kind"], row["name"]) for row in slots}

        self.run(change())

    def keep_up(self, token: Token) -> int | None:
        """The upkeep job comes to an account; the key of its journal row, or None if there was nothing to do today."""
        return self.run(self._upkeep.keep_up(self._look, token))

    def rows(self, query: str, *arguments: object) -> list[asyncpg.Record]:
        """Look into the database."""
        return self.run(self._look.fetch(query, *arguments))

    def look(self, tokens: Sequence[Token], keys: Iterable[int]) -> "Look":
        """The accounts of some cards, what the journal has under some keys, and the last numbers of their shards."""
        return self.run(self._looked(tokens, list(keys)))

    async def _looked(self, tokens: Sequence[Token], keys: list[int]) -> "Look":
        shards = sorted({token.shard for token in tokens})
        numbers = await self._look.fetch(_NUMBERS, shards)
        accounts = await self._look.fetch(_ACCOUNTS, [t.shard for t in tokens], [t.id for t in tokens])
        rows = await self._look.fetch(_ROWS, shards, keys) if keys else []
        found = {(row["shard"], row["id"]): self._account(row) for row in accounts}
        return Look(
            {row["shard"]: row["seq"] for row in numbers},
            [found[token.shard, token.id] for token in tokens],
            [dict(row) for row in rows],
        )

    def _account(self, row: asyncpg.Record) -> dict[str, Any]:
        return {
            "points": row["points"],
            "lots": dict(lot_packing.unpack(row["lots"])),
            "credit": row["credit"],
            "visits": row["visits"],
            "spend": row["spend"],
            "tier": row["tier"],
            "tier_points": row["tier_points"],
            "tier_year": row["tier_year"],
            "tier_kept": row["tier_kept"],
            **_kept_back(row["reserves"]),
            "counters": {
                self._names[slot]: (number, value) for slot, number, value in counter_packing.unpack(row["counters"])
            },
        }


def _kept_back(packed: bytes) -> dict[str, Any]:
    entries = reserve_packing.unpack(packed)
    return {
        "pending": {until: points for key, until, points, _ in entries if key == reserve_packing.PENDING},
        "holds": {(k, until): (points, credit) for k, until, points, credit in entries if k != reserve_packing.PENDING},
    }


class Look:
    """What the database says after a step. `numbers`: the last seq of each shard; `rows`: by key, in order of seq."""

    def __init__(self, numbers: dict[int, int], accounts: list[dict[str, Any]], rows: list[dict[str, Any]]) -> None:
        self.numbers = numbers
        self.accounts = accounts
        self.rows = rows


_NUMBERS = "SELECT shard, seq FROM shard WHERE shard = ANY ($1::smallint[])"
_ACCOUNTS = """
SELECT a.shard, a.id, a.points, a.credit, a.lots, a.visits, a.spend, a.counters, a.reserves, a.tier,
       a.tier_points, a.tier_year, a.tier_kept
  FROM unnest($1::smallint[], $2::bigint[]) AS wanted (shard, id)
  JOIN account AS a ON a.shard = wanted.shard AND a.id = wanted.id"""
_ROWS = """
SELECT shard, seq, key, class, account, amount, rc, points_earned, points_redeemed, points_expired, points_adjusted,
       credit_granted, credit_spent, discount, to_pay, points_after, credit_after, lots_moved, original_seq,
       programme_version, fingerprint, tier_after
  FROM journal
 WHERE shard = ANY ($1::smallint[]) AND key = ANY ($2::bigint[])
 ORDER BY shard, seq"""
