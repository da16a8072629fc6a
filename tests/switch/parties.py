"""Cards and accounts as a wide message finds them."""

import datetime as dt

from switch.card_checks import Context
from switch.wide_ports import AccountRow, Party
from tests.switch.fakes import live_bazaar

BAZAAR = live_bazaar().live[1]
DAY = dt.date(2026, 11, 23)
MONTH = 26 * 12 + 10
"""November 2026, counted from January 2000."""


def account(
    number: int = 1, *, points: int = 0, credit: int = 0, lots: bytes = b"", programme: int = 1, status: int = 0,
    member: int | None = None, untouched: bool = True, reserves: bytes = b"",
) -> AccountRow:  # fmt: skip
    return AccountRow(
        number % 4, number, 3, programme, status, points, credit, lots, member, "0006", untouched, reserves=reserves
    )


def party(row: AccountRow, *, is_first: bool = True, status: int = 0, expires_on: dt.date | None = None) -> Party:
    return Party(is_first, status, 1, "0006", expires_on, row)


def context(**given: object) -> Context:
    usual: dict[str, object] = {
        "programme": BAZAAR, "institution": 1, "business_date": DAY, "local_date": DAY, "local_month": MONTH,
    }  # fmt: skip
    return Context(**usual | given)  # type: ignore[arg-type]  # each test names what it is about
