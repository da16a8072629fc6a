"""What a message told beside its amount, in the numbers of the draft."""

from dataclasses import dataclass
from typing import Self

from protocol.errors import TlvError
from protocol.tlv import parse, values_of
from switch import basket
from switch.programme import CompiledProgramme
from switch.simulation.replay import Basket

_NOT_WANTED = -1
_NOT_THERE = -1


@dataclass(frozen=True, slots=True)
class BasketReader:
    """Reads `journal.asked`: of DE48 EV, the event's code, RW, the reward's, CP, campaigns, and PT; of DE63 LI, the
    basket's lines.

    `events`, `quantities`, `free_skus` and `rewards` (numbers by code) are those of a compiled programme.
    """

    events: dict[str, int]
    quantities: tuple[tuple[str, str], ...]
    free_skus: tuple[str, ...]
    rewards: dict[str, int]

    @classmethod
    def of(cls, programme: CompiledProgramme) -> Self:
        """One for a draft; it goes to other processes."""
        rewards = {code: reward.number for code, reward in programme.rewards.items()}
        return cls(dict(programme.events), programme.quantities, programme.free_skus, rewards)

    def __call__(self, asked: str) -> Basket:
        """As the draft numbers it. What cannot be read counts as not told: the row was approved all the same."""
        lines = basket.read(asked) or None
        told = _told(asked)
        found = Basket(
            self.events.get(told.get("EV", ""), 0),
            basket.quantities(lines, self.quantities, values_of(asked, "CP")),
            () if lines is None else basket.prices_of_one(lines, self.free_skus),
            lines is not None,
        )
        if "RW" not in told:
            return found
        # The leg of such a row holds the reward's price too: what was to be paid with points is what the till said.
        points = told.get("PT", "")
        return found._replace(
            reward=self.rewards.get(told["RW"], _NOT_THERE),
            points_wanted=int(points) if points.isdecimal() else _NOT_WANTED,
        )


def _told(asked: str) -> dict[str, str]:
    """The first of each tag; nothing if it cannot be read."""
    try:
        return dict(reversed(parse(asked)))
    except TlvError:
        return {}
