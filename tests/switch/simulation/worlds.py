"""Small worlds: a programme decides random messages as the switch would, and the journal of it is the history."""

import random
from dataclasses import dataclass, field
from typing import Any

from cext import _kernel as kernel
from cext._kernel import Account, Decision, Original, Programme, Request
from cext.reference.recent import pack as pack_days
from protocol.tlv import build
from switch.programme import CompiledProgramme, load
from switch.simulation.history import History, Past, Person, Present, Row
from switch.simulation.reading import BasketReader
from switch.simulation.replay import Quarters

ZONE = "Asia/Tehran"
START_S = 1_700_000_000
DAY_S = 86_400
HEAD = """\
programme: world
owner: BAZAAR
currency: 364
timezone: Asia/Tehran
point: {value: 100, expires: 3 months, pending: 4 days}
deficit: allow
rules:
"""
RULES = """\
  - {id: base, then: {points: {per: 100000}}}
  - {id: friday, when: weekday == "friday", then: {multiply: 2}}
  - {id: big, when: amount >= 900000, then: {discount: 10%, cap: 50000}}
  - {id: often, when: mean_gap <= 3, then: {discount: 3%}}
  - {id: back, when: days_since_last >= 4, then: {credit: 5%}}
  - {id: hello, when: visits == 0, then: {points: 7, credit: 1000}}
  - {id: daily, when: amount >= 300000, uses: {day: 1}, then: {points: 3}}
  - {id: stamps, when: amount >= 100000, then: {stamp: {key: cut, need: 3, reward: {discount: 20000}}}}
  - {id: offer, grant: {if: visits >= 3, set: {goal: 2 * mean_amount}, lives: 30 days}, when: amount >= grant.goal,
     then: {credit: 2%}}
  - {id: lately, when: spend_30d >= 1500000, then: {points: 2}}
  - {id: tested, when: amount >= 500000, holdout: 50%, then: {credit: 11}}
  - {id: came, when: event == "checkin", uses: {day: 1}, then: {points: 5}}
"""
TIERS = """\
tiers:
  - {id: silver, from: {points: 30}, multiply: 1.25}
  - {id: gold, from: {points: 90}, multiply: 1.5}
rewards:
  - {code: OFF, points: 9, then: {discount: 20%, cap: 70000}}
  - {code: TEA, points: 4, message: {en: A tea}, uses: {day: 1}}
"""


def programme(text: str = HEAD + RULES + TIERS) -> CompiledProgramme:
    return load(text, ids=lambda _kind, _name: 7)


read = BasketReader.of(programme())


