"""Reads YAML as far as a programme needs it, with the line of every value.

Only mappings, lists and plain values: no tags, no anchors and aliases (a few bytes could become gigabytes),
no second document, no key twice. A plain value is a whole number, `true`, `false`, nothing, or text exactly
as written: so `1.25` stays exact, `010` is no octal and `12:30` no number of base 60. The reader walks the
parser's events and does not recurse.
"""

import re
from dataclasses import dataclass

import yaml

from switch.programme.errors import Problem, ProgrammeError, shown

BYTES_MAX = 131_072
VALUES_MAX = 20_000
DEPTH_MAX = 16
DIGITS_MAX = 18

Value = str | int | bool | None | list["Value"] | dict[str, "Value"]
Path = tuple[str | int, ...]

_INTEGER = re.compile(r"-?(0|[1-9][0-9_]*)", re.ASCII)
_WORDS: dict[str, bool | None] = {"": None, "~": None, "null": None, "true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Document:
    """A file's content, and the line (from 1) where each value, or its key, stands, by its path."""

    content: Value
    lines: dict[Path, int]

    def place(self, location: Path) -> tuple[int, Path]:
        """The line and path of the innermost part of a location that is in the file."""
        path: Path = ()
        for step in location:
            if (*path, step) in self.lines:
                path = (*path, step)
        return self.lines.get(path, 1), path


def read(text: str) -> Document:
    """Read one document. Raises ProgrammeError with the line of the first thing that is not allowed."""
    if len(text.encode("utf-8", "surrogatepass")) > BYTES_MAX:
        raise ProgrammeError([Problem(1, "", f"a programme has at most {BYTES_MAX} bytes")])
    builder = _Builder()
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            builder.take(event)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise ProgrammeError([Problem(line, "", "a character that YAML does not allow")]) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = 1 if mark is None else mark.line + 1
        raise ProgrammeError([Problem(line, "", "not valid YAML: " + (error.problem or "cannot be read"))]) from None
    return Document(builder.content, builder.lines)


@dataclass(slots=True)
class _Open:
    """A mapping or list that is being filled. `key`, on `line`, is the key whose value comes next."""

    value: dict[str, Value] | list[Value]
    path: Path
    key: str | None = None
    line: int = 1


class _Builder:
    """Turns the parser's events into values."""

    def __init__(self) -> None:
        self.content: Value = None
        self.lines: dict[Path, int] = {}
        self._open: list[_Open] = []
        self._documents = 0
        self._values = 0

    def take(self, event: yaml.Event) -> None:
        line = 1 if event.start_mark is None else event.start_mark.line + 1
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise _problem(line, "a programme is one YAML document")
        elif isinstance(event, yaml.AliasEvent):
            raise _problem(line, "aliases are not allowed")
        elif isinstance(event, yaml.NodeEvent):
            self._node(event, line)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._open.pop()

    def _node(self, event: yaml.NodeEvent, line: int) -> None:
        self._values += 1
        if self._values > VALUES_MAX:
            raise _problem(line, f"a programme has at most {VALUES_MAX} values")
        if event.anchor is not None:
            raise _problem(line, "anchors are not allowed")
        if getattr(event, "tag", None) is not None:
            raise _problem(line, "tags are not allowed")
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event, line)
            return
        if len(self._open) >= DEPTH_MAX:
            raise _problem(line, f"nested deeper than {DEPTH_MAX} levels")
        value: dict[str, Value] | list[Value] = {} if isinstance(event, yaml.MappingStartEvent) else []
        path = self._put(value, line)
        self._open.append(_Open(value, path))

    def _scalar(self, event: yaml.ScalarEvent, line: int) -> None:
        inside = self._open[-1] if self._open else None
        if inside is not None and isinstance(inside.value, dict) and inside.key is None:
            if event.value in inside.value:
                raise _problem(line, f"the key {shown(event.value)} is given twice")
            inside.key, inside.line = event.value, line
            return
        self._put(_resolved(event.value, line) if event.style is None else event.value, line)

    def _put(self, value: Value, line: int) -> Path:
        if not self._open:
            self.content = value
            self.lines[()] = line
            return ()
        inside = self._open[-1]
        if isinstance(inside.value, list):
            path: Path = (*inside.path, len(inside.value))
            inside.value.append(value)
        elif inside.key is None:
            raise _problem(line, "a key must be a plain word")
        else:
            path = (*inside.path, inside.key)
            inside.value[inside.key] = value
            # A block begins below its key: the key's line is the one to look at.
            inside.key, line = None, inside.line
        self.lines[path] = line
        return path


def _resolved(text: str, line: int) -> str | int | bool | None:
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text) is None:
        return text
    digits = text.replace("_", "")
    if len(digits) > DIGITS_MAX:
        raise _problem(line, f"a number has at most {DIGITS_MAX} digits")
    return int(digits)


def _problem(line: int, reason: str) -> ProgrammeError:
    return ProgrammeError([Problem(line, "", reason)])
