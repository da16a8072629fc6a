"""A simulation's report as sheets: the whole, each rule, each dimension of segments; live beside draft."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from switch.programme import CompiledProgramme
from switch.programme.budgets import RuleBudget
from switch.simulation.standing import terms_of
from switch.simulation.totals import Pair, Report, RulePair, Totals

SEGMENTS_SHOWN = 20
"""Of a dimension, those that bought most; the rest are put together."""
NO_RULE_NAME = "(no rule)"
OTHERS = "(others)"
DIMENSIONS = {"age": "Age", "gender": "Gender", "region": "Region", "tier": "Tier"}
BROKEN_NOTE = "accounts left out: their journal does not lead to what they are now. `loyalty-switch audit` says more."
TAGS_NOTE = "Tags are those that members have today: the journal does not tell since when."
TIERS_NOTE = (
    "Tiers go by spend or visits: each member keeps the tier in which the period began for the rest of that tier year, "
    "as it is not known how that tier was entered."
)
COST_NOTE = (
    "Cost is discount, credit and points at what they are worth when spent, net of what was undone and before breakage."
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What was simulated; dates are days in the programme's time zone, both included.

    `not_known`: what of the members at the period's beginning is not known, in sentences.
    """

    programme: str
    draft: str
    first: str
    last: str
    currency: int
    live_point_value: int
    draft_point_value: int
    not_known: tuple[str, ...] = ()

    @property
    def subtitle(self) -> str:
        """In one line."""
        return f"{self.first} to {self.last}, money in minor units of currency {self.currency:03d}"


@dataclass(frozen=True, slots=True)
class Two:
    """A figure of both."""

    live: int
    draft: int


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a sheet: its cells as text, and its cost for the bars."""

    label: str
    cells: tuple[str, ...]
    cost: Two = Two(0, 0)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table; `cost` is the greatest among its lines, None where it has no bars."""

    title: str
    of: str
    columns: tuple[str, ...]
    rows: tuple[Line, ...]
    cost: int | None = None


def sheets(asked: Asked, report: Report) -> list[Sheet]:
    """Every sheet of a report."""
    found = [_whole_sheet(asked, report.whole), _rules_sheet(asked, report)]
    found += [_segments_sheet(asked, report, dimension, title) for dimension, title in DIMENSIONS.items()]
    return found


def not_known(live: CompiledProgramme, draft: CompiledProgramme) -> tuple[str, ...]:
    """What the journal does not tell of members when the period began, as far as it bears on the draft."""
    said = [TAGS_NOTE] if draft.model.tags else []
    if live.model.tier_year is not None and draft.model.tiers and terms_of(live) is None:
        said.append(TIERS_NOTE)
    return tuple(said)


def notes(asked: Asked, report: Report, budgets: Iterable[RuleBudget] = ()) -> list[str]:
    """What must be said under the sheets; `budgets` are the draft's."""
    said = [COST_NOTE, *asked.not_known, *(_budget_note(report, budget) for budget in budgets)]
    if report.broken:
        said.append(f"{report.broken:,} {BROKEN_NOTE}")
    if not report.messages:
        said.append("No approved message falls into this period.")
    return said


def _budget_note(report: Report, budget: RuleBudget) -> str:
    """A replay goes account by account and on all cores, not in the order of time: it cannot say who came too late."""
    found = [report.rules[name].draft for name in (budget.rule, f"{budget.rule}.reward") if name in report.rules]
    is_in_points = budget.unit == "points"
    drawn = sum(rule.points if is_in_points else rule.discount + rule.credit for rule in found)
    unit = "points" if is_in_points else "minor units"
    said = f"Budget of {budget.rule}: {drawn:,} of {budget.total:,} {unit} in this period"
    if drawn <= budget.total:
        return f"{said}."
    return f"{said}. It would have run out: the figures are those of a budget that never ends."


