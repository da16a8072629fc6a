"""Reports as sheets: rows of words and quantities, in which screen, CSV and page agree.

Figures come as whole numbers; shares and means are made here.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, TypeVar

from adapters.postgres.report_figures import (
    AGES,
    UNKNOWN,
    Dimension,
    Distribution,
    Group,
    Overview,
    Scope,
    Segment,
    Spread,
)

Each = TypeVar("Each", Segment, Group)
Unit = Literal["count", "points", "money", "percent"]

OTHER = "other"
_UNKNOWN = "unknown"
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_AGES = (
    f"under {AGES[0]}",
    *(f"{first}–{after - 1}" for first, after in pairwise(AGES)),
    f"{AGES[-1]} and over",
)
_IN_ORDER = frozenset({Dimension.AGE, Dimension.HOUR, Dimension.WEEKDAY})


@dataclass(frozen=True, slots=True)
class Quantity:
    """A whole number of its unit: money in minor units, percent in tenths. None: there is nothing to divide by."""

    value: int | None
    unit: Unit


Cell = str | Quantity


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars of whole numbers, from above to below."""

    title: str
    unit: Unit
    bars: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A report to be shown: a table, charts of it, and what one has to know of its figures."""

    title: str
    scope: Scope
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    charts: tuple[Chart, ...] = ()
    notes: tuple[str, ...] = ()


def plain(quantity: Quantity) -> str:
    """For machines: `-1234`, `12.5`, nothing where there is nothing to divide by."""
    if quantity.value is None:
        return ""
    return _tenths(quantity.value, "") if quantity.unit == "percent" else str(quantity.value)


def readable(quantity: Quantity) -> str:
    """For people: `-1,234`, `12.5 %`, a dash where there is nothing to divide by."""
    if quantity.value is None:
        return "–"
    return f"{_tenths(quantity.value, ',')} %" if quantity.unit == "percent" else f"{quantity.value:,}"


def _tenths(value: int, separator: str) -> str:
    whole, tenth = divmod(abs(value), 10)
    return f"{'-' if value < 0 else ''}{whole:{separator}}.{tenth}"


def _share(part: int, whole: int) -> Quantity:
    """Tenths of a percent, half up; none of nothing, nor of less than nothing."""
    return Quantity((part * 2_000 + whole) // (2 * whole) if whole > 0 else None, "percent")


def _mean(total: int, count: int) -> Quantity:
    """Whole minor units, rounded down as everything is that the switch divides."""
    return Quantity(total // count if count > 0 else None, "money")


def _count(value: int) -> Quantity:
    return Quantity(value, "count")


def _points(value: int) -> Quantity:
    return Quantity(value, "points")


def _money(value: int) -> Quantity:
    return Quantity(value, "money")


def overview_sheet(scope: Scope, found: Overview) -> Sheet:
    """One figure a line."""
    figures = (
        ("members", _count(found.members)),
        ("new members", _count(found.joined)),
        ("active members", _count(found.active)),
        ("visits", _count(found.visits)),
        ("spend", _money(found.spend)),
        ("mean basket", _mean(found.spend, found.visits)),
        ("discount", _money(found.discount)),
        ("points at the beginning", _points(found.opening)),
        ("points issued", _points(found.issued)),
        ("points clawed back", _points(found.clawed_back)),
        ("points redeemed", _points(found.redeemed)),
        ("points expired", _points(found.expired)),
        ("points adjusted", _points(found.adjusted)),
        ("points outstanding", _points(found.outstanding)),
        ("liability", _money(found.liability)),
        ("redemption rate", _share(found.redeemed, found.issued - found.clawed_back)),
        ("credit granted", _money(found.credit_granted)),
        ("credit spent", _money(found.credit_spent)),
        ("credit outstanding", _money(found.credit_outstanding)),
    )
    words = {"count": "", "points": "points", "money": "minor units", "percent": ""}
    moved = tuple(
        (name.removeprefix("points "), figure.value or 0) for name, figure in figures if figure.unit == "points"
    )
    return Sheet(
        "Overview",
        scope,
        ("figure", "value", "unit"),
        tuple((name, figure, words[figure.unit]) for name, figure in figures),
        (Chart("Points", "points", moved),),
    )


def rfm_sheet(scope: Scope, segments: Sequence[Segment], *, smallest: int) -> Sheet:
    """A segment a line."""
    members = sum(each.members for each in segments)
    spend = sum(each.spend for each in segments)
    rows = tuple(
        (
            each.name or OTHER,
            _count(each.members),
            _share(each.members, members),
            _count(each.visits),
            _money(each.spend),
            _share(each.spend, spend),
            _mean(each.spend, each.visits),
        )
        for each in segments
    )
    return Sheet(
        "Segments by recency, frequency and spend",
        scope,
        ("segment", "members", "share of members", "visits", "spend", "share of spend", "mean basket"),
        rows,
        _charts(segments, lambda each: each.name or OTHER),
        _suppression(any(each.name is None for each in segments), bool(segments), smallest),
    )


def by_sheet(scope: Scope, dimension: Dimension, groups: Iterable[Group], *, smallest: int) -> Sheet:
    """A group a line: ages, hours and days in their order, others by spend; then unknown, then other."""
    ordered = sorted(groups, key=lambda group: _place(dimension, group))

    def label(group: Group) -> str:
        return label_of(dimension, group.key)

    rows = tuple(
        (
            label(group),
            _count(group.members),
            _count(group.visits),
            _money(group.spend),
            _mean(group.spend, group.visits),
            _points(group.points),
            _money(group.discount),
        )
        for group in ordered
    )
    notes = _suppression(any(group.key is None for group in ordered), bool(ordered), smallest)
    if dimension in {Dimension.HOUR, Dimension.WEEKDAY}:
        notes = (f"Hours and days are those of {scope.timezone}.", *notes)
    return Sheet(
        f"By {dimension}",
        scope,
        (dimension, "members", "visits", "spend", "mean basket", "points", "discount"),
        rows,
        _charts(ordered, label),
        notes,
    )


def label_of(dimension: Dimension, key: str | None) -> str:
    """A group's name in words."""
    if key is None:
        return OTHER
    if key == UNKNOWN:
        return _UNKNOWN
    if dimension is Dimension.AGE:
        return _AGES[int(key)]
    if dimension is Dimension.HOUR:
        return f"{int(key):02d}:00"
    return _WEEKDAYS[int(key) - 1] if dimension is Dimension.WEEKDAY else key


