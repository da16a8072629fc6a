"""The YAML reader: exact values, a line for each, and nothing hostile gets further."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switch.programme.document import BYTES_MAX, read
from switch.programme.errors import ProgrammeError

TEXT = """\
# a comment
name: bazaar
"quoted": "7"
number: 100_000
below: -3
zero: 0
octal: 010
sixty: 12:30
rate: 1.25
yes: yes
truth: true
nothing:
tilde: ~
folded: >
  one
  two
list:
  - 1
  - {a: 2,
     b: [3]}
last: end
"""


def test_values_are_what_was_written():
    assert read(TEXT).content == {
        "name": "bazaar",
        "quoted": "7",
        "number": 100_000,
        "below": -3,
        "zero": 0,
        "octal": "010",
        "sixty": "12:30",
        "rate": "1.25",
        "yes": "yes",
        "truth": True,
        "nothing": None,
        "tilde": None,
        "folded": "one two\n",
        "list": [1, {"a": 2, "b": [3]}],
        "last": "end",
    }


def test_every_value_has_its_line():
    lines = read(TEXT).lines
    assert lines[("name",)] == 2
    assert lines[("folded",)] == 14
    assert lines[("list", 0)] == 18
    assert lines[("list", 1, "a")] == 19
    assert lines[("list", 1, "b", 0)] == 20
    assert lines[("last",)] == 21


def test_a_location_is_found_by_its_innermost_part_in_the_file():
    document = read("rules:\n  - then:\n      points: {per: 1}\n")
    assert document.place(("rules", 0, "then", "points", "some tag", "per")) == (
        3,
        ("rules", 0, "then", "points", "per"),
    )
    assert document.place(("rules", 0, "then", "missing")) == (2, ("rules", 0, "then"))
    assert document.place(("nowhere",)) == (1, ())


HOSTILE = [
    ("a: &x 1\nb: *x\n", 1, "anchors are not allowed"),
    ("a: 1\nb: *x\n", 2, "aliases are not allowed"),
    ("a: 1\n*x : 2\n", 2, "aliases are not allowed"),
    ("a: !!python/object/apply:os.system ['true']\n", 1, "tags are not allowed"),
    ("a: 1\nb: !!str 2\n", 2, "tags are not allowed"),
    ("a: 1\n---\nb: 2\n", 2, "a programme is one YAML document"),
    ("a: 1\nb: 2\na: 3\n", 3, "the key 'a' is given twice"),
    ("a: 1\n? [1, 2]\n: 3\n", 2, "a key must be a plain word"),
    ("a: 1\nb: [1\n", 3, "not valid YAML"),
    ("a: 1\n\tb: 2\n", 2, "not valid YAML"),
    ("a: 1\nb: \x00\n", 2, "a character that YAML does not allow"),
    ("a: 1\nb: \ud800\n", 2, "a character that YAML does not allow"),
    ("a: 1\nb: " + "9" * 19, 2, "at most 18 digits"),
    ("a: " + "[" * 50_000, 1, "nested deeper"),
    ("a:\n" + "".join(" " * n + "- \n" for n in range(1, 200)), 17, "nested deeper"),
    ("a: [" + "1," * 60_000 + "]", 1, "at most 20000 values"),
    ("a: " + "x" * BYTES_MAX, 1, "at most 131072 bytes"),
    ("a: 'ت" + "ت" * (BYTES_MAX // 2) + "'", 1, "at most 131072 bytes"),
]


@pytest.mark.parametrize(("text", "line", "reason"), HOSTILE)
def test_hostile_documents(text, line, reason):
    with pytest.raises(ProgrammeError, match=reason) as raised:
        read(text)
    (problem,) = raised.value.problems
    assert problem.line == line
    assert len(str(problem)) < 200


@given(st.text(st.sampled_from(" \n-:[]{}&*!|>'\"%@`#,?ab0\t"), max_size=60))
def test_any_text_is_read_or_refused(text):
    try:
        document = read(text)
    except ProgrammeError:
        return
    assert document.content is None or () in document.lines
