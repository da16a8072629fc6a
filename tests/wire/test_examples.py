"""Each example loads, alone or beside the others, and a till there gets the numbers that its comments tell."""

import asyncio
import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from adapters.postgres.audit import audit
from adapters.postgres.loading import load, read_directory
from protocol import tlv
from protocol.codes import ProcessingCode
from tests.conftest import TOKEN_KEY
from tests.replays import differences
from tests.wire.running import RunningSwitch
from tests.wire.stories import Story

pytestmark = pytest.mark.integration

EXAMPLES = Path(__file__).parents[2] / "examples"
VERTICALS = ("airline", "bank", "chain-store", "clinic", "insurer", "petrol", "restaurant")
TOLD = re.compile(
    r"^# +(?P<card>\d{16}) pays (?P<amount>[\d,]+) at (?P<till>\w{8}) \((?P<entry>\d\d)\): "
    r"to pay (?P<to_pay>[\d,]+), points (?P<points>[\d,]+), credit (?P<credit>[\d,]+)$",
    re.MULTILINE,
)


class Sale(NamedTuple):
    """What a comment tells of one purchase."""

    card: str
    till: str
    entry_mode: str
    amount: int
    outcome: tuple[int, int, int]


def sales(vertical: str) -> list[Sale]:
    text = (EXAMPLES / vertical / "programmes" / f"{vertical}.yaml").read_text(encoding="utf-8")

    def number(found: re.Match[str], name: str) -> int:
        return int(found[name].replace(",", ""))

    return [
        Sale(
            found["card"],
            found["till"],
            found["entry"],
            number(found, "amount"),
            (number(found, "to_pay"), number(found, "points"), number(found, "credit")),
        )
        for found in TOLD.finditer(text)
    ]


@pytest.mark.parametrize("vertical", VERTICALS)
def test_an_example_loads_into_an_empty_database(fresh_database_url: str, vertical: str) -> None:
    loaded = asyncio.run(load(fresh_database_url, TOKEN_KEY, EXAMPLES / vertical))
    assert (loaded.programmes, loaded.cards, loaded.notes) == (1, 10, ())
    assert [finding.check.name for finding in asyncio.run(audit(fresh_database_url)) if not finding.sound] == []


@pytest.fixture(scope="module")
def story(database_url: str) -> Iterator[Story]:
    for name in ("bazaar", *VERTICALS):
        assert asyncio.run(load(database_url, TOKEN_KEY, EXAMPLES / name)).programmes == 1
    next_month = (dt.datetime.now(dt.UTC).date().replace(day=1) + dt.timedelta(days=32)).replace(day=15)
    with RunningSwitch(database_url).with_arguments("--clock", "message") as switch, switch.till() as till:
        yield Story(till, database_url, next_month)
    assert [finding.check.name for finding in asyncio.run(audit(database_url)) if not finding.sound] == []
    for name in ("bazaar", *VERTICALS):
        assert asyncio.run(differences(database_url, name.replace("-", "_"))) == []


@pytest.mark.parametrize("vertical", VERTICALS)
def test_a_till_gets_the_numbers_of_the_comments(story: Story, vertical: str) -> None:
    found = sales(vertical)
    assert len(found) == 2
    terminals = {row.entry.code: row.entry for row in read_directory(EXAMPLES / vertical).terminals}
    for sale in found:
        terminal = terminals[sale.till]
        place = {"de32": terminal.acquirer, "de41": terminal.code, "de42": terminal.merchant}
        reply = story.buy(sale.amount, sale.card, **place, de22=f"{sale.entry_mode}0")
        assert (reply.code, reply.reason) == ("00", "")
        assert (reply.to_pay, reply.earned, reply.granted) == sale.outcome
        assert bool(reply.all("MS")) == (terminal.receipt_language is not None)


def test_a_bank_takes_adults_only_for_its_credit_card(story: Story) -> None:
    rows = read_directory(EXAMPLES / "bank").terminals
    terminal = next(row.entry for row in rows if row.entry.code == "BA000002")
    place = {"de32": terminal.acquirer, "de41": terminal.code, "de42": terminal.merchant}
    eighteen = story.today.replace(year=story.today.year - 18)

    def joins(card: str, club: str, born: dt.date) -> tuple[str, str]:
        text = tlv.build([("MB", f"0912777{card[-4:]}"), ("NA", "Sam"), ("BD", f"{born:%Y%m%d}"), ("CL", club)])
        reply = story.ask("0200", ProcessingCode.ENROLMENT, pan=card, amount=0, de48=text, **place)
        return reply.code, reply.reason

    junior, adult = "9901010000000083", "9901010000000091"
    tomorrow = eighteen + dt.timedelta(1)
    assert joins(junior, "credit_card", tomorrow) == ("05", "under age 18")
    assert joins(junior, "junior", tomorrow) == ("00", "")
    assert joins(adult, "credit_card", eighteen) == ("00", "")
    bought = {card: story.buy(2_500_000, card, **place, de22="050") for card in (junior, adult)}
    assert [(reply.code, reply.earned, reply.granted) for reply in bought.values()] == [
        ("00", 75 + 50, 0),
        ("00", 75, 25_000),
    ]
