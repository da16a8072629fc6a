import pytest

from cext.reference.replay import AS_THEY_WERE
from switch.simulation.reading import BasketReader
from switch.simulation.replay import Basket

READER = BasketReader({"checkin": 3}, (("category", "bread"), ("sku", "CUT")), ("CUT", "TEA"), {"LIP": 2})


def test_a_basket_is_counted_in_the_drafts_numbers():
    asked = "PT00210LI018CUT;hair;2;100001LI014BUN;bread;3;30LI014RYE;bread;1;30"
    asked = asked.replace("LI018", f"LI{len('CUT;hair;2;100001'):03d}").replace(
        "LI014", f"LI{len('BUN;bread;3;30'):03d}"
    )
    assert READER(asked) == Basket(0, (4, 2), (50_000, 0), has_basket=True)


@pytest.mark.parametrize(("asked", "event"), [("EV007checkin", 3), ("EV005other", 0), ("PT0015", 0)])
def test_an_event_has_the_drafts_number(asked, event):
    assert READER(asked) == Basket(event, (0, 0))


@pytest.mark.parametrize(
    ("asked", "reward", "points"),
    [("RW003LIP", 2, -1), ("PT00212RW003LIP", 2, 12), ("RW003BAG", -1, -1), ("PT00212", 0, AS_THEY_WERE)],
)
def test_of_a_reward_the_points_that_pay_are_those_that_were_asked_for(asked, reward, points):
    assert READER(asked) == Basket(0, (0, 0), reward=reward, points_wanted=points)


@pytest.mark.parametrize("asked", ["EV999checkin", "x", "EV", "LI003a;b"])
def test_what_cannot_be_read_counts_as_not_told(asked):
    assert READER(asked) == READER("")


def test_without_a_basket_the_whole_purchase_stands_for_what_is_free():
    reader = BasketReader({}, (("free", "CUT"), ("sku", "CUT"), ("chosen", "CUT")), ("CUT",), {})
    assert reader("") == Basket(quantities=(1, 0, 0))
