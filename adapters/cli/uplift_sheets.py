"""A comparison of members with and without a rule, as sheets and as a document."""

from dataclasses import asdict
from typing import Any

from adapters.cli.simulate_sheets import Line, Sheet
from switch.simulation.uplift import (
    MEMBERS_MIN,
    Difference,
    Group,
    Question,
    Uplift,
    spend_difference,
    visits_difference,
)

COLUMNS = ("with", "without", "difference", "95 % from", "to", "clear")
METHOD = (
    "Intervals are Welch's for the difference of two means: exact sums, no random numbers, so every run finds the same."
)


def groups(found: Uplift, per_cent: int) -> tuple[Group, Group]:
    """With and without: by the hold-out if there was one, else by who had the rule."""
    return (found.treated, found.control) if found.is_randomised(per_cent) else (found.had, found.had_not)


def sheets(found: Uplift, per_cent: int) -> list[Sheet]:
    """The comparison, and the two sorts of members."""
    one, other = groups(found, per_cent)
    lines = (
        Line("members", (f"{one.members:,}", f"{other.members:,}", "", "", "", "")),
        _line("spend of a member", spend_difference(one, other)),
        _line("visits of a member", visits_difference(one, other)),
    )
    sorts = tuple(
        Line(label, (f"{group.members:,}", _each(group.spend, group.members), _each(group.visits, group.members)))
        for label, group in (("loyal", found.loyal), ("discount hunters", found.hunters))
    )
    return [
        Sheet("With the rule and without", "", COLUMNS, lines),
        Sheet("Loyal members and discount hunters", "", ("members", "spend each", "visits each"), sorts),
    ]


def _each(total: int, members: int) -> str:
    return f"{total / members:,.1f}" if members else "–"


def _line(label: str, found: Difference) -> Line:
    bounds = ("–", "–") if found.low is None or found.high is None else (f"{found.low:+,.1f}", f"{found.high:+,.1f}")
    clear = "yes" if found.is_clear else "no"
    means = (f"{found.with_it:,.1f}", f"{found.without:,.1f}", f"{found.difference:+,.1f}")
    return Line(label, (*means, *bounds, clear))


def notes(found: Uplift, per_cent: int) -> list[str]:
    """How the groups came about, and what the intervals are."""
    said = []
    if found.is_randomised(per_cent):
        said.append(
            f"Randomised: {per_cent} % of the accounts were held out by their number, and the rule fired for none of "
            "them."
        )
    else:
        said.append(
            "NOT RANDOMISED: the rule was held back from nobody (it fired for "
            f"{found.fired_in_control:,} members of the would-be control group). Members who had it are compared with "
            "members who had not: they may differ in much else, and those who buy more meet more rules."
        )
    one, other = groups(found, per_cent)
    if min(one.members, other.members) < MEMBERS_MIN:
        said.append(f"No interval: it takes {MEMBERS_MIN} members with and without.")
    said.append(METHOD)
    said.append("Discount hunters had a discount with each of their purchases; loyal members are the rest who bought.")
    return said


def document(found: Uplift, question: Question) -> dict[str, Any]:
    """Every figure, for other programs."""
    one, other = groups(found, question.per_cent)
    return {
        "programme": question.programme,
        "rule": question.rule,
        "per_cent": question.per_cent,
        "randomised": found.is_randomised(question.per_cent),
        "method": "Welch",
        "spend": _difference(spend_difference(one, other)),
        "visits": _difference(visits_difference(one, other)),
        "sums": asdict(found),
    }


def _difference(found: Difference) -> dict[str, float | bool | None]:
    return {
        "with": found.with_it,
        "without": found.without,
        "difference": found.difference,
        "low": found.low,
        "high": found.high,
        "clear": found.is_clear,
    }
