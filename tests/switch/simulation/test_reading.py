import pytest

from switch.simulation.reading import BasketReader

READER = BasketReader({"checkin": 3}, (("category", "bread"), ("sku", "CUT")), ("CUT", "TEA"), {"LIP": 2})


def test_a_basket_is_counted_in_the_drafts_numbers():
    asked = "PT00210LI018CUT;hair;2;100001LI014BUN;bread;3;30LI014RYE;bread;1;30"
    asked = asked.replace("LI018", f"LI{len('CUT;hair;2;100001'):03d}").replace(
        "LI014", f"LI{len('BUN;bread;3;30'):03d}"
    )
    assert READER(asked) == (0, (4, 2), (50_000, 0), True)


@pytest.mark.parametrize(("asked", "event"), [("EV007checkin", 3), ("EV005other", 0), ("PT0015", 0)])
def test_an_event_has_the_drafts_number(asked, event):
    assert READER(asked) == (event, (0, 0), (), False)


@pytest.mark.parametrize("asked", ["EV999checkin", "x", "EV", "LI003a;b"])
def test_what_cannot_be_read_counts_as_not_told(asked):
    assert READER(asked) == READER("")


def test_without_a_basket_the_whole_purchase_stands_for_what_is_free():
    assert BasketReader({}, (("free", "CUT"), ("sku", "CUT")), ("CUT",), {})("") == (
        0,
        (1, 0),
        (),
        False,
        0,
        AS_THEY_WERE,
    )
