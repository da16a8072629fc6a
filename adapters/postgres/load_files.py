"""Files given to `load`, read with care: bounded, whole, and every complaint with its file and line.

A complaint never carries a value out of a file: there are card numbers in them.
"""

import csv
import io
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from adapters.postgres.errors import LoadingError
from switch.programme.document import BYTES_MAX as YAML_BYTES_MAX
from switch.programme.document import read
from switch.programme.errors import ProgrammeError

CSV_BYTES_MAX = 256 << 20
CSV_FIELD_CHARACTERS_MAX = 1_000
PROBLEMS_MAX = 20

Model = TypeVar("Model", bound=BaseModel)

_WORDING = {
    "missing": "is missing",
    "extra_forbidden": "is not known here",
    "string_type": "must be text; put it in quotes",
    "string_too_short": "is too short",
    "string_too_long": "is too long",
}


@dataclass(slots=True)
class Problems:
    """What is wrong so far. Raises `LoadingError` once there is too much to be of use, or at `refuse_any`."""

    lines: list[str] = field(default_factory=list)

    def add(self, file: str, line: int | None, text: str) -> None:
        """Note what is wrong at a place, and what to do."""
        self.lines.append(f"{file}:{line}: {text}" if line else f"{file}: {text}")
        if len(self.lines) >= PROBLEMS_MAX:
            raise LoadingError([*self.lines, f"({PROBLEMS_MAX} problems: the rest was not looked at)"])

    def refuse_any(self) -> None:
        """Raise `LoadingError` if anything is wrong."""
        if self.lines:
            raise LoadingError(self.lines)


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a CSV file, as a checked model."""

    line: int
    entry: Any


def read_text(path: Path, file: str, bytes_max: int, problems: Problems) -> str | None:
    """A whole text file, or None and a complaint."""
    try:
        size = path.stat().st_size
        if size > bytes_max:
            problems.add(file, None, f"is too big: {size} bytes, at most {bytes_max} are read.")
            return None
        data = path.read_bytes()
    except OSError as fault:
        problems.add(file, None, f"cannot be read: {fault.strerror}.")
        return None
    nul = data.find(b"\0")
    if nul >= 0:
        problems.add(file, data.count(b"\n", 0, nul) + 1, "holds a NUL byte: this is not a text file.")
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        problems.add(file, data.count(b"\n", 0, fault.start) + 1, "is not UTF-8: save the file as UTF-8.")
        return None


def read_yaml(path: Path, file: str, model: type[Model], problems: Problems) -> Model | None:
    """A YAML file as a model, or None and a complaint for each wrong place."""
    text = read_text(path, file, YAML_BYTES_MAX, problems)
    if text is None:
        return None
    try:
        found = read(text)
    except ProgrammeError as fault:
        for problem in fault.problems:
            problems.add(file, problem.line, f"{problem.reason}.")
        return None
    try:
        return model.model_validate(found.content)
    except ValidationError as fault:
        for error in fault.errors(include_url=False, include_input=False, include_context=False):
            line, _ = found.place(tuple(error["loc"]))
            name = ".".join(str(part) for part in error["loc"]) or "the file"
            problems.add(file, line, f"{name} {wording(error['type'], error['msg'])}.")
        return None


def wording(kind: str, message: str) -> str:
    """Pydantic's complaint in our words; it never carries the value."""
    text = message.removeprefix("Value error, ").rstrip(".")
    return _WORDING.get(kind) or text.replace("Input should be", "must be").replace("String should", "must")


def read_csv(path: Path, file: str, model: type[BaseModel], problems: Problems) -> Iterator[Row]:
    """The lines of a CSV file with a heading, as models; wrong lines become complaints. Empty fields count as
    not given.
    """
    text = read_text(path, file, CSV_BYTES_MAX, problems)
    if text is None:
        return
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    known = list(model.model_fields)
    try:
        heading = [name.strip() for name in next(reader, [])]
        unknown = sorted(set(heading) - set(known))
        if not heading:
            problems.add(file, 1, f"is empty: its first line must name columns of {', '.join(known)}.")
            return
        if unknown or len(set(heading)) < len(heading):
            what = f"{len(unknown)} unknown columns" if unknown else "a column twice"
            problems.add(file, 1, f"the heading names {what}: the columns are {', '.join(known)}.")
            return
        for fields in reader:
            if not fields:
                continue
            if len(fields) != len(heading):
                problems.add(file, reader.line_num, f"has {len(fields)} fields, the heading has {len(heading)}.")
                continue
            if max(map(len, fields)) > CSV_FIELD_CHARACTERS_MAX:
                problems.add(file, reader.line_num, f"has a field of more than {CSV_FIELD_CHARACTERS_MAX} characters.")
                continue
            entry = _row(dict(zip(heading, fields, strict=True)), file, reader.line_num, model, problems)
            if entry is not None:
                yield Row(reader.line_num, entry)
    except csv.Error as fault:
        problems.add(file, reader.line_num, f"is not CSV: {fault}.")


def _row(given: dict[str, str], file: str, line: int, model: type[BaseModel], problems: Problems) -> BaseModel | None:
    try:
        return model.model_validate({name: text for name, field in given.items() if (text := field.strip())})
    except ValidationError as fault:
        for error in fault.errors(include_url=False, include_input=False, include_context=False):
            name = ".".join(str(part) for part in error["loc"])
            text = wording(error["type"], error["msg"])
            problems.add(file, line, f"{name} {text}." if name else f"{text}.")
        return None


def refuse_repeated(rows: Iterator[tuple[int, Hashable]], file: str, what: str, problems: Problems) -> None:
    """Complain of each line whose key stood in an earlier one."""
    first: dict[Hashable, int] = {}
    for line, key in rows:
        earlier = first.setdefault(key, line)
        if earlier != line:
            problems.add(file, line, f"{what} stands in line {earlier} already.")
