"""The state machine: every step that members, tills, time and the programme's owner can take, in any order.

To add a step: a function of `tests.ledger.model` that says what must happen, a method of `tests.ledger.run.Run` that
sends the message and hands both to `tell`, and a rule here.
"""

from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from adapters.postgres import draws
from switch.draws import Prize, PrizeKind
from switch.draws import Terms as DrawTerms
from tests.ledger.bench import Bench
from tests.ledger.comparing import MEMBERS, Sent
from tests.ledger.entries import PURCHASE, Wish
from tests.ledger.kept_back import HOLDS_MAX
from tests.ledger.run import Run
from tests.ledger.terms import DRAW, PROGRAMME, REWARDS, VERSIONS, Purchase, Terms

PROGRAMME_CHANGES_MAX = 2
RECENT = 3

workers = st.integers(0, 1)
members = st.sampled_from([0, 0, 1])
amounts = st.one_of(
    st.sampled_from([1, 9_999, 10_000, 499_999, 500_000, 1_000_000, 1_999_999, 2_000_000, 3_333_333, 6_000_000]),
    st.integers(1, 4_000_000),
)
shares = st.sampled_from(["all", "half", "third", "one", "beyond"])
wishes = st.sampled_from(["all", "half", "third", "one", "none", "beyond"])
hold_acts = st.sampled_from(
    ["all", "half", "third", "complete", "complete", "release", "end", "buy", "buy", "refund", "wait", "often"]
)
rewards = st.sampled_from([*REWARDS, "NOTHING"])
acts = st.sampled_from(["all", "half", "third", "one", "back", "back", "wait"])


