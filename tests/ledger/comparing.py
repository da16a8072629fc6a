"""Where a run is, and the comparison of everything with the model: replies, journal rows, accounts."""

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

from protocol.message import Message
from tests.ledger import model
from tests.ledger.bench import Bench
from tests.ledger.checks import audit_run, replay_run
from tests.ledger.entries import (
    APPROVED,
    CONVERSION,
    HOLD,
    LEGS,
    PURCHASE,
    QUOTE,
    REFUND,
    REVERSAL,
    TRANSFER,
    Entry,
    Legs,
    Member,
    Moment,
    live_points,
    new_member,
    points,
)
from tests.ledger.kept_back import Standing, standing
from tests.ledger.terms import DRAW, LIFE, PLAIN, STAMPS, TICKETS, Terms
from tests.wire.running import message
from tests.wire.stories import TEHRAN, Reply

START = dt.datetime(2027, 1, 10, 12, 0, tzinfo=TEHRAN)
MEMBERS = 2
HELD_OUT = 1
"""The member who does not get what not everybody gets."""
STILL_NAMED = dt.timedelta(days=170)
"""DE7 has no year: DE90 names nothing that is half a year old."""
MONTHS_FROM = 2000
NOTHING: Legs = dict.fromkeys(LEGS, 0)

Made = Callable[[], Entry]
"""Lets the model decide."""


class Sent:
    """A message of the run: what was sent and heard, and what the model has of it."""

    def __init__(self, entry: Entry, message: Message, heard: Message, at: dt.datetime) -> None:
        self.entry = entry
        self.message = message
        self.heard = heard
        self.at = at
        self.reversal: Message | None = None

    def __repr__(self) -> str:
        return f"<{self.entry.kind} of {self.entry.amount} by {self.entry.member}, {self.entry.code}>"


class Row:
    """A journal row as the model expects it. A decline and a tombstone have no legs."""

    def __init__(self, member: int, code: str, legs: Legs, state: Member, now: Moment) -> None:
        self.member = member
        self.code = code
        self.legs = legs
        self.tier = state["tier"]
        self.after = (live_points(state, now), state["credit"]) if legs and code == APPROVED else None

    def compare(self, row: dict[str, Any]) -> None:
        """The row must have these legs, and these balances after them."""
        assert row["rc"] == self.code, row
        for leg in LEGS if self.after else LEGS[:-1]:
            assert row[leg] == self.legs.get(leg, 0), f"{leg}: {row[leg]}, not {self.legs.get(leg, 0)}: {row}"
        if self.after:
            assert (row["points_after"], row["credit_after"]) == self.after, row
            assert row["tier_after"] == self.tier, row


def key_of(sent: Message) -> int:
    """The key under which the journal has a message."""
    return int(str(sent.fields[7])) * 1_000_000 + int(str(sent.fields[11]))


def tlv(tag: str, value: object) -> str:
    """An element of DE48 or DE63."""
    return f"{tag}{len(str(value)):03d}{value}"


