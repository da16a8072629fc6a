"""The state machine: members, two workers, and every message in any order, each step compared with the model.

To add a step: a function of `tests.ledger.model` that says what must happen, and a rule here that sends the message and
hands both to `_settle`.
"""

import datetime as dt
from collections.abc import Iterable
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from adapters.postgres import draws
from protocol.message import Message
from switch.draws import Prize, PrizeKind
from switch.draws import Terms as DrawTerms
from tests.ledger import model
from tests.ledger.bench import Bench
from tests.ledger.checks import audit_run, replay_run
from tests.ledger.model import APPROVED, Entry, Moment, Wish
from tests.ledger.terms import CHECK_IN, DRAW, PLAIN, PROGRAMME, TICKETS, VERSIONS, LIFE, Purchase, Terms
from tests.wire.running import changed, message, original_of
from tests.wire.stories import AT_THE_BARBER, TEHRAN, Reply

START = dt.datetime(2027, 1, 10, 12, 0, tzinfo=TEHRAN)
MEMBERS = 2
STILL_NAMED = dt.timedelta(days=170)
"""DE7 has no year: DE90 names nothing that is half a year old."""
PROGRAMME_CHANGES_MAX = 2
MONTHS_FROM = 2000

workers = st.integers(0, 1)
members = st.integers(0, MEMBERS - 1)
amounts = st.one_of(
    st.sampled_from([1, 99_999, 100_000, 499_999, 500_000, 1_000_000, 1_999_999, 2_000_000, 3_333_333, 6_000_000]),
    st.integers(1, 4_000_000),
)
counts = st.one_of(st.integers(0, 12), st.integers(0, 150))
shares = st.sampled_from(["all", "half", "third", "one", "beyond"])


