"""What is wrong with a programme, line by line.

    ProgrammeError      the file is not a programme; `problems` names each mistake with its line
    ExpressionError     a condition or a number is not one, in words for its author; becomes a Problem

A mistake's text may quote a key or a fact's name, never more than a few characters of what was written.
"""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

PROBLEMS_MAX = 100
"""So many mistakes of a kind are told: looking for what was meant takes time, and a hostile file has many."""

_SHOWN = 40


class Severity(StrEnum):
    """An error keeps a programme from being used; a warning tells of what is surely not meant."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake: the line (from 1) of the YAML, where in the document, and what to do about it."""

    line: int
    path: str
    reason: str
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        place = f"line {self.line}: {self.path}" if self.path else f"line {self.line}"
        return f"{place}: {self.reason}"


class ProgrammeError(Exception):
    """A file that is not a valid programme. Base error of this package."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(str(problem) for problem in self.problems))


class ExpressionError(ValueError):
    """What is wrong with an expression, in words for its author."""


def shown(text: str) -> str:
    """A word of the author's, quoted and cut to a length fit for an error."""
    cut = text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
    return repr(cut)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean …?` with the nearest word that is known, or nothing."""
    near = difflib.get_close_matches(word[:_SHOWN], known, n=1)
    return f"; did you mean {near[0]}?" if near else ""
