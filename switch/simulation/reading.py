"""What a message told beside its amount, in the numbers of the draft."""

from collections.abc import Mapping
from dataclasses import dataclass

from protocol.tlv import values_of
from switch import basket
from switch.simulation.replay import Basket


@dataclass(frozen=True, slots=True)
class BasketReader:
    """Reads `journal.asked`: DE48 EV, the event's code, and CP, campaigns, and DE63 LI, the basket's lines.

    `events`, `quantities` and `free_skus` are those of a compiled programme.
    """

    events: Mapping[str, int]
    quantities: tuple[tuple[str, str], ...]
    free_skus: tuple[str, ...]

    def __call__(self, asked: str) -> Basket:
        """As the draft numbers it. What cannot be read counts as not told: the row was approved all the same."""
        lines = basket.read(asked) or None
        return Basket(
            self._event(asked),
            basket.quantities(lines, self.quantities, values_of(asked, "CP")),
            () if lines is None else basket.prices_of_one(lines, self.free_skus),
            lines is not None,
        )

    def _event(self, asked: str) -> int:
        codes = values_of(asked, "EV")
        return self.events.get(codes[0], 0) if codes else 0