def part_of(rest: int, share: str) -> int:
    """An amount by its share of what is left."""
    parts = {"all": rest, "half": max(1, rest // 2), "third": max(1, rest // 3), "one": 1, "beyond": rest + 1}
    return parts[share]


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


RECENT = 3


def pick(names: str) -> st.SearchStrategy[Any]:
    """One of the run's messages, by the name of a method that lists those that will do; mostly one of the latest.

    What goes wrong goes wrong when several messages follow each other on the same original.
    """

    def choose(machine: "Ledger") -> st.SearchStrategy[Any]:
        found = getattr(machine, names)()[::-1]
        return st.sampled_from(found[:RECENT]) | st.sampled_from(found)

    return st.runner().flatmap(choose)


class Ledger(RuleBasedStateMachine):
    """A run: two members with fresh cards, a till that no other message used, and what happens to them."""

    bench: ClassVar[Bench]

    def __init__(self) -> None:
        super().__init__()
        self.bench.clock.now = START
        self.bench.change_programme(PLAIN)
        self.pans = [self.bench.new_card() for _ in range(MEMBERS)]
        self.tokens = [self.bench.token(pan) for pan in self.pans]
        self.members = {number: model.new_member() for number in range(MEMBERS)}
        self.sent: list[Sent] = []
        self.numbers = self.bench.look(self.tokens, ()).numbers
        self.first_numbers = dict(self.numbers)
        self.changes = 0
        self.drawn = False

    # What the model and the switch agree on.

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

    def known(self) -> list[Sent]:
        """What DE90 or a repeat can name."""
        return [s for s in self.sent if self.bench.clock.now - s.at < STILL_NAMED]

    def refundable(self) -> list[Sent]:
        """Purchases, also declined ones."""
        return [s for s in self.known() if s.entry.kind == model.PURCHASE]

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

    def _message(self, mti: str, code: str, member: int, amount: int, **more: str) -> Message:
        """A message of now; a second later it is another now."""
        self.bench.clock.now += dt.timedelta(seconds=1)
        moment = self.bench.clock.now.astimezone(dt.UTC)
        return message(
            mti, code, pan=self.pans[member], amount=amount, stan=self.bench.stan(), de7=f"{moment:%m%d%H%M%S}", **more
        )

    def _settle(self, entry: Entry, sent: Message, heard: Message, *, keys: Iterable[Message] = ()) -> Sent:
        """The reply, the journal and the accounts must be as the model has them. Returns the message to remember."""
        reply = Reply(sent, heard)
        assert reply.code == entry.code, f"{entry}: DE39 {reply.code} {reply.reason}, not {entry.code}"
        if reply.code == APPROVED and entry.legs:
            self._compare_reply(entry, reply)
        done = Sent(entry, sent, heard, self.bench.clock.now)
        self._compare_rows(entry, [sent, *keys])
        return done

    def _compare_reply(self, entry: Entry, reply: Reply) -> None:
        member, legs = self.members[entry.member], entry.legs
        told = {
            "PB": model.live_points(member, self.now),
            "CB": member["credit"],
            "PE": legs["points_earned"],
            "PR": legs["points_redeemed"],
            "CG": legs["credit_granted"],
            "CS": legs["credit_spent"],
            "DS": legs["discount"],
        }
        assert {tag: reply.number(tag) for tag in told} == told
        if entry.kind == model.PURCHASE:
            assert reply.to_pay == legs["to_pay"]

    def _compare_rows(self, entry: Entry, messages: list[Message]) -> None:
        """One row for each effect, numbered on without a gap, with the legs of the model; and the accounts (I1 to I7)."""
        keys = [int(str(m.fields[7])) * 1_000_000 + int(str(m.fields[11])) for m in messages]
        look = self.bench.look(self.tokens, keys)
        written = [row for row in look.rows if row["seq"] > self.numbers[row["shard"]]]
        expected = self._expected_rows(entry, tombstone=len(messages) > 1)
        assert len(written) == len(expected), written
        taken = sum(look.numbers[shard] - self.numbers[shard] for shard in look.numbers)
        assert taken == len(written), "a number was given out for nothing"
        for row, (account, code, legs) in zip(sorted(written, key=self._order), expected, strict=True):
            token = self.tokens[account]
            assert (row["shard"], row["account"], row["rc"]) == (token.shard, token.id, code), row
            for leg in model.LEGS if code == APPROVED and legs else model.LEGS[:-1]:
                assert row[leg] == legs.get(leg, 0), f"{leg}: {row[leg]}, not {legs.get(leg, 0)}: {row}"
            if code == APPROVED and legs:
                assert row["points_after"] == model.live_points(self.members[account], self.now)
                assert row["credit_after"] == self.members[account]["credit"]
        self.numbers = look.numbers
        self._compare_accounts(look.accounts)

    def _compare_accounts(self, accounts: list[dict[str, Any]]) -> None:
        for number, account in enumerate(accounts):
            member = self.members[number]
            expected = {**member, "points": model.points(member)}
            assert account == expected, f"member {number}: {account}, not {expected}"
            assert account["points"] == sum(account["lots"].values())
            assert account["credit"] >= 0
            assert all(count > 0 for count in account["lots"].values())

    @staticmethod
    def _order(row: dict[str, Any]) -> tuple[int, bool, int]:
        """The message's own row first, then the receiver's, then the tombstone."""
        return row["class"] in (8, 9), row["fingerprint"] == 0, row["seq"]

    @staticmethod
    def _expected_rows(entry: Entry, *, tombstone: bool) -> list[tuple[int, str, model.Legs]]:
        rows = [(entry.member, entry.code, entry.legs)]
        if entry.receiver >= 0 and entry.code == APPROVED:
            moved = -entry.legs["points_adjusted"]
            other = {"points_adjusted": moved, "points_expired": entry.undone["points_expired"]}
            rows.append((entry.receiver, APPROVED, {**dict.fromkeys(model.LEGS, 0), **other}))
        if tombstone:
            rows.append((entry.member, model.INVALID, {}))
        return rows

    def _unmoved(self, asked: Message) -> None:
        """Nothing was written and nothing moved."""
        look = self.bench.look(self.tokens, ())
        assert look.numbers == self.numbers, asked
        self._compare_accounts(look.accounts)

    # Steps: what members buy.

    @initialize(amount=amounts, other=amounts)
    def begin(self, amount: int, other: int) -> None:
        """Both have something."""
        self._buy(0, 0, Purchase(amount), Wish())
        self._buy(1, 1, Purchase(other), Wish())

    @rule(
        worker=workers, member=members, amount=amounts, tea=st.sampled_from([None, None, 2, 3]), mti=st.sampled_from(
            ["0200", "0200", "0201", "0220"]
        ),
    )  # fmt: skip
    def buy(self, worker: int, member: int, amount: int, tea: int | None, mti: str) -> None:
        """A purchase; sometimes the first copy was lost on the way (0201), sometimes the till tells of it later."""
        self._buy(worker, member, Purchase(amount, tea=tea), Wish(advice=mti == "0220"), mti)

    @rule(worker=workers, member=members, amount=amounts)
    def have_hair_cut(self, worker: int, member: int, amount: int) -> None:
        """A purchase that brings a stamp, or is the free one."""
        self._buy(worker, member, Purchase(amount, "haircut"), Wish())

    @rule(worker=workers, member=members, amount=amounts, points=st.none() | counts, advice=st.booleans())
    def redeem(self, worker: int, member: int, amount: int, points: int | None, advice: bool) -> None:
        """A purchase paid by points: all that go, or as many as are said."""
        self._buy(worker, member, Purchase(amount), Wish(points, by_points=True, advice=advice))

    @rule(worker=workers, member=members, amount=amounts, credit=st.none() | amounts, advice=st.booleans())
    def pay_by_credit(self, worker: int, member: int, amount: int, credit: int | None, advice: bool) -> None:
        """A purchase paid by club credit."""
        self._buy(worker, member, Purchase(amount), Wish(credit=credit, by_credit=True, advice=advice))

    @rule(worker=workers, member=members, amount=amounts, points=counts, credit=amounts)
    def pay_by_both(self, worker: int, member: int, amount: int, points: int, credit: int) -> None:
        """A purchase in which so many points and so much credit are to go."""
        self._buy(worker, member, Purchase(amount), Wish(points, credit))

    def _buy(self, worker: int, member: int, bought: Purchase, wish: Wish, mti: str = "0200") -> Sent:
        sent = self._purchase_message(member, bought, wish, mti)
        entry = model.purchase(self.members[member], member, self.terms, bought, wish, self.now)
        done = self._settle(entry, sent, self.bench.ask(worker, sent))
        self.sent.append(done)
        return done

    def _purchase_message(self, member: int, bought: Purchase, wish: Wish, mti: str) -> Message:
        said = "".join(
            f"{tag}{len(str(value)):03d}{value}" for tag, value in (("PT", wish.points), ("CR", wish.credit))
            if value is not None
        )  # fmt: skip
        more = {"de48": said} if said else {}
        if bought.tea is not None:
            line = f"TEA;tea;{bought.tea};{bought.amount}"
            more["de63"] = f"LI{len(line):03d}{line}"
        if bought.category == "haircut":
            more |= AT_THE_BARBER
        code = "006000" if wish.by_points else "006500" if wish.by_credit else "000000"
        return self._message("0220" if wish.advice else mti, code, member, bought.amount, **more)

    @rule(worker=workers, member=members, known=st.booleans())
    def happen(self, worker: int, member: int, known: bool) -> None:
        """An event without a purchase."""
        code = CHECK_IN if known else "nothing"
        sent = self._message("0200", "950000", member, 0, de48=f"EV{len(code):03d}{code}")
        entry = model.event(self.members[member], member, self.terms, known, self.now)
        self.sent.append(self._settle(entry, sent, self.bench.ask(worker, sent)))

    @rule(worker=workers, member=members)
    def ask_for_balance(self, worker: int, member: int) -> None:
        """An inquiry moves nothing, and counts no lot that is over."""
        sent = self._message("0100", "310000", member, 0)
        legs = dict.fromkeys(model.LEGS, 0)
        entry = Entry(model.INQUIRY, member, 0, legs=legs)
        self._settle(entry, sent, self.bench.ask(worker, sent))

    # Steps: what is undone.

    @precondition(lambda self: self.refundable())
    @rule(worker=workers, original=pick("refundable"), share=shares)
    def refund(self, worker: int, original: Sent, share: str) -> None:
        """Bring something back, in parts or whole, or more than there is."""
        self._refund(worker, original, share)

    @precondition(lambda self: self.touched())
    @rule(worker=workers, original=pick("touched"), share=shares)
    def refund_more(self, worker: int, original: Sent, share: str) -> None:
        """Bring back more of what was brought back in part, or whose refund was taken back."""
        self._refund(worker, original, share)

    def _refund(self, worker: int, original: Sent, share: str) -> None:
        entry = original.entry
        amount = part_of(entry.rest, share)
        sent = self._message("0200", "200000", entry.member, amount, de90=original_of(original.message))
        refunded = model.refund(self.members[entry.member], entry, amount, self.now)
        self.sent.append(self._settle(refunded, sent, self.bench.ask(worker, sent)))

    @precondition(lambda self: self.reversible())
    @rule(worker=workers, original=pick("reversible"), mti=st.sampled_from(["0400", "0401", "0420"]), kept=shares)
    def reverse(self, worker: int, original: Sent, mti: str, kept: str) -> None:
        """Take a message back, soon or late: all of it, or (DE95) what is above the amount that really happened."""
        self._reverse(worker, original, mti, kept)

    @precondition(lambda self: self.refunds())
    @rule(worker=workers, original=pick("refunds"))
    def reverse_refund(self, worker: int, original: Sent) -> None:
        """Take a refund back."""
        self._reverse(worker, original, "0400", "all")

    @precondition(lambda self: self.transfers())
    @rule(worker=workers, original=pick("transfers"))
    def reverse_transfer(self, worker: int, original: Sent) -> None:
        """Take a transfer back."""
        self._reverse(worker, original, "0400", "all")

    def _reverse(self, worker: int, original: Sent, mti: str, kept: str) -> None:
        entry = original.entry
        more = {}
        left = part_of(entry.rest, kept) if entry.kind == model.PURCHASE and kept not in ("all", "one") else 0
        if left:
            more["de95"] = f"{left:012d}{0:012d}C00000000C00000000"
        sent = self._message(mti, "000000", entry.member, 0, de90=original_of(original.message), **more)
        if entry.kind == model.TRANSFER and entry.code == APPROVED:
            undone = model.reverse_transfer(self.members, entry, self.now)
        else:
            undone = model.reverse(self.members[entry.member], entry, left, self.now)
        heard = self.bench.ask(worker, sent)
        self.sent.append(self._settle(undone, sent, heard))
        if undone.code == APPROVED:
            original.reversal = heard

    @precondition(lambda self: self.reversed())
    @rule(worker=workers, original=pick("reversed"))
    def reverse_again(self, worker: int, original: Sent) -> None:
        """A second reversal gets the reply of the first, and moves nothing."""
        first = original.reversal
        assert first is not None
        sent = self._message("0400", "000000", original.entry.member, 0, de90=original_of(original.message))
        heard = self.bench.ask(worker, sent)
        for number in (38, 39, 54, 62):
            assert heard.fields.get(number) == first.fields.get(number)
        entry = Entry(model.REVERSAL, original.entry.member, 0)
        self._compare_rows(entry, [sent])

    @rule(worker=workers, other=workers, member=members, amount=amounts)
    def reverse_before_it_comes(self, worker: int, other: int, member: int, amount: int) -> None:
        """A reversal overtakes its purchase, which is refused when it comes."""
        late = self._message("0200", "000000", member, amount)
        sent = self._message("0400", "000000", member, 0, de90=original_of(late))
        entry = Entry(model.REVERSAL, member, 0, legs=dict.fromkeys(model.LEGS, 0))
        self._settle(entry, sent, self.bench.ask(worker, sent), keys=[late])
        assert self.bench.ask(other, late).fields[39] == model.INVALID
        self._unmoved(late)

    # Steps: copies.

    @precondition(lambda self: self.known())
    @rule(worker=workers, first=pick("known"))
    def repeat(self, worker: int, first: Sent) -> None:
        """A repeat gets the first one's reply, byte for byte but for its MTI."""
        mti = first.message.mti[:3] + "1"
        heard = self.bench.ask(worker, changed(first.message, mti))
        codec = self.bench.tills[0].codec
        assert codec.encode(heard)[4:] == codec.encode(first.heard)[4:]
        self._unmoved(first.message)

    @precondition(lambda self: self.known())
    @rule(worker=workers, first=pick("known"))
    def forge(self, worker: int, first: Sent) -> None:
        """The same key with other content is refused."""
        amount = int(str(first.message.fields[4])) + 1
        heard = self.bench.ask(worker, changed(first.message, de4=f"{amount:012d}"))
        assert heard.fields[39] == model.OTHER_CONTENT
        self._unmoved(first.message)

    # Steps: points that change hands.

    @rule(worker=workers, giver=members, count=counts)
    def transfer(self, worker: int, giver: int, count: int) -> None:
        """Points to the other member."""
        receiver = 1 - giver
        sent = self._message(
            "0200", "400000", giver, 0, de48=f"PT{len(str(count)):03d}{count}", de103=self.pans[receiver]
        )
        entry = model.transfer(self.members, giver, receiver, count, self.now)
        self.sent.append(self._settle(entry, sent, self.bench.ask(worker, sent)))

    @rule(worker=workers, member=members, count=counts)
    def convert(self, worker: int, member: int, count: int) -> None:
        """Points into credit."""
        sent = self._message("0200", "406065", member, 0, de48=f"PT{len(str(count)):03d}{count}")
        entry = model.convert(self.members[member], member, self.terms, count, self.now)
        self.sent.append(self._settle(entry, sent, self.bench.ask(worker, sent)))

    # Steps: what happens around them.

    @rule(days=st.sampled_from([1, 1, 3, 20, 31, 70]))
    def wait(self, days: int) -> None:
        """Days pass, at times so many that points expire."""
        self.bench.clock.now += dt.timedelta(days=days)

    @precondition(lambda self: self.changes < PROGRAMME_CHANGES_MAX)
    @rule(terms=st.sampled_from(VERSIONS), really=st.sampled_from([False, False, True]))
    def change_programme(self, terms: Terms, really: bool) -> None:
        """Another version goes live, by maker and checker."""
        if really and terms is not self.terms:
            self.bench.change_programme(terms)
            self.changes += 1

    @precondition(lambda self: not self.drawn and any(self._tickets().values()))
    @rule(prizes=st.integers(1, 2))
    def draw(self, prizes: int) -> None:
        """The draw is closed with the tickets of this moment and revealed by another; no account moves."""
        self.drawn = True
        terms = DrawTerms(tuple(Prize(PrizeKind.POINTS, 1_000) for _ in range(prizes)), repeat=True)
        try:
            self.bench.run(draws.close(self.bench.url, PROGRAMME, DRAW, terms, user="sara"))
            rows = self.bench.rows("SELECT shard, account, last - first + 1 AS tickets FROM draw_ticket")
            held = {(row["shard"], row["account"]): row["tickets"] for row in rows}
            mine = {member: held.get((token.shard, token.id), 0) for member, token in enumerate(self.tokens)}
            assert mine == self._tickets()
            drawn, fresh = self.bench.run(draws.reveal(self.bench.url, PROGRAMME, DRAW, user="reza"))
            assert fresh
            assert [prize.state for prize in drawn.prizes] == [draws.OWED] * prizes
            assert sum(held.values()) == drawn.announced.tickets
            winners = self.bench.rows("SELECT ticket, winner FROM draw_prize")
            assert all(row["winner"] <= row["ticket"] <= drawn.announced.tickets for row in winners)
        finally:
            # A draw is closed once. The next run must find it open.
            for table in ("draw_prize", "draw_ticket", "draw"):
                self.bench.rows(f"DELETE FROM {table}")
        look = self.bench.look(self.tokens, ())
        assert look.numbers == self.numbers
        self._compare_accounts(look.accounts)

    def _tickets(self) -> dict[int, int]:
        return {number: member["counters"].get(TICKETS, (LIFE, 0))[1] for number, member in self.members.items()}

    @invariant()
    def nothing_is_below_zero(self) -> None:
        """I5, of the model: what the accounts are compared with."""
        for member in self.members.values():
            assert member["credit"] >= 0
            assert member["visits"] >= 0
            assert all(count > 0 for count in member["lots"].values())

    def teardown(self) -> None:
        """At the end of a run the audit and the replay of its members' rows (I1 to I9)."""
        span = {shard: (self.first_numbers[shard], number) for shard, number in self.numbers.items()}
        broken = self.bench.run(audit_run(self.bench.url, self.tokens, span))
        assert not broken, broken
        different = self.bench.run(replay_run(self.bench.replayer, self.tokens))
        assert not different, different
