"""`budgets list`, `level`, `add`: tables, exit codes, one sentence for what is wrong."""

from collections.abc import Callable

import pytest
from typer.testing import CliRunner, Result

from adapters.cli import app

pytestmark = pytest.mark.integration

PROGRAMME = """
programme: bazaar
owner: KHATAM
currency: 364
timezone: Asia/Tehran
point: {value: 100, expires: 24 months}
rules:
  - {id: a, then: {points: 5}, budget: {points: 1000000}}
  - {id: b, then: {discount: 700}, budget: {amount: 9000}}
  - {id: c, then: {points: 1}}
rewards:
  - {code: MUG, points: 5, then: {discount: 100}, budget: {amount: 300}}
"""


@pytest.fixture
def url(loaded: Callable[[str], str]) -> str:
    return loaded(PROGRAMME)


def run(*arguments: object, of: str = "budgets") -> Result:
    return CliRunner().invoke(app, [of, *map(str, arguments)], env={"COLUMNS": "160"})


def lines(*arguments: object, of: str = "budgets") -> list[list[str]]:
    result = run(*arguments, of=of)
    assert result.exit_code == 0, result.output
    return [line.split() for line in result.stdout.splitlines() if line.strip()]


def test_they_are_listed_as_they_were_dealt_out(url: str) -> None:
    assert url
    heading, *rows = lines("list")
    assert heading[:3] == ["programme", "rule", "unit"]
    assert rows == [
        ["bazaar", "a", "points", "1,000,000", "0", "1,000,000", "0", "1,000,000", "8", "125,000", "125,000"],
        ["bazaar", "b", "amount", "9,000", "0", "9,000", "0", "9,000", "1", "9,000", "9,000"],
        ["bazaar", "rewards.MUG", "amount", "300", "0", "300", "0", "300", "1", "300", "300"],
    ]
    assert lines("list", "another")[1:] == []


def test_one_is_raised_and_by_whom_is_kept(url: str) -> None:
    assert url
    assert lines("add", "bazaar", "b", 1000, "--as", "sara") == [
        ["b:", "10,000", "minor", "units", "left", "of", "10,000"]
    ]
    assert lines("add", "bazaar", "rewards.MUG", 1, "--as", "maryam")[0][1] == "301"
    *_, first, second = lines("list")
    assert (first[:3], first[-1]) == (["bazaar", "b", "1,000"], "sara")
    assert (second[:3], second[-1]) == (["bazaar", "rewards.MUG", "1"], "maryam")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("bazaar", "c", 5, "--as", "sara"), "programme bazaar has no rule c with a budget"),
        (("bazaar", "nothing", 5, "--as", "sara"), "has no rule nothing with a budget"),
        (("nowhere", "b", 5, "--as", "sara"), "programme nowhere has no rule b with a budget"),
        (("bazaar", "b'; DROP TABLE budget; --", 5, "--as", "sara"), "has no rule b'; DROP TABLE"),
        (("bazaar", "b", 0, "--as", "sara"), "raised by 1 to 999999999999"),
        (("bazaar", "b", 10**12, "--as", "sara"), "raised by 1 to 999999999999"),
        (("bazaar", "b", 10**30, "--as", "sara"), "raised by 1 to 999999999999"),
        (("bazaar", "b", 999_999_999_999, "--as", "sara"), "would be 1,000,000,008,999 in all"),
        (("bazaar", "b", 5, "--as", ""), "user"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_raised(url: str, arguments: tuple[object, ...], sentence: str) -> None:
    assert url
    result = run("add", *arguments)
    assert result.exit_code != 0
    assert sentence in result.output
    assert "Traceback" not in result.output
    assert [row[4] for row in lines("list")[1:]] == ["0", "0", "0"]


@pytest.mark.parametrize("arguments", [("bazaar", "b", "much", "--as", "sara"), ("bazaar", "b", 5), ("bazaar",)])
def test_what_is_no_command_is_refused(url: str, arguments: tuple[object, ...]) -> None:
    assert url
    assert run("add", *arguments).exit_code == 2


def test_levelling_says_what_it_changed(url: str) -> None:
    assert url
    assert lines("level") == [["0", "of", "3", "budgets", "levelled"]]
    assert lines("level", "another") == [["0", "of", "0", "budgets", "levelled"]]


def test_it_is_a_job_like_others(url: str) -> None:
    assert url
    heading, row = lines("run", "--job", "level", of="jobs")
    assert (heading[0], row[:2], row[3:]) == ("job", ["level", "bazaar"], ["3", "0", "0", "0", "0", "0"])
    assert lines("list", of="jobs")[1][3:5] == ["level", "bazaar"] or "level" in lines("list", of="jobs")[1]