def part_of(rest: int, share: str) -> int:
    """A share of what is there."""
    parts = {
        "all": rest,
        "half": max(1, rest // 2),
        "third": max(1, rest // 3),
        "one": 1,
        "beyond": rest + 1,
        "none": 0,
    }
    return parts.get(share, rest + 1)


def pick(names: str) -> st.SearchStrategy[Any]:
    """One of the run's messages, by the name of a method that lists those that will do; mostly one of the latest.

    What goes wrong goes wrong when several messages follow each other on the same original.
    """

    def choose(machine: "Ledger") -> st.SearchStrategy[Any]:
        found = getattr(machine.told, names)()[::-1]
        return st.sampled_from(found[:RECENT]) | st.sampled_from(found)

    return st.runner().flatmap(choose)


class Ledger(RuleBasedStateMachine):
    """A run of the machine."""

    bench: ClassVar[Bench]

    def __init__(self) -> None:
        super().__init__()
        self.told = Run(self.bench)
        self.changes = 0
        self.drawn = False

    def teardown(self) -> None:
        """Audit and replay of the run."""
        self.told.finish()

    @invariant()
    def nothing_is_below_zero(self) -> None:
        """I5, of the model: what the accounts were compared with."""
        for member in self.told.members.values():
            assert member["credit"] >= 0
            assert member["visits"] >= 0
            assert all(count > 0 for count in member["lots"].values())

    def _credit(self, member: int, wish: str) -> int:
        return part_of(self.told.standing(member).credit, wish)

    def _points(self, member: int, wish: str) -> int:
        return part_of(self.told.standing(member).points, wish)

    # What members buy.

    @initialize(amount=amounts, months=st.integers(0, 2))
    def begin(self, amount: int, months: int) -> None:
        """One has points of several months, the other nothing."""
        for _ in range(months):
            self.told.buy(0, 0, Purchase(amount))
            self.told.wait(31)

    @rule(
        worker=workers, member=members, amount=amounts, tea=st.sampled_from([None, None, 2, 3]),
        mti=st.sampled_from(["0200", "0200", "0201", "0220"]),
    )  # fmt: skip
    def buy(self, worker: int, member: int, amount: int, tea: int | None, mti: str) -> None:
        """A purchase; sometimes the first copy was lost on the way (0201), sometimes the till tells of it later."""
        self.told.buy(worker, member, Purchase(amount, tea=tea), Wish(advice=mti == "0220"), mti)

    @rule(worker=workers, member=members, amount=amounts)
    def have_hair_cut(self, worker: int, member: int, amount: int) -> None:
        """A purchase that brings a stamp, or is the free one."""
        self.told.buy(worker, member, Purchase(amount, "haircut"))

    @rule(worker=workers, member=members, amount=amounts, wish=st.none() | wishes, advice=st.booleans())
    def redeem(self, worker: int, member: int, amount: int, wish: str | None, advice: bool) -> None:
        """A purchase paid by points: all that go, or as many as are said."""
        points = None if wish is None else self._points(member, wish)
        self.told.buy(worker, member, Purchase(amount), Wish(points, by_points=True, advice=advice))

    @rule(worker=workers, member=members, amount=amounts, wish=st.none() | wishes, advice=st.booleans())
    def pay_by_credit(self, worker: int, member: int, amount: int, wish: str | None, advice: bool) -> None:
        """A purchase paid by club credit."""
        credit = None if wish is None else self._credit(member, wish)
        self.told.buy(worker, member, Purchase(amount), Wish(credit=credit, by_credit=True, advice=advice))

    @rule(worker=workers, member=members, amount=amounts, points=wishes, credit=wishes)
    def pay_by_both(self, worker: int, member: int, amount: int, points: str, credit: str) -> None:
        """A purchase in which so many points and so much credit are to go."""
        wish = Wish(self._points(member, points), self._credit(member, credit))
        self.told.buy(worker, member, Purchase(amount), wish)

    @rule(
        worker=workers, member=members, amount=amounts, tea=st.sampled_from([None, None, 1, 2]), reward=rewards,
        wish=st.none() | wishes, advice=st.booleans(), quoted=st.booleans(), times=st.sampled_from([1, 1, 2]),
    )  # fmt: skip
    def choose(
        self, worker: int, member: int, amount: int, tea: int | None, reward: str, wish: str | None, advice: bool,
        quoted: bool, times: int,
    ) -> None:  # fmt: skip
        """A purchase with which the member chooses a reward, or two; the till may ask beforehand what it comes to."""
        points = None if wish is None else self._points(member, wish)
        bought, wanted = Purchase(amount, tea=tea), Wish(points, advice=advice, reward=reward)
        if quoted:
            self.told.quote(worker, member, bought, Wish(points, reward=reward))
        for _ in range(times):
            self.told.buy(worker, member, bought, wanted)

    @rule(
        worker=workers, member=members, amount=amounts, tea=st.sampled_from([None, None, 3]),
        at_the_barber=st.booleans(), points=st.none() | wishes, credit=st.none() | wishes,
    )  # fmt: skip
    def quote(
        self, worker: int, member: int, amount: int, tea: int | None, at_the_barber: bool, points: str | None,
        credit: str | None,
    ) -> None:  # fmt: skip
        """A till asks what a purchase would come to."""
        wish = Wish(
            None if points is None else self._points(member, points),
            None if credit is None else self._credit(member, credit),
        )
        bought = Purchase(amount, "haircut") if at_the_barber else Purchase(amount, tea=tea)
        self.told.quote(worker, member, bought, wish)

    @rule(member=members, amount=amounts, times=st.integers(2, 4), by_points=st.booleans())
    def buy_at_once(self, member: int, amount: int, times: int, by_points: bool) -> None:
        """Purchases of one member at tills of both workers, at the same time: each sees the one before it.

        They are alike, so that it makes no difference which is first: a run must come to the same whenever it is tried.
        """
        wish = Wish(by_points=by_points)
        self.told.tell_at_once(
            [(number % 2, *self.told.purchase(member, Purchase(amount), wish)) for number in range(times)]
        )

    @rule(worker=workers, member=members, known=st.booleans())
    def happen(self, worker: int, member: int, known: bool) -> None:
        """An event without a purchase."""
        self.told.happen(worker, member, known=known)

    @rule(worker=workers, member=members)
    def ask_for_balance(self, worker: int, member: int) -> None:
        """An inquiry moves nothing, and counts no lot that is over."""
        self.told.ask_for_balance(worker, member)

    # What tills keep back.

    @rule(
        worker=workers, member=members, share=wishes, by_credit=st.booleans(), told=st.booleans(),
        mti=st.sampled_from(["0100", "0100", "0101"]),
    )  # fmt: skip
    def hold(self, worker: int, member: int, share: str, by_credit: bool, told: bool, mti: str) -> None:
        """A till keeps points or credit back: as much as DE48 says, or as the amount comes to."""
        wanted = self._credit(member, share) if by_credit else self._points(member, share)
        amount = max(1, wanted if by_credit else wanted * self.told.terms.value)
        wish = Wish(by_points=not by_credit, by_credit=by_credit)
        if told:
            amount, wish.points, wish.credit = 1, None if by_credit else wanted, wanted if by_credit else None
        self.told.hold(worker, member, amount, wish, mti)

    @precondition(lambda self: self.told.holds())
    @rule(
        worker=workers, held=pick("holds"), amount=amounts, kind=st.sampled_from(["points", "credit", "both"]),
        wish=st.none() | wishes, advice=st.booleans(), other=st.sampled_from([False, False, False, True]),
    )  # fmt: skip
    def complete(
        self, worker: int, held: Sent, amount: int, kind: str, wish: str | None, advice: bool, other: bool
    ) -> None:
        """The purchase that a hold was for, or one that names the hold of the other member."""
        member = 1 - held.entry.member if other else held.entry.member
        now = self.told.standing(member)
        points = None if wish is None or kind == "credit" else part_of(now.points + now.held_points, wish)
        credit = None if wish is None or kind == "points" else part_of(now.credit + now.held_credit, wish)
        paid = Wish(points, credit, by_points=kind == "points", by_credit=kind == "credit", advice=advice)
        self.told.buy(worker, member, Purchase(amount), paid, held=held)

    @precondition(lambda self: self.told.holds())
    @rule(worker=workers, held=pick("holds"), mti=st.sampled_from(["0400", "0420"]), kept=st.sampled_from([0, 0, 1]))
    def release(self, worker: int, held: Sent, mti: str, kept: int) -> None:
        """A hold that is not needed, whatever DE95 says of it; its second release hears the first one's reply."""
        if held.reversal is None:
            self.told.reverse(worker, held, kept, mti)
        else:
            self.told.reverse_again(worker, held)

    @rule(worker=workers, member=members, by_credit=st.booleans(), acts=st.lists(hold_acts, min_size=2, max_size=7))
    def keep_back(self, worker: int, member: int, by_credit: bool, acts: list[str]) -> None:
        """Holds of one member in a row, and what becomes of them while points go, come and lapse."""
        kind = Wish(by_points=not by_credit, by_credit=by_credit)
        for act in acts:
            mine = [s for s in self.told.holds() if s.entry.member == member]
            bought = [s for s in self.told.refundable() if s.entry.member == member]
            if act in ("all", "half", "third"):
                wanted = self._credit(member, act) if by_credit else self._points(member, act)
                self.told.hold(worker, member, max(1, wanted if by_credit else wanted * self.told.terms.value), kind)
            elif act == "often":
                for _ in range(HOLDS_MAX):
                    self.told.hold(worker, member, self.told.terms.value, Wish(by_points=True))
            elif act == "buy":
                self.told.buy(worker, member, Purchase(2_000_000))
            elif act == "wait":
                self.told.wait(31)
            elif act == "end" and self.told.open_holds():
                self.told.wait_until(min(self.told.open_holds()))
            elif act == "refund" and bought:
                self.told.refund(worker, bought[-1], part_of(bought[-1].entry.rest, "half"))
            elif act == "complete" and mine:
                self.told.buy(worker, member, Purchase(50_000), kind, held=mine[-1])
            elif act == "release" and mine and mine[-1].reversal is None:
                self.told.reverse(worker, mine[-1])

    @precondition(lambda self: self.told.open_holds())
    @rule(late=st.booleans())
    def let_a_hold_end(self, late: bool) -> None:
        """The next message comes in a hold's last second, or in the one after it."""
        self.told.wait_until(min(self.told.open_holds()) - (not late))

    # What is undone.

    @precondition(lambda self: self.told.refundable())
    @rule(worker=workers, original=pick("refundable"), share=shares)
    def refund(self, worker: int, original: Sent, share: str) -> None:
        """Bring something back, in parts or whole, or more than there is."""
        self.told.refund(worker, original, part_of(original.entry.rest, share))

    @precondition(lambda self: self.told.touched())
    @rule(worker=workers, original=pick("touched"), share=shares)
    def refund_more(self, worker: int, original: Sent, share: str) -> None:
        """Bring back more of what was brought back in part, or whose refund was taken back."""
        self.told.refund(worker, original, part_of(original.entry.rest, share))

    @precondition(lambda self: self.told.reversible())
    @rule(worker=workers, original=pick("reversible"), mti=st.sampled_from(["0400", "0401", "0420"]), kept=shares)
    def reverse(self, worker: int, original: Sent, mti: str, kept: str) -> None:
        """Take a message back, soon or late: all of it, or (DE95) what is above the amount that really happened."""
        in_part = original.entry.kind == PURCHASE and kept not in ("all", "one")
        self.told.reverse(worker, original, part_of(original.entry.rest, kept) if in_part else 0, mti)

    @precondition(lambda self: self.told.refunds())
    @rule(worker=workers, original=pick("refunds"))
    def reverse_refund(self, worker: int, original: Sent) -> None:
        """Take a refund back."""
        self.told.reverse(worker, original)

    @precondition(lambda self: self.told.transfers())
    @rule(worker=workers, original=pick("transfers"))
    def reverse_transfer(self, worker: int, original: Sent) -> None:
        """Take a transfer back."""
        self.told.reverse(worker, original)

    @precondition(lambda self: self.told.refundable())
    @rule(worker=workers, original=pick("refundable"), acts=st.lists(acts, min_size=2, max_size=6))
    def change_mind(self, worker: int, original: Sent, acts: list[str]) -> None:
        """Refunds of one purchase, some taken back, in a row, with months between them."""
        for act in acts:
            if original not in self.told.known():
                break
            if act == "wait":
                self.told.wait(31)
            elif act != "back":
                self.told.refund(worker, original, part_of(original.entry.rest, act))
            else:
                mine = [s for s in self.told.refunds() if s.entry.original is original.entry]
                for latest in mine[-1:]:
                    self.told.reverse(worker, latest)

    @precondition(lambda self: self.told.reversed())
    @rule(worker=workers, original=pick("reversed"))
    def reverse_again(self, worker: int, original: Sent) -> None:
        """Take something back for the second time."""
        self.told.reverse_again(worker, original)

    @rule(worker=workers, other=workers, member=members, amount=amounts, a_hold=st.booleans())
    def reverse_before_it_comes(self, worker: int, other: int, member: int, amount: int, a_hold: bool) -> None:
        """Take something back that comes later."""
        self.told.reverse_before_it_comes(worker, other, member, amount, a_hold=a_hold)

    # Copies.

    @precondition(lambda self: self.told.known())
    @rule(worker=workers, first=pick("known"))
    def repeat(self, worker: int, first: Sent) -> None:
        """Send a message again, to either worker."""
        self.told.repeat(worker, first)

    @precondition(lambda self: self.told.known())
    @rule(worker=workers, first=pick("known"))
    def forge(self, worker: int, first: Sent) -> None:
        """Send something else under the key of a message."""
        self.told.forge(worker, first)

    # Points that change hands.

    @rule(worker=workers, giver=members, wish=wishes)
    def transfer(self, worker: int, giver: int, wish: str) -> None:
        """Points to the other member."""
        self.told.transfer(worker, giver, self._points(giver, wish))

    @rule(worker=workers, member=members, wish=wishes)
    def convert(self, worker: int, member: int, wish: str) -> None:
        """Points into credit."""
        self.told.convert(worker, member, self._points(member, wish))

    # What happens around them.

    @rule(days=st.sampled_from([1, 1, 2, 3, 13, 14, 20, 31, 70]))
    def wait(self, days: int) -> None:
        """Days pass, at times so many that points expire."""
        self.told.wait(days)

    @rule(step=st.sampled_from(["end of the month", "tier year", "tier year", "grace"]), before=st.booleans())
    def wait_for_the_calendar(self, step: str, before: bool) -> None:
        """The last day on which something still is as it was, or the first one on which it isn't."""
        self.told.wait_for(step, days_before=int(before))

    @rule(member=members)
    def keep_up(self, member: int) -> None:
        """The upkeep job comes by."""
        self.told.tell_upkeep(member)

    @precondition(lambda self: self.changes < PROGRAMME_CHANGES_MAX)
    @rule(terms=st.sampled_from(VERSIONS), really=st.sampled_from([False, False, True]))
    def change_programme(self, terms: Terms, really: bool) -> None:
        """Another version goes live, by maker and checker. Not often: it takes as long as ten messages."""
        if really and terms is not self.told.terms:
            self.bench.change_programme(terms)
            self.changes += 1

    @precondition(lambda self: not self.drawn and any(self.told.tickets().values()))
    @rule(prizes=st.integers(1, 2))
    def draw(self, prizes: int) -> None:
        """The draw is closed with the tickets of this moment and revealed by another; no account moves."""
        self.drawn = True
        terms = DrawTerms(tuple(Prize(PrizeKind.POINTS, 1_000) for _ in range(prizes)), repeat=True)
        try:
            self.bench.run(draws.close(self.bench.url, PROGRAMME, DRAW, terms, user="sara"))
            rows = self.bench.rows("SELECT shard, account, last - first + 1 AS tickets FROM draw_ticket")
            held = {(row["shard"], row["account"]): row["tickets"] for row in rows}
            places = [(token.shard, token.id) for token in self.told.tokens]
            assert {number: held.get(places[number], 0) for number in range(MEMBERS)} == self.told.tickets()
            drawn, is_new = self.bench.run(draws.reveal(self.bench.url, PROGRAMME, DRAW, user="reza"))
            assert is_new
            assert [prize.state for prize in drawn.prizes] == [draws.OWED] * prizes
            assert sum(held.values()) == drawn.announced.tickets
        finally:
            # A draw is closed once, and the next run must find it open.
            for table in ("draw_prize", "draw_ticket", "draw"):
                self.bench.rows(f"DELETE FROM {table}")
        self.told.unmoved()
