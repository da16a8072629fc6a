"""What the state machine has found, each as the short run that shows it."""

from collections.abc import Iterator

import pytest

from tests.ledger.bench import Bench
from tests.ledger.entries import Wish
from tests.ledger.run import Run
from tests.ledger.terms import MEAN, PLAIN, Purchase

pytestmark = pytest.mark.integration

BY_POINTS = Wish(by_points=True)


@pytest.fixture
def run(bench: Bench) -> Iterator[Run]:
    """A run told by hand. Each of its steps is compared with the model; at its end it is audited and replayed."""
    told = Run(bench)
    yield told
    told.finish()


def test_points_of_a_refund_taken_back_and_made_again_keep_their_month(run: Run) -> None:
    run.buy(0, 0, Purchase(1_000_000))
    run.wait(31)
    spent = run.buy(0, 0, Purchase(600), BY_POINTS)
    run.reverse(1, run.refund(0, spent, 600))
    run.refund(0, spent, 300)
    run.refund(0, spent, 300)


def test_points_that_came_back_too_late_are_not_made_new_by_a_second_refund(run: Run) -> None:
    run.buy(0, 0, Purchase(1_000_000))
    run.wait(2)
    spent = run.buy(0, 0, Purchase(600), BY_POINTS)
    run.wait(130)
    run.reverse(1, run.refund(0, spent, 600))
    run.refund(0, spent, 600)


def test_the_stamp_of_a_refund_taken_back_and_made_again_goes(run: Run) -> None:
    cut = run.buy(0, 0, Purchase(400_000, "haircut"))
    run.reverse(1, run.refund(0, cut, 400_000))
    run.refund(0, cut, 400_000)


def test_a_tier_reached_while_there_were_no_tier_years_lasts_for_the_first_of_them(run: Run) -> None:
    run.buy(0, 0, Purchase(3_000_000))
    run.bench.change_programme(MEAN)
    run.buy(0, 0, Purchase(5_000_000))
    run.bench.change_programme(PLAIN)
    bought = run.buy(0, 0, Purchase(1_000_000))
    assert "TR004gold" in str(bought.heard.fields[62])
