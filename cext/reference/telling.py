"""What a reply tells of a programme beside legs and balances, in plain Python: the same results as `cext._telling`.

In DE62 an element is a tag of two characters, a length of three digits (bytes) and a value. One whose value is longer
than 999 bytes is left out; one for which there is no room ends what is told.
"""

from collections.abc import Iterator

from cext._kernel_records import Account, Decision
from cext.reference import counters

_VALUE_BYTES_MAX = 999
_TOLD_BYTES_MAX = 999

Counted = tuple[str, str, int, str]
"""(tag, what stands before the number, slot of the counter, what stands behind the number)"""


class Teller:
    """What the replies of one version of a programme have to tell.

    `tiers` are named from 1 on. `offers` has for each rule, in the order of evaluation, the name of the offer that it
    applies, or None. `counted` are the counters that are told, in order.
    """

    def __init__(self, tiers: tuple[str, ...], offers: tuple[str | None, ...], counted: tuple[Counted, ...]) -> None:
        if any(len(tag) != 2 or not tag.isascii() for tag, *_ in counted):
            raise ValueError("a tag is two ASCII characters")
        self._tiers = tiers
        self._offers = offers
        self._counted = counted
        self.tells = bool(tiers or counted or any(offer is not None for offer in offers))

    def tell(self, account: Account, decision: Decision, bytes_max: int) -> str:
        """What DE62 says beside legs and balances, while the account is as this decision left it: as many elements, in
        order, as fit into so many bytes (at most 999).
        """
        room = min(bytes_max, _TOLD_BYTES_MAX)
        told = b""
        for tag, value in self._elements(account, decision):
            data = value.encode()
            if len(data) > _VALUE_BYTES_MAX:
                continue
            element = f"{tag}{len(data):03}".encode() + data
            if len(told) + len(element) > room:
                break
            told += element
        return told.decode()

    def _elements(self, account: Account, decision: Decision) -> Iterator[tuple[str, str]]:
        if 0 < account.tier <= len(self._tiers):
            yield "TR", self._tiers[account.tier - 1]
        for index in decision.rule_list:
            offer = self._offers[index]
            if offer is not None:
                yield "OF", offer
        counts = {slot: value for slot, _, value in counters.unpack(account.counters)}
        for tag, before, slot, behind in self._counted:
            count = counts.get(slot, 0)
            if count:
                yield tag, f"{before}{count}{behind}"