@dataclass
class World:
    """One account under one programme. `rows` are the journal, `decisions` what the kernel said to each."""

    programme: Programme
    dice: random.Random
    account: Account
    now: int = START_S
    rows: list[Row] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    tiers: list[int] = field(default_factory=list)
    quarters: Quarters = field(default_factory=lambda: Quarters(ZONE))
    version: int = 1

    def request(self, kind: int, amount: int, **given: Any) -> Request:
        return Request(
            kind, given.pop("advice", False), amount, 364, self.now, *self.quarters.at(self.now), 5, 2, 3, 7, **given
        )  # fmt: skip

    def write(
        self, kind: int, amount: int, decision: Decision, original: int | None = None, asked: str | None = None
    ) -> None:
        """Keep what was approved, as the journal and the reader of it would."""
        if decision.rc != "00":
            return
        self.rows.append(
            Row(
                len(self.rows) + 1, self.now, kind, amount, 364, 2, 3, 7, 5, self.version,
                decision.points_earned, decision.points_redeemed, decision.points_expired, decision.points_adjusted,
                decision.credit_granted, decision.credit_spent, decision.discount, decision.to_pay,
                decision.lots_moved or None, decision.rules or None, decision.counters_moved or None,
                decision.grants_moved or None, original, asked, decision.reserves_moved or None,
            )
        )  # fmt: skip
        self.decisions.append(decision)
        self.tiers.append(self.account.tier)

    def step(self) -> None:
        """One random message."""
        self.now += self.dice.choice((60, 7_200, DAY_S, 3 * DAY_S, 20 * DAY_S))
        if self.dice.random() < 0.2:
            self.hold_or_end()
            return
        what = self.dice.random()
        if what < 0.62 or not self.rows:
            kind = self.dice.choice((1, 1, 1, 2, 3))
            amount = self.dice.choice((1, 99_999, 100_000, 350_000, 950_000, self.dice.randrange(1, 3_000_000)))
            wishes = {"points_wanted": self.dice.choice((-1, 0, 5)), "credit_wanted": self.dice.choice((-1, 0, 700))}
            chosen = self.dice.choice(("", "", "", "OFF", "TEA"))
            told = [("PT", str(wishes["points_wanted"]))] if wishes["points_wanted"] >= 0 else []
            asked = build([*told, ("RW", chosen)]) if chosen else None
            wishes["reward"] = ("", "OFF", "TEA").index(chosen)
            request = self.request(kind, amount, advice=self.dice.random() < 0.3, **wishes)
            self.write(kind, amount, kernel.decide(self.programme, self.account, request), asked=asked)
        elif what < 0.72:
            decision = kernel.decide(self.programme, self.account, self.request(7, 0, event=1))
            self.write(7, 0, decision, asked="EV007checkin")
        else:
            self.undo(self.dice.choice(self.rows[-6:]), is_refund=self.dice.random() < 0.5)

    def hold_or_end(self) -> None:
        """Hold something, complete a hold, or release one; a row that holds is of no programme's deciding (kind 0)."""
        held = [row for row in self.rows if row.kind == 0]
        what = self.dice.choice(("hold", "complete", "release")) if held else "hold"
        if what == "hold":
            wishes = {"points_wanted": self.dice.choice((-1, 0, 3)), "credit_wanted": self.dice.choice((-1, 90))}
            until = self.now + self.dice.choice((900, 30 * DAY_S))
            request = self.request(8, 500, hold_key=len(self.rows) + 1, hold_until=until, **wishes)
            self.write(0, 500, kernel.decide(self.programme, self.account, request))
            return
        row = self.dice.choice(held[-3:])
        if what == "complete":
            kind, amount = self.dice.choice((1, 2, 3)), self.dice.choice((5_000, 400_000))
            advice = self.dice.random() < 0.5
            request = self.request(kind, amount, original=self.original(row, 8), advice=advice)
            self.write(kind, amount, kernel.decide(self.programme, self.account, request))
        elif not any(r.original_seq == row.seq for r in self.rows):
            request = self.request(5, 500, original=self.original(row, 8))
            self.write(5, 500, kernel.decide(self.programme, self.account, request), row.seq)

    def undo(self, row: Row, *, is_refund: bool) -> None:
        """Refund or reverse a row, in whole or in part."""
        if row.kind in (0, 5) or (is_refund and row.kind in (4, 7)):
            return
        if not is_refund and any(r.kind == 5 and r.original_seq == row.seq for r in self.rows):
            # The switch would answer with the first reversal's reply.
            return
        original = self.original(row)
        left = row.amount - original.refunded_amount
        if is_refund:
            amount = self.dice.choice((left, left // 2, left // 3))
            if amount <= 0:
                return
            request = self.request(4, amount, original=original)
            self.write(4, amount, kernel.decide(self.programme, self.account, request), row.seq)
            return
        replacement = self.dice.choice((-1, -1, left // 2 or -1))
        request = self.request(5, 0, original=original, replacement_amount=replacement)
        undone = max(left - max(replacement, 0), 0)
        self.write(5, undone, kernel.decide(self.programme, self.account, request), row.seq)

    def original(self, row: Row, kind: int | None = None) -> Original:
        """As the store puts it together: what was undone of a row, and what of that was undone."""
        first = [r for r in self.rows if r.original_seq == row.seq]
        seqs = {r.seq for r in first if r.kind != 5}
        second = [r for r in self.rows if r.original_seq in seqs]
        undone = sum(r.amount for r in first) - sum(r.amount for r in second)
        both = first + second
        gone = {
            r.original_seq
            for r in second
            if sum(s.amount for s in second if s.original_seq == r.original_seq)
            >= next(s.amount for s in first if s.seq == r.original_seq)
        }
        standing = [r for r in both if r.seq not in gone and r.original_seq not in gone]
        return Original(
            row.kind if kind is None else kind, True, row.amount, row.points_earned, row.points_redeemed,
            row.credit_granted, row.credit_spent,
            row.discount, row.to_pay, row.lots_moved or b"", undone, -sum(r.points_earned for r in both),
            -sum(r.points_redeemed for r in both), -sum(r.credit_granted for r in both),
            -sum(r.credit_spent for r in both), any(r.kind == 5 for r in first) and undone >= row.amount,
            b"".join(r.lots_moved or b"" for r in standing), row.counters_moved or b"", row.grants_moved or b"",
            b"".join(r.counters_moved or b"" for r in standing), row.reserves_moved or b"",
            b"".join(r.reserves_moved or b"" for r in standing), refunded_discount=-sum(r.discount for r in both),
            refunded_to_pay=sum(r.to_pay for r in first) - sum(r.to_pay for r in second),
            local_month=self.quarters.at(self.earned_by(row).at)[1],
        )  # fmt: skip

    def earned_by(self, row: Row) -> Row:
        """The purchase that a refund took back; any other row itself."""
        return self.rows[row.original_seq - 1] if row.kind == 4 and row.original_seq is not None else row

    def recent(self, before: list[Row], start_s: int) -> bytes:
        """What the days before a period come to, as one counts who has only the rows."""
        first = self.quarters.at(start_s)[0] - 30
        kinds = {row.seq: row.kind for row in self.rows}
        days: dict[int, int] = {}
        for row in before:
            sign = 1 if row.kind in (1, 2, 3) else -1 if row.kind == 4 else 0
            if row.kind == 5:
                sign = {1: -1, 2: -1, 3: -1, 4: 1}.get(kinds.get(row.original_seq or 0, 0), 0)
            day = self.quarters.at(row.at)[0]
            if sign and day > first:
                days[day] = days.get(day, 0) + sign * row.amount
        return pack_days([(day, amount) for day, amount in sorted(days.items()) if amount])

    def history(self, start_s: int = 0, **given: Any) -> History:
        """What a reader finds of a period that began at `start_s`."""
        a = self.account
        before = [row for row in self.rows if row.at < start_s]
        since = [row for row in self.rows if row.at >= start_s]
        named = {row.original_seq for row in since} - {None}
        named |= {row.original_seq for row in before if row.seq in named} - {None}
        undoing = {row.seq for row in before if row.original_seq in named}
        referred = [row for row in before if row.seq in named | undoing or row.original_seq in undoing]
        visits = [row.at for row in before if row.kind in (1, 2, 3)]
        return History(
            Present(
                a.shard, a.id, a.points, a.credit, a.visits, a.spend, a.first_visit, a.last_visit, a.tier,
                a.tier_points, a.enrolled_day, a.lots, a.club, a.born, a.counters, a.grants, a.flags, a.reserves,
            ),
            since,
            Past(
                max(visits, default=0), self.tiers[len(before) - 1] if before else 0,
                b"".join(row.counters_moved or b"" for row in before),
                b"".join(row.grants_moved or b"" for row in before),
                self.recent(before, start_s),
            ),
            referred,
            given.pop("person", Person()),
        )  # fmt: skip


def world(seed: int, steps: int, live: Programme, number: int = 1, born: int = 0, shard: int = 1) -> World:
    """A history of so many messages."""
    made = World(
        live, random.Random(seed), Account(shard, number, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 19_600, b"", 0, born)
    )
    for _ in range(steps):
        made.step()
    return made
