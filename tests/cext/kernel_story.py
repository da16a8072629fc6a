"""A member's messages, one after another, decided by both kernels, with what must hold of points and credit."""

from hypothesis import strategies as st

from cext import _kernel
from cext.reference import kernel as reference
from tests.cext.kernel_cases import (
    MONTH,
    NOW,
    TODAY,
    account,
    legs_of,
    original,
    request,
    state_of,
    unpack,
    unpack_reserves,
)
from tests.cext.kernel_strategies import EVENT, GIFT, HOLD, INQUIRY, PURCHASE, QUOTE, REFUND, REVERSAL, UPKEEP

HOLD_S = 900


class Story:
    """One member's messages, decided by both kernels, with what the journal would keep of them."""

    def __init__(self, programme) -> None:
        self.programmes = [(kernel, kernel.Programme(programme)) for kernel in (_kernel, reference)]
        self.members = [account(kernel) for kernel, _ in self.programmes]
        self.deficit_allowed = self.programmes[1][1].deficit_allowed
        self.journal = []
        self.month = MONTH
        self.now = NOW
        self.day = TODAY
        self.holds = 0

    def tell(self, kind, amount, named=None, **changes):
        """Decide one message; `named` is the journal entry that it undoes."""
        decisions = []
        for (kernel, programme), member in zip(self.programmes, self.members, strict=True):
            before = state_of(member)
            free = self.free(member, named)
            if named is not None:
                undoings = [
                    (part, entry["decisions"][kernel.__name__])
                    for part, entry in named["undoings"]
                    if not entry["reversed"]
                ]
                changes["original"] = original(
                    kernel,
                    named["kind"],
                    named["amount"],
                    named["decisions"][kernel.__name__],
                    *undoings,
                    reversed=named["reversed"],
                    local_month=named["month"],
                )
            decision = kernel.decide(
                programme,
                member,
                request(
                    kernel,
                    kind,
                    amount,
                    **{"local_month": self.month, "local_day": self.day, "now": self.now} | changes,
                ),
            )
            self.check(decision, member, before["points"], before["credit"])
            if kind not in (REFUND, REVERSAL, QUOTE):
                assert decision.points_redeemed <= free[0]
                assert decision.credit_spent <= free[1]
            if not decision.changed:
                assert state_of(member) == before
            decisions.append(decision)
        assert legs_of(decisions[0]) == legs_of(decisions[1])
        assert state_of(self.members[0]) == state_of(self.members[1])
        entry = {
            "kind": kind,
            "amount": amount,
            "decisions": {kernel.__name__: d for (kernel, _), d in zip(self.programmes, decisions, strict=True)},
            "undoings": [],
            # Of a refund: when that was earned which it takes back.
            "month": self.month if named is None else named["month"],
            "reversed": False,
        }
        if decisions[0].rc == "00":
            self.journal.append(entry)
        return decisions[0], entry

    def reserved(self, member):
        """What may not be spent: (key, until, points, credit) of what is not over."""
        return [row for row in unpack_reserves(member.reserves) if row[1] >= (self.day if row[0] == 0 else self.now)]

    def free(self, member, completed):
        """Points and credit that a message may spend; `completed`: the entry of the hold that it names."""
        points = sum(points for month, points in member.lot_list if points > 0 and month >= self.month)
        mine = [] if completed is None else unpack_reserves(completed["decisions"]["cext._kernel"].reserves_moved)
        ended = {row[:2] for row in mine if row[0]} if completed and completed["kind"] == HOLD else set()
        rows = [row for row in self.reserved(member) if row[:2] not in ended]
        return (
            max(0, points - sum(points for _, _, points, _ in rows)),
            max(0, member.credit - sum(credit for *_, credit in rows)),
        )

    def hold(self, points, credit, **changes):
        """Hold points and credit for a quarter of an hour."""
        self.holds += 1
        return self.tell(
            HOLD,
            1_000,
            points_wanted=points,
            credit_wanted=credit,
            hold_key=self.holds,
            hold_until=self.now + HOLD_S,
            **changes,
        )

    def complete(self, data, kind, amount):
        """A purchase that names some hold, be it over or not."""
        holds = [entry for entry in self.journal if entry["kind"] == HOLD]
        if holds:
            self.tell(kind, amount, data.draw(st.sampled_from(holds)), advice=data.draw(st.booleans()))

    def quote_and_buy(self, amount):
        """A quote must foretell what the purchase right after it does."""
        quoted, _ = self.tell(QUOTE, amount)
        bought, _ = self.tell(PURCHASE, amount)
        foretold = ("rc", "points_earned", "credit_granted", "discount", "to_pay", "rules")
        assert [getattr(quoted, name) for name in foretold] == [getattr(bought, name) for name in foretold]

    def check(self, decision, member, points_before, credit_before):
        assert member.points == sum(points for _, points in member.lot_list)
        assert member.points - points_before == (
            decision.points_earned - decision.points_redeemed - decision.points_expired + decision.points_adjusted
            if decision.changed
            else 0
        )
        assert member.credit - credit_before == (
            decision.credit_granted - decision.credit_spent if decision.changed else 0
        )
        rows = unpack_reserves(member.reserves)
        assert sum(points for _, _, points, _ in rows) <= max(0, member.points)
        assert sum(credit for *_, credit in rows) <= max(0, member.credit)
        assert decision.points_pending + decision.points_held <= max(0, decision.points_balance)
        if decision.changed:
            assert rows == self.reserved(member)
            assert decision.points_pending + decision.points_held == sum(points for _, _, points, _ in rows)
        assert member.points - points_before == sum(points for _, points in unpack(decision.lots_moved))
        assert len([month for month, _ in member.lot_list if month >= 0]) <= 36
        if decision.rc == "00" and decision.lots_moved:
            assert decision.points_balance == member.points
            assert not [month for month, _ in member.lot_list if -1 < month < self.month]
        if not self.deficit_allowed:
            assert member.points >= 0
            assert member.credit >= 0
        assert all((points > 0) == (month >= 0) for month, points in member.lot_list)
        if member.lot_list and member.lot_list[0][0] == -1:
            assert len(member.lot_list) == 1, "a deficit is paid before a lot is filled"

    def undo(self, data):
        undoable = [
            entry for entry in self.journal if entry["kind"] not in (REVERSAL, UPKEEP, GIFT) and not entry["reversed"]
        ]
        if not undoable:
            return
        named = data.draw(st.sampled_from(undoable))
        left = named["amount"] - sum(part for part, entry in named["undoings"] if not entry["reversed"])
        if named["kind"] not in (REFUND, EVENT, HOLD, INQUIRY, QUOTE) and left and data.draw(st.booleans()):
            part = data.draw(st.sampled_from([1, left, max(1, left // 3)]))
            decision, entry = self.tell(REFUND, part, named)
            assert decision.rc == "00"
            named["undoings"].append((part, entry))
            return
        decision, _ = self.tell(REVERSAL, named["amount"], named)
        assert decision.rc == "00"
        named["reversed"] = True
