"""The clock that follows the messages."""

import datetime as dt

import pytest

from protocol.message import Message
from protocol.session import Session
from switch.calendars import Calendars
from switch.clocks import FollowingAuthoriser, MessageClock
from switch.transaction import Transaction
from tests.switch.fakes import TOKENS, directory


def at(clock: MessageClock) -> dt.datetime:
    return dt.datetime.fromtimestamp(clock(), dt.UTC)


def test_it_shows_the_time_of_the_last_message() -> None:
    clock = MessageClock()
    year = at(clock).year
    clock.hear("0601120000")
    assert f"{at(clock):%m%d%H%M%S}" == "0601120000"
    assert abs(at(clock).year - year) <= 1


def test_a_story_goes_on_through_the_years() -> None:
    clock = MessageClock()
    clock.hear("0101000000")
    start = at(clock)
    for month in (4, 7, 10, 1) * 3:
        clock.hear(f"{month:02d}01000000")
    assert at(clock) == start.replace(year=start.year + 3)


@pytest.mark.parametrize(
    "sent", [None, b"0601120000", "", "1301000000", "0230000000", "06011200", "0601126000", "x" * 10]
)
def test_what_is_no_de7_changes_nothing(sent: object) -> None:
    clock = MessageClock()
    before = clock()
    clock.hear(sent)
    assert clock() == before


def test_a_message_is_decided_at_its_own_time() -> None:
    clock = MessageClock()
    authoriser = FollowingAuthoriser(directory(), TOKENS, Calendars(clock), 8.0, clock)

    class Nowhere:
        def accept(self) -> None: ...
        def release(self) -> None: ...
        def answer(self, message: Message, header: bytes) -> None: ...
        def flush(self) -> None: ...

    fields: dict[int, str | bytes] = {
        2: "6037990000000006", 3: "000000", 4: "000000500000", 11: "000001", 32: "581672", 41: "T0000001", 49: "364",
    }  # fmt: skip
    clock.hear("0301080000")
    year = at(clock).year
    for sent, day in (("0310203000", dt.date(year, 3, 11)), ("0310202900", dt.date(year, 3, 10))):
        found = authoriser.admit(Message("0200", {**fields, 7: sent}), Session(), Nowhere(), b"", 0.0)
        assert isinstance(found, Transaction)
        # Tehran is three and a half hours ahead: at 20:30 UTC its next day begins.
        assert found.business_date == day
