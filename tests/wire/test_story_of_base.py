"""The clock follows the messages: points of base accrual live and die as the programme says."""

import datetime as dt
from pathlib import Path

import pytest

from tests.wire.conftest import BAZAAR
from tests.wire.running import card
from tests.wire.stories import told

pytestmark = pytest.mark.integration

PROGRAMME = (BAZAAR / "programmes" / "bazaar.yaml").read_text()


def test_points_lapse_with_the_month_in_which_they_expire(fresh_database_url: str, tmp_path: Path) -> None:
    with told(fresh_database_url, tmp_path, PROGRAMME, first_day=dt.date(2027, 1, 31)) as story:
        assert story.buy(1_000_000).points == 10
        assert story.after(1).buy(500_000).points == 15
        # 24 months on: those of January 2027 are good until the end of January 2029, those of February a month longer.
        story.walk_to(dt.date(2029, 1, 31))
        assert story.balance().points == 15
        assert story.after(1).balance().points == 5
        bought = story.buy(100_000)
        assert (bought.earned, bought.points) == (1, 6)
        (row,) = story.rows("SELECT sum(points_expired) AS expired FROM journal")
        assert row["expired"] == 10
        story.walk_to(dt.date(2029, 3, 1))
        assert story.balance().points == 1
        assert {2027, 2028, 2029} <= {row["at"].year for row in story.rows("SELECT at FROM journal")}


def test_what_comes_back_after_its_month_is_gone(fresh_database_url: str, tmp_path: Path) -> None:
    with told(fresh_database_url, tmp_path, PROGRAMME, first_day=dt.date(2027, 1, 10)) as story:
        story.buy(1_000_000)
        story.walk_to(dt.date(2029, 1, 20))
        redeemed = story.ask("0200", "006000", pan=card(0), amount=1_000, de48="PT00210")
        assert (redeemed.code, redeemed.points) == ("00", 0)
        assert story.after(20).undo(redeemed).points == 0
