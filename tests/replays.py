"""I9 on what a real switch wrote: each row, decided again by the version that decided it, gives the same legs."""

from collections.abc import Collection
from dataclasses import dataclass, field

import asyncpg

from adapters.postgres.connecting import connection
from adapters.postgres.queries import named
from adapters.postgres.replaying import Span, histories
from switch.programme import load
from switch.simulation.history import OTHER, BrokenHistory, History
from switch.simulation.reading import BasketReader
from switch.simulation.replay import Quarters, Rules, replayed
from switch.simulation.standing import TierTerms, terms_of

LEGS = (
    "points_earned", "points_redeemed", "points_expired", "points_adjusted", "credit_granted", "credit_spent",
    "discount", "to_pay", "lots_moved", "rules", "counters_moved", "grants_moved", "reserves_moved",
)  # fmt: skip
FAR = 10**11
_SQL = named("replaying")


@dataclass
class Replayer:
    """A programme of a database, and its versions as far as they were asked for: to compile one takes a while."""

    url: str
    name: str
    versions: dict[int, Rules] = field(default_factory=dict)
    shards: int = 0
    programme: int = 0
    quarters: Quarters = field(init=False)
    zone: str | None = None
    tiers: TierTerms | None = None

    async def differences(
        self, shards: tuple[int, int] | None = None, accounts: Collection[int] | None = None, start_s: int = 0
    ) -> list[str]:
        """Every leg that comes out otherwise, from the first message on, or from a moment; none if all is well."""
        async with connection(self.url) as opened:
            await self._learn(opened)
        found: list[str] = []
        place = (self.programme, *(shards or (0, self.shards)), start_s)
        async for history in histories(self.url, Span(*place, self.zone, self.tiers)):
            if accounts is None or history.present.id in accounts:
                found += self._replay(history)
        return found

    def _replay(self, history: History) -> list[str]:
        place = f"{history.present.shard}/{history.present.id}"
        programme, read = next(iter(self.versions.values()))
        rows = replayed(programme, history, self.quarters, FAR, read, self.versions.__getitem__)
        found, tier = [], None
        try:
            for row, decision, _ in rows:
                if row.kind != OTHER:
                    tier = decision.tier_after
                for leg in LEGS:
                    wrote, decides = getattr(row, leg), getattr(decision, leg)
                    if (wrote or None) != (decides or None):
                        found.append(f"{place} seq {row.seq} {leg}: {wrote!r}, now {decides!r}")
        except BrokenHistory:
            return [f"{place}: its rows do not lead to the account as it is"]
        if tier not in (None, history.present.tier):
            found.append(f"{place} tier: {history.present.tier}, now {tier}")
        return found

    async def _learn(self, opened: "asyncpg.Connection[asyncpg.Record]") -> None:
        """The versions that are new since the last time, with the numbers that the database gave to names."""
        self.programme = await opened.fetchval("SELECT id FROM programme WHERE name = $1", self.name)
        self.shards = await opened.fetchval("SELECT value::integer FROM setting WHERE name = 'shards'")
        texts = [row for row in await opened.fetch(_SQL["versions"], self.programme) if row[0] not in self.versions]
        if not texts:
            return
        names = {(kind, of): number for kind, of, number in await opened.fetch(_SQL["names"], self.programme)}
        slots = {(kind, of): slot for kind, of, slot in await opened.fetch(_SQL["slots"], self.programme)}
        for version, source in texts:
            compiled = load(source, ids=lambda kind, of: names[kind, of], slots=lambda kind, of: slots[kind, of])
            reader = BasketReader.of(compiled)
            self.versions[version] = compiled.kernel, reader
            self.quarters = Quarters(compiled.timezone)
            self.zone, self.tiers = compiled.timezone if compiled.looks_back else None, terms_of(compiled)


async def differences(url: str, name: str) -> list[str]:
    """What `Replayer` finds in a whole programme."""
    return await Replayer(url, name).differences()


async def journal_differences(url: str) -> list[str]:
    """I9 of every row of a database, whatever its programme. An empty journal costs one look."""
    async with connection(url) as opened:
        if not await opened.fetchval("SELECT EXISTS (SELECT FROM journal WHERE programme IS NOT NULL AND rc = '00')"):
            return []
        programmes = await opened.fetch("SELECT name FROM programme ORDER BY name")
    found = []
    for row in programmes:
        found += [f"{row['name']}: {line}" for line in await differences(url, row["name"])]
    return found
