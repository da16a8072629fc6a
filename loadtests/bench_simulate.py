"""How many messages a core replays: `python -m loadtests.bench_simulate`.

A programme of the size that customers have (a handful of rules, a limit, a tier) decides the purchases of a thousand
members in a quarter of a year, and is then replayed with another rate, sums for each rule and segment included.
Reading the journal is not part of it. Time is that of the processor, as it is a figure for a core: others may use the
machine.
"""

import random
import statistics
import time

from cext import _kernel as kernel
from cext._kernel import Account, Request
from switch.programme import CompiledProgramme, load
from switch.simulation.history import History, Present, Row
from switch.simulation.reading import BasketReader
from switch.simulation.replay import Quarters
from switch.simulation.simulate import Question, RuleSet, Simulation

MEMBERS = 1_000
PURCHASES = 60
START_S = 1_790_000_000
DAY_S = 86_400
CURRENCY = 364
_TEXT = """\
programme: bench
owner: BENCH
currency: 364
timezone: Asia/Tehran
point: {value: 100, expires: 24 months}
rules:
  - {id: base, then: {points: {per: 100000}}}
  - {id: friday, when: weekday == "friday", then: {multiply: 2}}
  - {id: bulk, when: amount >= 2500000, then: {discount: 10%, cap: 500000}}
  - {id: back, when: days_since_last >= 9, then: {credit: 2%}}
  - {id: first, when: amount >= 1000000, uses: {day: 1}, then: {points: 3}}
tiers:
  - {id: silver, from: {points: 1000}, multiply: 1.25}
"""


def _compiled(text: str) -> CompiledProgramme:
    return load(text, ids=lambda _kind, _name: 7)


def _history(live: CompiledProgramme, member: int) -> History:
    """A member's purchases, as the live programme decided them."""
    dice = random.Random(member)
    quarters = Quarters(live.timezone)
    account = Account(1, member, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 20_000, b"")
    now = START_S
    rows = []
    for seq in range(1, PURCHASES + 1):
        now += dice.randrange(3_600, 3 * DAY_S)
        amount = dice.randrange(50_000, 3_000_000)
        request = Request(1, False, amount, CURRENCY, now, *quarters.at(now), 5, 2, 3, 7)
        d = kernel.decide(live.kernel, account, request)
        rows.append(
            Row(
                seq, now, 1, amount, CURRENCY, 2, 3, 7, 5, 1, d.points_earned, d.points_redeemed, d.points_expired,
                d.points_adjusted, d.credit_granted, d.credit_spent, d.discount, d.to_pay, d.lots_moved, d.rules,
                d.counters_moved, d.grants_moved,
            )
        )  # fmt: skip
    a = account
    present = Present(
        a.shard, a.id, a.points, a.credit, a.visits, a.spend, a.first_visit, a.last_visit, a.tier, a.tier_points,
        a.enrolled_day, a.lots, a.club, a.born, a.counters, a.grants,
    )  # fmt: skip
    return History(present, rows)


def run(rounds: int = 5) -> dict[str, float]:
    """Messages a second and core: median and extremes of some rounds."""
    live, draft = _compiled(_TEXT), _compiled(_TEXT.replace("per: 100000", "per: 80000"))
    histories = [_history(live, member) for member in range(1, MEMBERS + 1)]
    live_rules, draft_rules = (RuleSet(one.kernel.table, one.rule_ids) for one in (live, draft))
    question = Question(draft_rules, {1: live_rules}, draft.timezone, START_S + 10**9, 20260101)
    # One for all rounds: a worker goes through millions of messages with one, and its calendar.
    simulation = Simulation(question, BasketReader({}, (), (), {}))
    rates = []
    for _ in range(rounds):
        start = time.process_time()
        for history in histories:
            simulation.take(history)
        report = simulation.report()
        rates.append(report.messages / (time.process_time() - start))
        if report.messages != MEMBERS * PURCHASES or report.broken:
            raise RuntimeError("not every message was replayed: this would measure nothing")
    return {
        "simulate_messages_per_s_per_core": statistics.median(rates),
        "simulate_messages_per_s_per_core_min": min(rates),
        "simulate_messages_per_s_per_core_max": max(rates),
    }


if __name__ == "__main__":
    for name, value in run().items():
        print(f"{name}: {value:,.0f}")
