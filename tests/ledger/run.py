"""One run: members with fresh cards, the messages they send, and the comparison of everything with the model."""

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

from protocol.message import Message
from tests.ledger import model
from tests.ledger.bench import Bench
from tests.ledger.checks import audit_run, replay_run
from tests.ledger.model import APPROVED, Entry, Legs, Moment, Wish
from tests.ledger.terms import CHECK_IN, LIFE, PLAIN, TICKETS, Purchase, Terms
from tests.wire.running import changed, message, original_of
from tests.wire.stories import AT_THE_BARBER, TEHRAN, Reply

START = dt.datetime(2027, 1, 10, 12, 0, tzinfo=TEHRAN)
MEMBERS = 2
STILL_NAMED = dt.timedelta(days=170)
"""DE7 has no year: DE90 names nothing that is half a year old."""
MONTHS_FROM = 2000
NOTHING: Legs = dict.fromkeys(model.LEGS, 0)

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

    def __init__(self, member: int, code: str, legs: Legs, state: model.Member, now: Moment) -> None:
        self.member = member
        self.code = code
        self.legs = legs
        self.after = (model.live_points(state, now), state["credit"]) if legs and code == APPROVED else None

    def compare(self, row: dict[str, Any]) -> None:
        """The row must have these legs, and these balances after them."""
        assert row["rc"] == self.code, row
        for leg in model.LEGS if self.after else model.LEGS[:-1]:
            assert row[leg] == self.legs.get(leg, 0), f"{leg}: {row[leg]}, not {self.legs.get(leg, 0)}: {row}"
        if self.after:
            assert (row["points_after"], row["credit_after"]) == self.after, row


def key_of(sent: Message) -> int:
    """The key under which the journal has a message."""
    return int(str(sent.fields[7])) * 1_000_000 + int(str(sent.fields[11]))


def tlv(tag: str, value: object) -> str:
    """An element of DE48 or DE63."""
    return f"{tag}{len(str(value)):03d}{value}"


