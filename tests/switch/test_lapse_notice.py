"""What receipts say beside what was decided: points that lapse soon."""

import datetime as dt

import pytest

from cext._kernel import Account, Decision
from cext.reference.lots import pack
from switch.programme import load
from switch.receipts import Printer
from switch.telling import Telling

PROGRAMME = """
programme: bazaar
owner: KHATAM
currency: 364
timezone: Asia/Tehran
point: {value: 100, expires: 24 months, notice: 40 days}
rules:
  - id: base
    then: {points: {per: 100000}}
"""
JUNE = 27 * 12 + 5
LOTS = [(-1 + JUNE, 1), (JUNE, 20), (JUNE + 1, 300), (JUNE + 2, 4_000)]


def lines_on(day: dt.date, text: str = PROGRAMME) -> list[str]:
    account = Account(3, 7, 0, 1, 0, 4_321, 0, 0, 0, 0, 0, 0, 0, 0, pack(LOTS))
    decision = Decision("00", points_balance=4_321)
    compiled = load(text, ids=lambda _kind, _name: 1)
    telling = Telling(compiled, account, decision, (day - dt.date(1970, 1, 1)).days)
    return telling.lines("en", Printer(width=60))[1:]


@pytest.mark.parametrize(
    ("day", "lines"),
    [
        (dt.date(2027, 6, 20), ["20 points expire in 10 days"]),
        (dt.date(2027, 6, 21), ["20 points expire in 9 days", "300 points expire in 40 days"]),
        (dt.date(2027, 6, 30), ["20 points expire tonight", "300 points expire in 31 days"]),
        (dt.date(2027, 7, 1), ["300 points expire in 30 days"]),
        (dt.date(2027, 5, 1), ["1 points expire in 30 days"]),
    ],
)
def test_points_that_lapse_within_the_notice_are_told(day: dt.date, lines: list[str]) -> None:
    assert lines_on(day) == lines


def test_without_notice_nothing_is_told() -> None:
    assert lines_on(dt.date(2027, 6, 30), PROGRAMME.replace(", notice: 40 days", "")) == []


def test_what_is_owed_does_not_lapse() -> None:
    account = Account(3, 7, 0, 1, 0, -5, 0, 0, 0, 0, 0, 0, 0, 0, pack([(-1, -5)]))
    compiled = load(PROGRAMME, ids=lambda _kind, _name: 1)
    telling = Telling(compiled, account, Decision("00", points_balance=-5), 20_000)
    assert telling.lines("en", Printer()) == ["Points balance: -5"]
