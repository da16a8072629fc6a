"""What is wrong with a programme, line by line.

    ProgrammeError      the file is not a programme; `problems` names each mistake with its line

A mistake's text may quote a key or a fact's name, never more than a few characters of what was written.
"""

from dataclasses import dataclass

_SHOWN = 40


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake: the line (from 1) of the YAML, where in the document, and what to do about it."""

    line: int
    path: str
    reason: str

    def __str__(self) -> str:
        place = f"line {self.line}: {self.path}" if self.path else f"line {self.line}"
        return f"{place}: {self.reason}"


class ProgrammeError(Exception):
    """A file that is not a valid programme. Base error of this package."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(str(problem) for problem in self.problems))


def shown(text: str) -> str:
    """A word of the author's, quoted and cut to a length fit for an error."""
    cut = text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
    return repr(cut)
