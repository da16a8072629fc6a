"""The reply to an inquiry for the last movements and live offers (DE3 380000): DE62 beyond the balances.

Made in the lane from what was read for it (`switch.movements`). Of the member's last purchase it tells which rules
fired and which nearly did. The latter needs the account as it was before: if the version that decided then is not the
live one, or the purchase does not come out again as it did, only those that fired are told.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cext._kernel import REVERSAL, Account, Decision, Programme, decide
from cext._telling import Teller
from switch.institutions import Terminal
from switch.movements import Movement, Movements
from switch.programme import CompiledProgramme
from switch.programme.terms import Look, Unit
from switch.programme.why import LimitReached, NoOffer, Reasons, RuleWhy, Unmet, Why
from switch.programme.why_words import Words
from switch.receipts import Language
from switch.simulation.before import DayOf, account_before_last
from switch.simulation.drawn import budgets_then
from switch.simulation.history import EVENT, PURCHASES, BrokenHistory, Present
from switch.simulation.reading import BasketReader
from switch.simulation.replay import APPROVED, Quarters, asking
from switch.telling import Telling, private_data

BYTES_MAX = 930
"""What DE62 (999 bytes) has room for beside two balances and the version."""
LINES_BYTES_MAX = 400
"""Receipt lines take no more of it, so that movements have room."""
REASONS_BYTES_MAX = 350
"""Nor do FR and NR."""
NEAR_MAX = 5
MOVEMENTS_TOLD_MAX = 10
REFUND_CODE = 200_000

_UNITS_OF_DEGREE = frozenset({Unit.MONEY, Unit.POINTS, Unit.DAYS, Unit.YEARS, Unit.COUNT})
"""What a member can be near to or far from."""
_FAR = 10**9


@dataclass(frozen=True, slots=True)
class _Known:
    """What one live version needs to give reasons."""

    kernel: Programme
    reasons: Reasons
    words: Words
    read: BasketReader
    quarters: Quarters
    looks_back: bool


class Statements:
    """Tells statements under the live programmes; what a version needs for its reasons is made once."""

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}

    def told(
        self,
        programme: CompiledProgramme,
        version: int,
        teller: Teller,
        telling: Telling,
        movements: Movements,
        terminal: Terminal,
        language: Language | None,
    ) -> str:
        """DE62 beyond the balances: standing, offers, reasons, as many movements as there is room for, receipt lines.

        `telling` has the account as this inquiry left it.
        """
        known = self._of(programme)
        printer = terminal.printer
        printed = telling.lines(language or terminal.receipt_language, printer) if terminal.receipt_language else []
        lines = private_data([("MS", line) for line in printed], LINES_BYTES_MAX)
        reasons = private_data([*_fired(movements.rows), *_near(known, version, movements)], REASONS_BYTES_MAX)
        room = BYTES_MAX - len((reasons + lines).encode())
        standing = telling.standing(teller, room)
        offers = private_data([("OF", rule) for rule in telling.live_offers()], room - len(standing.encode()))
        moved = [("MV", _movement(each, known.quarters)) for each in movements.rows[:MOVEMENTS_TOLD_MAX]]
        first = standing + offers + reasons
        return first + private_data(moved, BYTES_MAX - len((first + lines).encode())) + lines

    def _of(self, programme: CompiledProgramme) -> _Known:
        known = self._known.get(programme.source_hash)
        if known is None:
            read = BasketReader.of(programme)
            known = _Known(
                programme.kernel,
                Reasons(programme),
                Words(programme),
                read,
                Quarters(programme.timezone),
                programme.looks_back,
            )
            self._known[programme.source_hash] = known
        return known

    def forget(self) -> None:
        """Other programmes are live."""
        self._known.clear()


def _movement(movement: Movement, quarters: Quarters) -> str:
    """`YYYYMMDD;DE3;amount;points;credit`: what was given back has a minus."""
    row = movement.row
    gives_back = (row.kind == REVERSAL) is not (movement.processing_code == REFUND_CODE)
    amount = -row.amount if gives_back else row.amount
    points = row.points_earned - row.points_redeemed - row.points_expired + row.points_adjusted
    day = quarters.date(row.at)
    return f"{day:%Y%m%d};{movement.processing_code:06d};{amount};{points};{row.credit_granted - row.credit_spent}"


def _fired(rows: Sequence[Movement]) -> Iterator[tuple[str, str]]:
    """FR of the last purchase: each rule that fired."""
    last = next((each for each in rows if each.row.kind in PURCHASES), None)
    if last is None or last.rule_ids is None:
        return
    packed = last.row.rules or b""
    for at in range(0, len(packed), 2):
        index = int.from_bytes(packed[at : at + 2], "big")
        if index < len(last.rule_ids):
            yield "FR", last.rule_ids[index]


def _near(known: _Known, version: int, movements: Movements) -> Iterator[tuple[str, str]]:
    """NR of the last purchase: rules that nearly fired, those that were nearest first."""
    why = _why(known, version, movements)
    if why is None:
        return
    told = 0
    for rule in sorted(why.near, key=_distance):
        (hindrance,) = rule.hindrances
        if hindrance == NoOffer() or (compact := known.words.compact(hindrance)) is None:
            continue
        yield "NR", f"{rule.id};{compact[0]};{compact[1]}"
        told += 1
        if told == NEAR_MAX:
            return


def _distance(rule: RuleWhy) -> int:
    """How far a rule was from firing, in thousandths of what it needs."""
    (hindrance,) = rule.hindrances
    match hindrance:
        case Unmet(choice):
            return min(_gap(check.comparison.left, check.left, check.right) for check in choice)
        case LimitReached(_, used, most):
            return _FAR + used - most
    return 2 * _FAR


def _gap(looked_at: object, left: int | None, right: int | None) -> int:
    has_degree = not isinstance(looked_at, Look) or (looked_at.unit in _UNITS_OF_DEGREE and looked_at.texts is None)
    if left is None or right is None or not has_degree:
        return 2 * _FAR
    return min(_FAR, abs(left - right) * 1_000 // max(1, abs(right)))


def _why(known: _Known, version: int, movements: Movements) -> Why | None:
    """The reasons of the last purchase; None if they are not known for certain."""
    rows = movements.rows
    at = next((place for place, each in enumerate(rows) if each.row.kind in PURCHASES), None)
    if at is None or rows[at].row.version != version:
        return None
    last = rows[at].row
    try:
        before = _account_before(movements, at, known.quarters.day if known.looks_back else None)
        left = budgets_then(known.kernel, last.rules, last.counters_moved)
        request = asking(last, known.quarters, known.read(last.asked or ""), left)
        decision = decide(known.kernel, before.copy(), request)
    except (BrokenHistory, ValueError, OverflowError):
        return None
    return known.reasons.of(before, request) if _is_same(last, decision) else None


def _account_before(movements: Movements, at: int, day_of: DayOf | None) -> Account:
    """The account before its last purchase, which is rows[at]. Raises `BrokenHistory`."""
    account, rows = movements
    # What was reserved bears on no rule, and the rows that are read do not tell of holds.
    present = Present(*(getattr(account, name) for name in Present._fields))._replace(reserves=b"")
    earlier = rows[at + 1 :]
    purchase = next((each.row.at for each in earlier if each.row.kind in PURCHASES), 0)
    # No undoing changes a tier.
    tier = next((each.tier_after for each in earlier if each.row.kind in (*PURCHASES, EVENT)), 0)
    since = [each.row for each in reversed(rows[: at + 1])]
    before = account_before_last(present, since, tier, purchase, day_of)
    if before.visits and not purchase:
        raise BrokenHistory
    return before


def _is_same(row: object, decision: Decision) -> bool:
    """Whether deciding again came to what the journal has."""
    return decision.rc == APPROVED and all(
        (getattr(row, leg) or None) == (getattr(decision, leg) or None)
        for leg in ("points_earned", "credit_granted", "discount", "rules", "counters_moved", "grants_moved")
    )