def _whole_sheet(asked: Asked, whole: Pair) -> Sheet:
    figures: Iterable[tuple[str, Two]] = (
        ("members", Two(whole.live.members, whole.draft.members)),
        ("members reached", Two(whole.live.reached, whole.draft.reached)),
        ("purchases", Two(whole.live.purchases, whole.draft.purchases)),
        ("amount", Two(whole.live.amount, whole.draft.amount)),
        ("paid by members", Two(whole.live.paid, whole.draft.paid)),
        ("points earned", Two(whole.live.points_earned, whole.draft.points_earned)),
        ("points spent", Two(whole.live.points_redeemed, whole.draft.points_redeemed)),
        ("points expired", Two(whole.live.points_expired, whole.draft.points_expired)),
        ("credit granted", Two(whole.live.credit_granted, whole.draft.credit_granted)),
        ("credit spent", Two(whole.live.credit_spent, whole.draft.credit_spent)),
        ("discount", Two(whole.live.discount, whole.draft.discount)),
        ("cost", cost_of(asked, whole)),
        ("messages that would be declined", Two(whole.live.declined, whole.draft.declined)),
    )
    rows = tuple(
        Line(name, (f"{two.live:,}", f"{two.draft:,}", f"{two.draft - two.live:+,}", _per_cent(two)))
        for name, two in figures
    )
    return Sheet("The whole", "", ("live", "draft", "difference", "%"), rows)


def _per_cent(two: Two) -> str:
    return "–" if not two.live else f"{(two.draft - two.live) * 100 / two.live:+.1f}"


def cost_of(asked: Asked, pair: Pair | RulePair) -> Two:
    """What both cost, each at its own value of a point."""
    return Two(pair.live.cost(asked.live_point_value), pair.draft.cost(asked.draft_point_value))


def _greatest(rows: Iterable[Line]) -> int:
    return max((max(row.cost.live, row.cost.draft) for row in rows), default=0)


def _rules_sheet(asked: Asked, report: Report) -> Sheet:
    rows = []
    for rule, pair in sorted(report.rules.items(), key=lambda item: (-max(_both(cost_of(asked, item[1]))), item[0])):
        live, draft = pair.live, pair.draft
        figures = (
            (live.fired, draft.fired), (live.members, draft.members), (live.points, draft.points),
            (live.credit, draft.credit), (live.discount, draft.discount),
        )  # fmt: skip
        cost = cost_of(asked, pair)
        cells = (*(f"{one:,} → {other:,}" for one, other in figures), f"{cost.live:,} → {cost.draft:,}")
        rows.append(Line(rule or NO_RULE_NAME, cells, cost))
    columns = ("fired", "members", "points", "credit", "discount", "cost")
    return Sheet("By rule", "rule", columns, tuple(rows), _greatest(rows))


def _both(two: Two) -> tuple[int, int]:
    return two.live, two.draft


def _segments_sheet(asked: Asked, report: Report, dimension: str, title: str) -> Sheet:
    rows = []
    for label, pair in shown_segments(report, dimension):
        live, draft = pair.live, pair.draft
        cost = cost_of(asked, pair)
        figures = (
            (live.reached, draft.reached), (live.points_earned, draft.points_earned),
            (live.credit_granted, draft.credit_granted), (live.discount, draft.discount), _both(cost),
        )  # fmt: skip
        cells = (f"{live.members:,}", *(f"{one:,} → {other:,}" for one, other in figures))
        rows.append(Line(label, cells, cost))
    columns = ("members", "reached", "points", "credit", "discount", "cost")
    return Sheet(f"By {title.lower()}", title.lower(), columns, tuple(rows), _greatest(rows))


def shown_segments(report: Report, dimension: str) -> Iterator[tuple[str, Pair]]:
    """A dimension's segments by amount, the small ones put together at the end."""
    of_it = [(label, pair) for (kind, label), pair in report.segments.items() if kind == dimension]
    of_it.sort(key=lambda item: (-item[1].live.amount, item[0]))
    yield from of_it[:SEGMENTS_SHOWN]
    if of_it[SEGMENTS_SHOWN:]:
        others = Pair(Totals(), Totals())
        for _, pair in of_it[SEGMENTS_SHOWN:]:
            others.add(pair)
        yield OTHERS, others


def document(asked: Asked, report: Report) -> dict[str, Any]:
    """The report for other programs: every figure, nothing put together."""

    def both(pair: Pair | RulePair) -> dict[str, Any]:
        cost = cost_of(asked, pair)
        return {
            "live": asdict(pair.live) | {"cost": cost.live},
            "draft": asdict(pair.draft) | {"cost": cost.draft},
        }

    segments: dict[str, dict[str, Any]] = {dimension: {} for dimension in DIMENSIONS}
    for (dimension, label), pair in sorted(report.segments.items()):
        segments[dimension][label] = both(pair)
    return {
        **asdict(asked),
        "messages": report.messages,
        "accounts_left_out": report.broken,
        "whole": both(report.whole),
        "rules": {rule: both(pair) for rule, pair in sorted(report.rules.items())},
        "segments": segments,
    }
