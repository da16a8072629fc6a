"""The steps of tills that ask before they sell: quotes, and holds with what becomes of them."""

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.ledger.comparing import Sent
from tests.ledger.entries import Wish
from tests.ledger.kept_back import HOLDS_MAX
from tests.ledger.steps import Steps, amounts, members, part_of, pick, shares, wishes, workers
from tests.ledger.terms import Purchase

hold_acts = st.sampled_from(
    ["all", "half", "third", "complete", "complete", "release", "end", "buy", "buy", "refund", "wait", "often"]
)


class Before(Steps):
    """What tills do before a purchase."""

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

    @rule(worker=workers, member=members, first=shares, share=shares)
    def lose_what_is_held(self, worker: int, member: int, first: str, share: str) -> None:
        """Two tills hold what a purchase has brought, and then it is returned."""
        bought = self.told.buy(worker, member, Purchase(2_000_000))
        self.told.wait(self.told.terms.pending)
        for part in (first, "all"):
            wanted = self._points(member, part)
            self.told.hold(worker, member, 1, Wish(wanted, by_points=True))
        self.told.refund(worker, bought, part_of(bought.entry.rest, share))

    @precondition(lambda self: self.told.open_holds())
    @rule(late=st.booleans())
    def let_a_hold_end(self, late: bool) -> None:
        """The next message comes in a hold's last second, or in the one after it."""
        self.told.wait_until(min(self.told.open_holds()) - (not late))
