"""Mistakes in the words and lines of the file."""

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from switch.programme.document import Document, Path
from switch.programme.errors import PROBLEMS_MAX, Problem, Severity, did_you_mean, shown
from switch.programme.lifecycle import Bonus, Referral, TierYear
from switch.programme.model import (
    Budget,
    Choice,
    Club,
    Coupon,
    Gift,
    Grant,
    Message,
    Partner,
    Point,
    PointsPer,
    ProgrammeModel,
    Reward,
    Rule,
    Stamp,
    Then,
    Ticket,
    Tier,
    TierFrom,
    Uses,
    Validity,
)
from switch.programme.values import PATTERNS

_PARTS = (
    ProgrammeModel,
    Rule,
    Budget,
    Then,
    Point,
    PointsPer,
    Message,
    Reward,
    Stamp,
    Ticket,
    Uses,
    Grant,
    Tier,
    TierFrom,
    Club,
    Coupon,
    Validity,
    Partner,
    Choice,
    Gift,
    TierYear,
    Referral,
    Bonus,
)
_KEYS = tuple(dict.fromkeys(field.alias or name for part in _PARTS for name, field in part.model_fields.items()))


def problem_at(document: Document, location: Path, reason: str, severity: Severity = Severity.ERROR) -> Problem:
    """A mistake at the innermost part of a location that is in the file."""
    line, path = document.place(location)
    return Problem(line, _written(path), reason, severity)


def invalid(document: Document, error: ValidationError) -> list[Problem]:
    """What the model refuses, the first `PROBLEMS_MAX` of it."""
    refused = error.errors(include_url=False, include_input=False)
    return [_problem(document, details) for details in refused[:PROBLEMS_MAX]]


def _problem(document: Document, details: ErrorDetails) -> Problem:
    """One of pydantic's errors, with its line and in the words of the file."""
    location: Path = details["loc"]
    kind = details["type"]
    if kind == "missing":
        reason = f"the key {location[-1]} is required"
    elif kind == "extra_forbidden":
        reason = _unknown_key(str(location[-1]))
    elif kind == "string_pattern_mismatch":
        reason = PATTERNS[details["ctx"]["pattern"]]
    else:
        reason = details["msg"].removeprefix("Value error, ").removeprefix("Input ")
    return problem_at(document, location, reason)


def _unknown_key(key: str) -> str:
    return f"unknown key {shown(key)}" + did_you_mean(key, _KEYS)


def _written(path: Path) -> str:
    """('rules', 2, 'then') as `rules[2].then`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")[:120]
