"""What all members together may still get by a rule, as a lane sees it: shares of budgets, and what a batch draws.

A budget is dealt out into shares, each a row of the store; an account draws from the share of its shard. A lane decides
by a copy of the shares that is about a second old at most, less what its own batches have drawn since. The copy may be
wrong, as other workers draw too: the commit takes from a share only what is there (`switch.ports.Store.commit`), and if
it is not, the whole batch is taken back and decided again while the shares are held.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from cext._kernel import Account, Decision, Programme, Request, decide
from cext.programme_table import UNBOUNDED_BUDGETS
from cext.reference.counters import unpack

if TYPE_CHECKING:
    from switch.deciding import LiveProgramme

REFRESH_S = 1.0
SHARES_MAX = 8
"""A batch writes to each share that it draws from, and lanes that draw from one share wait for each other's commits: so
there are few, and enough for the lanes of a worker, if those are 1, 2, 4 or 8."""
GIFTS_PER_SHARE = 256
"""A budget is dealt out into the fewer shares the fewer gifts it is good for, down to one."""


class Share(NamedTuple):
    """A part of a budget: `number` counts from 0; the accounts of shard s draw from share s modulo their count."""

    programme: int
    slot: int
    number: int
    left: int


class Draw(NamedTuple):
    """What a batch draws from a share; below 0: what it gives back."""

    programme: int
    slot: int
    share: int
    drawn: int


class Owed(NamedTuple):
    """What was drawn of a budget beyond what was dealt out: a refund had given it back, and was itself reversed."""

    programme: int
    slot: int
    amount: int


def dealt_out(left: int, gift: int, shards: int) -> list[int]:
    """How much goes into each share if so much is left and a single gift is about `gift`.

    There is a power of two of shares, each good for `GIFTS_PER_SHARE` gifts or more unless it is the only one, so that
    none runs dry much earlier than the rest, and a budget that is nearly used up is in one place. What does not divide
    goes to the first ones.
    """
    count = 1
    while count * 2 <= min(shards, SHARES_MAX) and left // gift >= count * 2 * GIFTS_PER_SHARE:
        count *= 2
    each, rest = divmod(left, count)
    return [each + (number < rest) for number in range(count)]


def decided_without_budgets(programme: Programme, account: Account, request: Request) -> Decision:
    """What would be decided if no budget ever ended; nothing changes."""
    left = request.budgets
    request.budgets = UNBOUNDED_BUDGETS
    try:
        return decide(programme, account.copy(), request)
    finally:
        request.budgets = left


class Shares:
    """A lane's copy of all shares.

    `rows` has what is left of a programme's budgets for each shard modulo `SHARES_MAX`, by the programme's kernel, as
    far as it was asked for since it changed: `decide_usual` looks there first.
    """

    def __init__(self) -> None:
        self.rows: dict[Programme, list[tuple[int, ...] | None]] = {}
        self._left: dict[tuple[int, int], list[int]] = {}
        self._kernels: dict[int, list[Programme]] = {}
        self._drawn: dict[tuple[int, int, int], int] = {}
        self._owed: dict[tuple[int, int], int] = {}
        self._is_good = False
        self._generation = -1
        self._good_until_s = 0.0

    def is_due(self, generation: int, now_s: float, *, has_budgets: bool) -> bool:
        """Whether the copy should be read anew: after a fault, for other programmes, or as it is a second old.

        `generation` counts how often other programmes came in force; `has_budgets`: one of them has a budget.
        """
        if not self._is_good or generation != self._generation:
            return True
        return now_s >= self._good_until_s and (has_budgets or bool(self._left))

    def distrust(self) -> None:
        """What was decided by this copy was not committed: it is read anew before the next decision."""
        self._is_good = False
        self._drawn.clear()
        self._owed.clear()

    def take(self, shares: Iterable[Share], generation: int, now_s: float) -> None:
        """Begin anew with these, which are in order, while nothing that was decided by the old copy is under way."""
        self._left.clear()
        self.rows.clear()
        self._kernels.clear()
        self._drawn.clear()
        self._owed.clear()
        for programme, slot, _, left in shares:
            self._left.setdefault((programme, slot), []).append(left)
        self._is_good = True
        self._generation = generation
        self._good_until_s = now_s + REFRESH_S

    def left(self, live: "LiveProgramme", shard: int) -> tuple[int, ...]:
        """`Request.budgets` for a message on an account of this shard."""
        rows = self.rows.get(live.kernel)
        if rows is None:
            rows = self.rows[live.kernel] = [None] * SHARES_MAX
            self._kernels.setdefault(live.id, []).append(live.kernel)
        place = shard % SHARES_MAX
        found = rows[place]
        if found is None:
            found = rows[place] = tuple(self._of(live.id, slot, shard) for slot in live.budget_slots)
        return found

    def _of(self, programme: int, slot: int, shard: int) -> int:
        shares = self._left.get((programme, slot))
        return 0 if shares is None else shares[shard % SHARES_MAX % len(shares)]

    def move(self, programme: int, shard: int, counters_moved: bytes) -> None:
        """Take what a decision drew from the shares, or put back what it gave back.

        A decision draws no more than there is, but for the reversal of a refund: the member has that gift already.
        """
        for slot, _, count in unpack(counters_moved):
            self.draw(programme, shard, slot, count)

    def draw(self, programme: int, shard: int, slot: int, count: int) -> None:
        """Take so much from the shard's share of a budget, if the slot is one's."""
        shares = self._left.get((programme, slot))
        if shares is None:
            return
        number = shard % SHARES_MAX % len(shares)
        left = shares[number]
        if count > left:
            beyond = count - max(0, left)
            self._owed[programme, slot] = self._owed.get((programme, slot), 0) + beyond
            count -= beyond
        shares[number] = left - count
        place = (programme, slot, number)
        self._drawn[place] = self._drawn.get(place, 0) + count
        for kernel in self._kernels.get(programme, ()):
            rows = self.rows[kernel]
            for other in range(number, SHARES_MAX, len(shares)):
                rows[other] = None

    def owed(self) -> list[Owed]:
        """What was drawn beyond what was dealt out since this was last asked."""
        owed = [Owed(*place, amount) for place, amount in sorted(self._owed.items())]
        self._owed.clear()
        return owed

    def draws(self) -> list[Draw]:
        """What was drawn since this was last asked, in the order in which shares are held."""
        if not self._drawn:
            return []
        drawn = [Draw(*place, count) for place, count in sorted(self._drawn.items()) if count]
        self._drawn.clear()
        return drawn
