"""Budgets in plain Python: what is left for all members together, and what a message draws of it.

A request carries what is left of each of the programme's budgets, by its index, in the account's shard. A rule with a
budget fires only while something is left, and its gift is at most that. What is drawn is what the gift really came to:
of a discount what all discounts together leave room for, of points what the effect itself gives, without what
multipliers of other rules and of tiers make of them.
"""


class Budgets:
    """What is left, and what was drawn, while a message is decided. An index of -1 is no budget."""

    def __init__(self, left: tuple[int, ...]) -> None:
        self._left = list(left)
        self._drawn = [0] * len(left)
        self.sold_short = False
        """Whether something that is paid for in points could not be given in full."""

    def left(self, budget: int) -> int:
        """What is left of a budget; nothing of one that the request does not carry."""
        return self._left[budget] if budget < len(self._left) else 0

    def draw(self, budget: int, value: int, *, in_full: bool = False) -> int:
        """A gift, as far as its budget goes, which it is taken from; what takes away draws nothing."""
        if budget < 0:
            return value
        given = min(value, self.left(budget))
        if given > 0:
            self._left[budget] -= given
            self._drawn[budget] += given
        if in_full and given < value:
            self.sold_short = True
        return given

    def take(self, budget: int) -> int:
        """What was drawn since this was last asked."""
        drawn = self._drawn[budget] if budget < len(self._drawn) else 0
        if drawn:
            self._drawn[budget] = 0
        return drawn