class Compared:
    """Two members with fresh cards, in the ledger and in the model."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        bench.clock.now = START
        bench.change_programme(PLAIN)
        # One of each kind, so that a run comes to the same whenever it is tried.
        self.pans = [bench.new_card(held_out=number == HELD_OUT) for number in range(MEMBERS)]
        self.tokens = [bench.token(pan) for pan in self.pans]
        self.members = {number: new_member(held_out=number == HELD_OUT) for number in range(MEMBERS)}
        self.sent: list[Sent] = []
        self._numbers = bench.look(self.tokens, ()).numbers
        self._first_numbers = dict(self._numbers)
        self._is_as_expected = True
        self._kept_up_on = dict.fromkeys(self.members, 0)

    def finish(self) -> None:
        """The audit and the replay of the run's rows (I1 to I6, I8, I9), unless a step has failed already."""
        if not self._is_as_expected:
            return
        span = {shard: (self._first_numbers[shard], number) for shard, number in self._numbers.items()}
        broken = self.bench.run(audit_run(self.bench.url, self.tokens, span))
        assert not broken, broken
        different = self.bench.run(replay_run(self.bench.replayer, self.tokens))
        assert not different, different

    # Where the run is.

    @property
    def terms(self) -> Terms:
        """The version in force."""
        return self.bench.terms

    @property
    def now(self) -> Moment:
        """The moment in the programme's zone."""
        now = self.bench.clock.now
        month = (now.year - MONTHS_FROM) * 12 + now.month - 1
        return Moment(int(now.timestamp()), (now.date() - dt.date(1970, 1, 1)).days, month, now.weekday())

    def wait(self, days: int) -> None:
        """Let days pass."""
        self.bench.clock.now += dt.timedelta(days=days)

    def wait_for(self, step: str, days_before: int) -> None:
        """Let time pass until noon of the next first of a month, of a tier year, or after its days of grace, or the day
        before it.
        """
        today = self.bench.clock.now.date()
        day = today + dt.timedelta(days=1 + days_before)
        while not self._is_first(step, day):
            day += dt.timedelta(days=1)
        self.wait((day - today).days - days_before)

    def _is_first(self, step: str, day: dt.date) -> bool:
        if step == "end of the month":
            return day.day == 1
        begun = dt.date(day.year, self.terms.year_begins, 1)
        return day == (begun if step == "tier year" else begun + dt.timedelta(days=self.terms.grace or 0))

    def wait_until(self, second: int) -> None:
        """Let time pass until a second since 1970; the next message comes one later."""
        self.bench.clock.now = dt.datetime.fromtimestamp(second, TEHRAN)

    def standing(self, member: int) -> Standing:
        """What the member may spend, and what not."""
        return standing(self.members[member], self.now)

    def counted(self, member: int, name: tuple[str, str]) -> int:
        """What a counter for life has."""
        count: int = self.members[member]["counters"].get(name, (LIFE, 0))[1]
        return count

    def tickets(self) -> dict[int, int]:
        """Tickets of each member."""
        return {number: self.counted(number, TICKETS) for number in self.members}

    # What later messages can name.

    def known(self) -> list[Sent]:
        """What DE90 or a repeat can name."""
        return [s for s in self.sent if self.bench.clock.now - s.at < STILL_NAMED]

    def refundable(self) -> list[Sent]:
        """Purchases, also declined ones; last those that were paid by points, as more can go wrong with them."""
        found = [s for s in self.known() if s.entry.kind == PURCHASE]
        return sorted(found, key=lambda s: s.entry.legs.get("points_redeemed", 0) > 0)

    def touched(self) -> list[Sent]:
        """Purchases of which something was undone before."""
        return [s for s in self.refundable() if s.entry.is_touched]

    def reversible(self) -> list[Sent]:
        """What was not reversed yet."""
        return [s for s in self.known() if s.reversal is None and s.entry.kind != REVERSAL]

    def refunds(self) -> list[Sent]:
        """Approved refunds, not reversed yet."""
        return [s for s in self.reversible() if s.entry.kind == REFUND and s.entry.code == APPROVED]

    def transfers(self) -> list[Sent]:
        """Approved transfers, not reversed yet."""
        return [s for s in self.reversible() if s.entry.kind == TRANSFER and s.entry.code == APPROVED]

    def reversed(self) -> list[Sent]:
        """What was reversed."""
        return [s for s in self.known() if s.reversal is not None]

    def holds(self) -> list[Sent]:
        """What tills held, also what has ended since, and what was declined."""
        return [s for s in self.known() if s.entry.kind == HOLD]

    def open_holds(self) -> list[int]:
        """The seconds at which holds end that are not over."""
        return [until for member in self.members.values() for _, until in member["holds"] if until > self.now.second]

    # Messages.

    def message(self, mti: str, code: str, member: int, amount: int, **more: str) -> Message:
        """A message of now; a second later it is another now."""
        self.bench.clock.now += dt.timedelta(seconds=1)
        moment = self.bench.clock.now.astimezone(dt.UTC)
        return message(
            mti, code, pan=self.pans[member], amount=amount, stan=self.bench.stan(), de7=f"{moment:%m%d%H%M%S}", **more
        )

    def tell(self, worker: int, sent: Message, made: Made) -> Sent:
        """Send a message; reply, rows and accounts must be as the model has them."""
        self._is_as_expected = False
        entry = made()
        heard = self.bench.ask(worker, sent)
        done = self._heard(entry, sent, heard)
        self._compare([key_of(sent)], self._rows(entry))
        return done

    def tell_upkeep(self, member: int) -> None:
        """The upkeep job comes: once a day for an account, and only if there is something to do."""
        self._is_as_expected = False
        entry = None
        if self._kept_up_on[member] != self.now.day:
            entry = model.upkeep(self.members[member], member, self.terms, self.now)
        key = self.bench.keep_up(self.tokens[member])
        assert (key is not None) == (entry is not None), f"upkeep of {member}: {key}, not {entry}"
        if key is None or entry is None:
            self.unmoved()
            self._is_as_expected = True
            return
        self._kept_up_on[member] = self.now.day
        self._compare([key], self._rows(entry))

    def tell_at_once(self, told: Sequence[tuple[int, Message, Made]]) -> None:
        """Send messages to the workers without waiting; they are decided in the order of their numbers."""
        self._is_as_expected = False
        for worker, sent, _ in told:
            self.bench.tills[worker].send(sent)
        answers = [self.bench.tills[worker].hear() for worker, _, _ in told]
        heard = {answer.fields[11]: answer for answer in answers}
        look = self.bench.look(self.tokens, [key_of(sent) for _, sent, _ in told])
        order = {row["key"]: row["seq"] for row in look.rows}
        rows: list[Row] = []
        for _, sent, made in sorted(told, key=lambda one: order[key_of(one[1])]):
            entry = made()
            self._heard(entry, sent, heard[sent.fields[11]])
            rows += self._rows(entry)
        self._compare([key_of(sent) for _, sent, _ in told], rows)

    def _heard(self, entry: Entry, sent: Message, heard: Message) -> Sent:
        reply = Reply(sent, heard)
        assert reply.code == entry.code, f"{entry}: DE39 {reply.code} {reply.reason}, not {entry.code}"
        if reply.code == APPROVED:
            self._compare_reply(entry, reply)
        done = Sent(entry, sent, heard, self.bench.clock.now)
        self.sent.append(done)
        return done

    # Comparisons.

    def _compare_reply(self, entry: Entry, reply: Reply) -> None:
        """DE4, DE54 and DE62 tell what the model says."""
        legs, now = entry.legs, self.standing(entry.member)
        told = {
            "PB": now.points,
            "CB": now.credit,
            "PE": legs["points_earned"],
            "PR": legs["points_redeemed"],
            "CG": legs["credit_granted"],
            "CS": legs["credit_spent"],
            "DS": legs["discount"],
            "PP": now.pending,
        }
        assert {tag: reply.number(tag) for tag in told} == told
        has_holds = now.held_points or now.held_credit
        assert reply.all("HD") == ([f"{now.held_points}/{now.held_credit}"] if has_holds else [])
        assert reply.heard.fields[54] == f"6002999C{now.points:012d}6502364C{now.credit:012d}"
        if entry.kind in (PURCHASE, QUOTE):
            assert reply.to_pay == legs["to_pay"]
        if entry.kind != CONVERSION and entry.receiver < 0:
            # What moves points between accounts or balances tells nothing of tiers, stamps and tickets.
            stamps, tickets = self.counted(entry.member, STAMPS), self.counted(entry.member, TICKETS)
            need = self.terms.stamps_needed
            assert reply.all("SP") == ([f"cut:{stamps}/{need}"] if stamps and need else [])
            tier = self.members[entry.member]["tier"]
            assert reply.all("TR") == ([self.terms.tiers[tier - 1][0]] if tier else [])
            assert reply.all("TK") == ([f"{DRAW}:{tickets}"] if tickets and self.terms.tickets else [])

    def _rows(self, entry: Entry) -> list[Row]:
        rows = [Row(entry.member, entry.code, entry.written, self.members[entry.member], self.now)]
        if entry.receiver >= 0 and entry.code == APPROVED:
            moved = -entry.legs["points_adjusted"]
            legs = {**NOTHING, "points_adjusted": moved, "points_expired": entry.undone["points_expired"]}
            rows.append(Row(entry.receiver, APPROVED, legs, self.members[entry.receiver], self.now))
        return rows

    def _compare(self, keys: Sequence[int], rows: Sequence[Row]) -> None:
        """One row for each effect, numbered on without a gap, with the model's legs; and the accounts (I1 to I7)."""
        self._is_as_expected = False
        look = self.bench.look(self.tokens, keys)
        taken = sum(number - self._numbers[shard] for shard, number in look.numbers.items())
        assert taken == len(rows), f"{taken} numbers were given out for {len(rows)} rows"
        for number, token in enumerate(self.tokens):
            place = (token.shard, token.id)
            written = [
                r for r in look.rows if (r["shard"], r["account"]) == place and r["seq"] > self._numbers[token.shard]
            ]
            expected = [row for row in rows if row.member == number]
            assert len(written) == len(expected), written
            for found, row in zip(written, expected, strict=True):
                row.compare(found)
        self._numbers = look.numbers
        self._compare_accounts(look.accounts)
        self._is_as_expected = True

    def _compare_accounts(self, accounts: list[dict[str, Any]]) -> None:
        for number, account in enumerate(accounts):
            expected = {**self.members[number], "points": points(self.members[number])}
            del expected["held_out"]
            assert account == expected, f"member {number}: {account}, not {expected}"
            assert account["points"] == sum(account["lots"].values())
            assert account["credit"] >= 0
            assert all(count > 0 for count in account["lots"].values())

    def unmoved(self) -> None:
        """Nothing was written and nothing moved."""
        look = self.bench.look(self.tokens, ())
        assert look.numbers == self._numbers
        self._compare_accounts(look.accounts)
