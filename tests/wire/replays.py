"""I9 on what a real switch wrote: the programme that decided, replayed over its own journal, gives the same legs."""

from adapters.postgres.replaying import Span, histories, survey
from switch.programme import CompiledProgramme
from switch.simulation.history import OTHER
from switch.simulation.reading import BasketReader
from switch.simulation.replay import Quarters, replayed

LEGS = (
    "points_earned", "points_redeemed", "points_expired", "credit_granted", "credit_spent", "discount", "to_pay",
    "lots_moved", "rules", "counters_moved", "grants_moved",
    "reserves_moved",
)  # fmt: skip
FAR = 10**11


async def differences(url: str, name: str) -> list[str]:
    """Every leg that comes out otherwise, from the first message on; none if all is well."""
    ground = await survey(url, None, name)
    live: CompiledProgramme = ground.live
    reader = BasketReader.of(live)
    quarters = Quarters(live.timezone)
    found = []
    async for history in histories(url, Span(ground.programme, 0, ground.shards, 0)):
        tier = None
        for row, decision, _ in replayed(live.kernel, history, quarters, FAR, reader):
            if row.kind != OTHER:
                tier = decision.tier_after
            for leg in LEGS:
                wrote, decides = getattr(row, leg), getattr(decision, leg)
                if (wrote or None) != (decides or None):
                    found.append(f"{history.present.shard}/{row.seq} {leg}: {wrote!r}, now {decides!r}")
        if tier not in (None, history.present.tier):
            found.append(f"{history.present.shard}/{history.present.id} tier: {history.present.tier}, now {tier}")
    return found