def _place(dimension: Dimension, group: Group) -> tuple[int, int, str]:
    if group.key is None:
        return 2, 0, ""
    if group.key == UNKNOWN:
        return 1, 0, ""
    return 0, int(group.key) if dimension in _IN_ORDER else -group.spend, group.key


def spread_sheet(scope: Scope, found: Spread, *, smallest: int) -> Sheet:
    """Measures of both distributions, side by side."""
    if found.members is None:
        columns: tuple[str, ...] = ("measure", "spend of a member")
        return Sheet("Spread of spend", scope, columns, (), notes=_suppression(False, False, smallest))
    told = [("spend of a member", found.members)]
    if found.baskets is not None:
        told.append(("basket", found.baskets))
    measures = [_measures(distribution) for _, distribution in told]
    rows: list[tuple[Cell, ...]] = [(name, *(quantities[name] for quantities in measures)) for name in measures[0]]
    charts = tuple(
        Chart(f"Deciles: {name}", "money", tuple((f"{d}0 %", value) for d, value in enumerate(each.deciles, 1)))
        for name, each in told
    )
    return Sheet("Spread of spend", scope, ("measure", *(name for name, _ in told)), tuple(rows), charts)


def _measures(found: Distribution) -> dict[str, Quantity]:
    deciles = {f"decile {d}" if d != 5 else "median": _money(value) for d, value in enumerate(found.deciles, 1)}
    return {
        "count": _count(found.count),
        "total": _money(found.total),
        "mean": _mean(found.total, found.count),
        "lowest": _money(found.least),
        **deciles,
        "highest": _money(found.most),
        "share of the top 10 %": _share(found.top, found.total),
    }


def _charts(groups: Sequence[Each], label: Callable[[Each], str]) -> tuple[Chart, ...]:
    return (
        Chart("Spend", "money", tuple((label(each), each.spend) for each in groups)),
        Chart("Members", "count", tuple((label(each), each.members) for each in groups)),
    )


def _suppression(put_together: bool, anything: bool, smallest: int) -> tuple[str, ...]:
    if not anything:
        return (f"Fewer than {smallest} members in this period: no groups are shown.",)
    return (f"{OTHER}: groups of fewer than {smallest} members, put together.",) if put_together else ()
