"""The plain-Python reference of the kernel's grants: offers given to one member, their thresholds frozen when given.

Packed, a grant is 40 bytes: big-endian uint16 slot, int32 last day on which it is alive, uint8 1 if it is used, uint8
number of values and four int64 values (0 where there is none), sorted by slot. An account keeps a grant until its last
day has passed, used or not: so an offer is given at most once in its life.

`grants_moved` is packed likewise, by slot: what was given, or is alive again, stands there unused; what was used, used;
what a reversal took back, with `TAKEN_BACK`.
"""

import struct
from dataclasses import dataclass

from cext.programme_table import GRANTS_MAX, SLOTS_MAX, VALUES_PER_GRANT_MAX

GRANT = struct.Struct(">HiBB4q")

USED = 1
TAKEN_BACK = 2


@dataclass(frozen=True, slots=True)
class Grant:
    """One record. `until`: its last day, in days since 1970-01-01."""

    slot: int
    until: int
    state: int
    values: tuple[int, ...]

    def with_state(self, state: int) -> "Grant":
        return Grant(self.slot, self.until, state, self.values)


def pack(grants: list[Grant]) -> bytes:
    """Grants → bytes, in the order given."""
    return b"".join(
        GRANT.pack(g.slot, g.until, g.state, len(g.values), *g.values, *[0] * (VALUES_PER_GRANT_MAX - len(g.values)))
        for g in grants
    )


def unpack(packed: bytes) -> list[Grant]:
    """The reverse of `pack`. Raises ValueError unless the length is a multiple of 40 and no grant is broken."""
    if len(packed) % GRANT.size:
        raise ValueError("packed grants must be 40 bytes each")
    grants = []
    for slot, until, state, count, *values in GRANT.iter_unpack(packed):
        if not 1 <= slot <= SLOTS_MAX or state > TAKEN_BACK or count > VALUES_PER_GRANT_MAX or any(values[count:]):
            raise ValueError("a grant's slot, state or number of values is out of range")
        grants.append(Grant(slot, until, state, tuple(values[:count])))
    return grants


def check(packed: bytes) -> None:
    """Raise ValueError unless these are grants as a decision leaves them."""
    grants = unpack(packed)
    if len(grants) > GRANTS_MAX:
        raise ValueError(f"an account has at most {GRANTS_MAX} grants")
    previous = 0
    for grant in grants:
        if grant.slot <= previous:
            raise ValueError("grants must be sorted by slot, each slot once")
        if grant.state > USED:
            raise ValueError("a grant that is kept is used or not")
        previous = grant.slot


def check_moves(packed: bytes) -> None:
    """Raise ValueError unless these are moves of grants."""
    if len(unpack(packed)) > GRANTS_MAX:
        raise ValueError(f"grants_moved has at most {GRANTS_MAX} entries")


class Grants:
    """A working copy of an account's grants, without those whose last day has passed, that remembers its moves."""

    def __init__(self, packed: bytes, *, local_day: int) -> None:
        self._grants = {grant.slot: grant for grant in unpack(packed) if local_day <= grant.until}
        self._moves: dict[int, Grant] = {}
        self._local_day = local_day

    def live(self, slot: int) -> Grant | None:
        """The grant that may be used now."""
        grant = self._grants.get(slot)
        return grant if grant is not None and grant.state != USED else None

    def may_give(self, slot: int) -> bool:
        """Whether there is room, and no record that this was given already."""
        return slot not in self._grants and len(self._grants) < GRANTS_MAX

    def _keep(self, grant: Grant) -> None:
        self._grants[grant.slot] = grant
        self._moves[grant.slot] = grant

    def use(self, slot: int) -> None:
        """Use up a live grant."""
        self._keep(self._grants[slot].with_state(USED))

    def give(self, slot: int, life_days: int, values: tuple[int, ...]) -> None:
        """Give what `may_give`."""
        self._keep(Grant(slot, self._local_day + life_days, 0, values))

    def undo(self, moved: Grant) -> None:
        """Take back what was given, if it is unused; make alive what was used, if its last day has not passed."""
        grant = self._grants.get(moved.slot)
        if grant is None or grant.until != moved.until:
            return
        if moved.state == USED and grant.state == USED:
            self._keep(grant.with_state(0))
        elif moved.state == 0 and grant.state == 0:
            del self._grants[grant.slot]
            self._moves[grant.slot] = grant.with_state(TAKEN_BACK)

    def packed(self) -> bytes:
        """What the account keeps."""
        return pack([grant for _, grant in sorted(self._grants.items())])

    def moved(self) -> bytes:
        """`grants_moved` of the decision."""
        return pack([grant for _, grant in sorted(self._moves.items())])
