"""A member's messages, one after another, decided by both kernels, with what must hold of points and credit."""

from hypothesis import strategies as st

from cext import _kernel
from cext.reference import kernel as reference
from tests.cext.kernel_cases import MONTH, NOW, TODAY, account, legs_of, original, request, state_of, unpack
from tests.cext.kernel_strategies import EVENT, GIFT, REFUND, REVERSAL, UPKEEP


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

    def tell(self, kind, amount, named=None, **changes):
        """Decide one message; `named` is the journal entry that it undoes."""
        decisions = []
        for (kernel, programme), member in zip(self.programmes, self.members, strict=True):
            before = state_of(member)
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

    def check(self, decision, member, points_before, credit_before):
        assert member.points == sum(points for _, points in member.lot_list)
        assert member.points - points_before == (
            decision.points_earned - decision.points_redeemed - decision.points_expired + decision.points_adjusted
        )
        assert member.credit - credit_before == decision.credit_granted - decision.credit_spent
        assert member.points - points_before == sum(points for _, points in unpack(decision.lots_moved))
        assert len([month for month, _ in member.lot_list if month >= 0]) <= 36
        if decision.rc == "00" and decision.changed:
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
        if named["kind"] not in (REFUND, EVENT) and left and data.draw(st.booleans()):
            part = data.draw(st.sampled_from([1, left, max(1, left // 3)]))
            decision, entry = self.tell(REFUND, part, named)
            assert decision.rc == "00"
            named["undoings"].append((part, entry))
            return
        decision, _ = self.tell(REVERSAL, named["amount"], named)
        assert decision.rc == "00"
        named["reversed"] = True