class Run:
    """What happens to two members, in the ledger and in the model."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        bench.clock.now = START
        bench.change_programme(PLAIN)
        self.pans = [bench.new_card() for _ in range(MEMBERS)]
        self.tokens = [bench.token(pan) for pan in self.pans]
        self.members = {number: model.new_member() for number in range(MEMBERS)}
        self.sent: list[Sent] = []
        self._numbers = bench.look(self.tokens, ()).numbers
        self._first_numbers = dict(self._numbers)

    def finish(self) -> None:
        """The audit and the replay of the run's rows (I1 to I6, I8, I9)."""
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
        return Moment((now.date() - dt.date(1970, 1, 1)).days, month, now.weekday())

    def wait(self, days: int) -> None:
        """Let days pass."""
        self.bench.clock.now += dt.timedelta(days=days)

    def points(self, member: int) -> int:
        """Points that may be spent."""
        return model.live_points(self.members[member], self.now)

    def tickets(self) -> dict[int, int]:
        """Tickets of each member."""
        return {number: member["counters"].get(TICKETS, (LIFE, 0))[1] for number, member in self.members.items()}

    # What later messages can name.

    def known(self) -> list[Sent]:
        """What DE90 or a repeat can name."""
        return [s for s in self.sent if self.bench.clock.now - s.at < STILL_NAMED]

    def refundable(self) -> list[Sent]:
        """Purchases, also declined ones; last those that were paid by points, as more can go wrong with them."""
        found = [s for s in self.known() if s.entry.kind == model.PURCHASE]
        return sorted(found, key=lambda s: s.entry.legs.get("points_redeemed", 0) > 0)

    def touched(self) -> list[Sent]:
        """Purchases of which something was undone before."""
        return [s for s in self.refundable() if s.entry.is_touched]

    def reversible(self) -> list[Sent]:
        """What was not reversed yet."""
        return [s for s in self.known() if s.reversal is None and s.entry.kind != model.REVERSAL]

    def refunds(self) -> list[Sent]:
        """Approved refunds, not reversed yet."""
        return [s for s in self.reversible() if s.entry.kind == model.REFUND and s.entry.code == APPROVED]

    def transfers(self) -> list[Sent]:
        """Approved transfers, not reversed yet."""
        return [s for s in self.reversible() if s.entry.kind == model.TRANSFER and s.entry.code == APPROVED]

    def reversed(self) -> list[Sent]:
        """What was reversed."""
        return [s for s in self.known() if s.reversal is not None]

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
        entry = made()
        heard = self.bench.ask(worker, sent)
        done = self._heard(entry, sent, heard)
        self._compare([sent], self._rows(entry))
        return done

    def tell_at_once(self, told: Sequence[tuple[int, Message, Made]]) -> None:
        """Send messages to the workers without waiting; they are decided in the order of their numbers."""
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
        self._compare([sent for _, sent, _ in told], rows)

    def _heard(self, entry: Entry, sent: Message, heard: Message) -> Sent:
        reply = Reply(sent, heard)
        assert reply.code == entry.code, f"{entry}: DE39 {reply.code} {reply.reason}, not {entry.code}"
        if reply.code == APPROVED:
            legs = entry.legs
            told = {
                "PB": self.points(entry.member),
                "CB": self.members[entry.member]["credit"],
                "PE": legs["points_earned"],
                "PR": legs["points_redeemed"],
                "CG": legs["credit_granted"],
                "CS": legs["credit_spent"],
                "DS": legs["discount"],
            }
            assert {tag: reply.number(tag) for tag in told} == told
            if entry.kind == model.PURCHASE:
                assert reply.to_pay == legs["to_pay"]
        done = Sent(entry, sent, heard, self.bench.clock.now)
        self.sent.append(done)
        return done

    # Comparisons.

    def _rows(self, entry: Entry) -> list[Row]:
        rows = [Row(entry.member, entry.code, entry.legs, self.members[entry.member], self.now)]
        if entry.receiver >= 0 and entry.code == APPROVED:
            moved = -entry.legs["points_adjusted"]
            legs = {**NOTHING, "points_adjusted": moved, "points_expired": entry.undone["points_expired"]}
            rows.append(Row(entry.receiver, APPROVED, legs, self.members[entry.receiver], self.now))
        return rows

    def _compare(self, messages: Sequence[Message], rows: Sequence[Row]) -> None:
        """One row for each effect, numbered on without a gap, with the model's legs; and the accounts (I1 to I7)."""
        look = self.bench.look(self.tokens, [key_of(m) for m in messages])
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

    def _compare_accounts(self, accounts: list[dict[str, Any]]) -> None:
        for number, account in enumerate(accounts):
            expected = {**self.members[number], "points": model.points(self.members[number])}
            assert account == expected, f"member {number}: {account}, not {expected}"
            assert account["points"] == sum(account["lots"].values())
            assert account["credit"] >= 0
            assert all(count > 0 for count in account["lots"].values())

    def unmoved(self) -> None:
        """Nothing was written and nothing moved."""
        look = self.bench.look(self.tokens, ())
        assert look.numbers == self._numbers
        self._compare_accounts(look.accounts)

    # What members and tills do.

    def purchase(self, member: int, bought: Purchase, wish: Wish, mti: str = "0200") -> tuple[Message, Made]:
        """A purchase, and what the model makes of it."""
        wanted = [(tag, value) for tag, value in (("PT", wish.points), ("CR", wish.credit)) if value is not None]
        more = {"de48": "".join(tlv(tag, value) for tag, value in wanted)} if wanted else {}
        if bought.tea is not None:
            more["de63"] = tlv("LI", f"TEA;tea;{bought.tea};{bought.amount}")
        if bought.category == "haircut":
            more |= AT_THE_BARBER
        code = "006000" if wish.by_points else "006500" if wish.by_credit else "000000"
        sent = self.message("0220" if wish.advice else mti, code, member, bought.amount, **more)
        return sent, lambda: model.purchase(self.members[member], member, self.terms, bought, wish, self.now)

    def buy(self, worker: int, member: int, bought: Purchase, wish: Wish | None = None, mti: str = "0200") -> Sent:
        """Send a purchase."""
        return self.tell(worker, *self.purchase(member, bought, wish or Wish(), mti))

    def happen(self, worker: int, member: int, *, known: bool) -> Sent:
        """Send an event that the programme knows, or one that it doesn't."""
        sent = self.message("0200", "950000", member, 0, de48=tlv("EV", CHECK_IN if known else "nothing"))
        return self.tell(worker, sent, lambda: model.event(self.members[member], member, self.terms, known, self.now))

    def ask_for_balance(self, worker: int, member: int) -> Sent:
        """Send an inquiry."""
        sent = self.message("0100", "310000", member, 0)
        return self.tell(worker, sent, lambda: Entry(model.INQUIRY, member, 0, legs=dict(NOTHING)))

    def refund(self, worker: int, original: Sent, amount: int) -> Sent:
        """Bring something back."""
        member = original.entry.member
        sent = self.message("0200", "200000", member, amount, de90=original_of(original.message))
        return self.tell(worker, sent, lambda: model.refund(self.members[member], original.entry, amount, self.now))

    def reverse(self, worker: int, original: Sent, kept: int = 0, mti: str = "0400") -> Sent:
        """Take a message back, but for what was kept (DE95)."""
        entry = original.entry
        more = {"de95": f"{kept:012d}{0:012d}C00000000C00000000"} if kept else {}
        sent = self.message(mti, "000000", entry.member, 0, de90=original_of(original.message), **more)

        def made() -> Entry:
            if entry.kind == model.TRANSFER and entry.code == APPROVED:
                return model.reverse_transfer(self.members, entry, self.now)
            return model.reverse(self.members[entry.member], entry, kept, self.now)

        done = self.tell(worker, sent, made)
        if done.entry.code == APPROVED:
            original.reversal = done.heard
        return done

    def reverse_again(self, worker: int, original: Sent) -> None:
        """A second reversal gets the reply of the first, and moves nothing."""
        member, first = original.entry.member, original.reversal
        assert first is not None
        sent = self.message("0400", "000000", member, 0, de90=original_of(original.message))
        heard = self.bench.ask(worker, sent)
        for number in (38, 39, 54, 62):
            assert heard.fields.get(number) == first.fields.get(number)
        self._compare([sent], [Row(member, APPROVED, {}, self.members[member], self.now)])

    def reverse_before_it_comes(self, worker: int, other: int, member: int, amount: int) -> None:
        """A reversal overtakes its purchase, which is refused when it comes."""
        late = self.message("0200", "000000", member, amount)
        sent = self.message("0400", "000000", member, 0, de90=original_of(late))
        assert self.bench.ask(worker, sent).fields[39] == APPROVED
        state = self.members[member]
        reversal = Row(member, APPROVED, dict(NOTHING), state, self.now)
        self._compare([sent, late], [reversal, Row(member, model.INVALID, {}, state, self.now)])
        assert self.bench.ask(other, late).fields[39] == model.INVALID
        self.unmoved()

    def repeat(self, worker: int, first: Sent) -> None:
        """A repeat gets the first one's reply, byte for byte but for its MTI."""
        heard = self.bench.ask(worker, changed(first.message, first.message.mti[:3] + "1"))
        codec = self.bench.tills[worker].codec
        assert codec.encode(heard) == codec.encode(first.heard)
        self.unmoved()

    def forge(self, worker: int, first: Sent) -> None:
        """The same key with other content is refused."""
        amount = int(str(first.message.fields[4])) + 1
        heard = self.bench.ask(worker, changed(first.message, de4=f"{amount:012d}"))
        assert heard.fields[39] == model.OTHER_CONTENT
        self.unmoved()

    def transfer(self, worker: int, giver: int, count: int) -> Sent:
        """Points to the other member."""
        receiver = 1 - giver
        sent = self.message("0200", "400000", giver, 0, de48=tlv("PT", count), de103=self.pans[receiver])
        return self.tell(worker, sent, lambda: model.transfer(self.members, giver, receiver, count, self.now))

    def convert(self, worker: int, member: int, count: int) -> Sent:
        """Points into credit."""
        sent = self.message("0200", "406065", member, 0, de48=tlv("PT", count))
        return self.tell(worker, sent, lambda: model.convert(self.members[member], member, self.terms, count, self.now))
