"""What wide messages ask for: read, or refused with 30 and the tag's name, before anything is looked up."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.tlv import build
from switch.member_data import MemberData
from switch.referral import code_of
from switch.refusals import Refusal
from switch.wide_requests import (
    CARD_LINK,
    CONVERSION,
    ENROLMENT,
    TRANSFER,
    CardLink,
    Conversion,
    Enrolment,
    Transfer,
    WideRequest,
    read_request,
    with_second_card,
)
from tests.switch.fakes import TOKENS

TODAY = dt.date(2026, 11, 23)
PAN, SECOND = "6037990000000006", "6037990000000014"
CARD = TOKENS.card(PAN)


def read(kind: int, points: int = -1, **fields: str) -> WideRequest | Refusal:
    return read_request(kind, {int(name[2:]): text for name, text in fields.items()}, CARD, points, TOKENS, TODAY)


def enrolment(**tags: str) -> WideRequest | Refusal:
    return read(ENROLMENT, de2=PAN, de48=build(tags.items()))


def test_an_enrolment_with_all_that_can_be_told() -> None:
    code = code_of(TOKENS, (1, 2))
    asked = enrolment(MB="09121234567", NA=" علی\u200cرضا ", BD="19880321", RF=code.code.lower(), CL="GOLD", XX="?")
    assert asked == Enrolment("+989121234567", False, MemberData("علی\u200cرضا", dt.date(1988, 3, 21)), code, "GOLD")
    assert asked.tags == {"NA", "BD", "RF"}


def test_an_enrolment_with_a_long_form() -> None:
    asked = enrolment(MB="09121234567", GE="F", ED=" کارشناسی ", RE="Tehran", NA="")
    assert isinstance(asked, Enrolment)
    assert asked.told == MemberData(gender="female", education="کارشناسی", region="Tehran")
    assert asked.tags == {"GE", "ED", "RE"}


def test_an_enrolment_with_a_mobile_alone() -> None:
    asked = read(ENROLMENT, de48=build([("MB", "+989121234567")]))
    assert asked == Enrolment("+989121234567", True)
    assert asked.tags == frozenset()


def test_a_track_is_a_card() -> None:
    asked = read(ENROLMENT, de35=f"{PAN}=2912", de48=build([("MB", "09121234567")]))
    assert isinstance(asked, Enrolment)
    assert not asked.without_card


def test_what_says_who_somebody_is_stands_in_no_repr() -> None:
    text = repr(enrolment(MB="09121234567", NA="Sara", BD="19880321"))
    assert "912" not in text
    assert "Sara" not in text
    assert "1988" not in text


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        ({}, "DE48 MB is missing"),
        ({"MB": ""}, "DE48 MB is missing"),
        ({"MB": "0912"}, "DE48 MB is not a mobile"),
        ({"NA": "x" * 201}, "DE48 NA is no name"),
        ({"NA": "a\nb"}, "DE48 NA is no name"),
        ({"BD": "1988-03-21"}, "DE48 BD is no birth date"),
        ({"BD": "19880231"}, "DE48 BD is no birth date"),
        ({"BD": "18991231"}, "DE48 BD is no birth date"),
        ({"BD": "20261124"}, "DE48 BD is no birth date"),
        ({"BD": "۱۹۸۸۰۳۲۱"}, "DE48 BD is no birth date"),
        ({"GE": "X"}, "DE48 GE is not F or M"),
        ({"GE": "female"}, "DE48 GE is not F or M"),
        ({"ED": "e" * 41}, "DE48 ED is no such word"),
        ({"RE": "a\tb"}, "DE48 RE is no such word"),
        ({"RF": "nobody"}, "DE48 RF unknown"),
        ({"CL": "c" * 41}, "DE48 CL unknown"),
    ],
)
def test_what_is_wrong_is_named(tags: dict[str, str], reason: str) -> None:
    given_tags = tags if not tags or "MB" in tags else {"MB": "09121234567"} | tags
    assert enrolment(**given_tags) == Refusal("30", reason)


@pytest.mark.parametrize("kind", [CARD_LINK, TRANSFER])
@pytest.mark.parametrize(
    ("fields", "refusal"),
    [
        ({}, Refusal("30", "DE103 is missing")),
        ({"de103": "60379900000000AB"}, Refusal("30", "DE103 is no card number")),
        ({"de103": "12345678901"}, Refusal("30", "DE103 is no card number")),
        ({"de103": PAN}, Refusal("12", "DE103 is the same card")),
    ],
)
def test_the_second_card(kind: int, fields: dict[str, str], refusal: Refusal) -> None:
    assert read(kind, 5, **fields) == refusal


def test_links_transfers_and_conversions() -> None:
    second = TOKENS.card(SECOND)
    assert read(CARD_LINK, de103=SECOND) == CardLink(second)
    assert read(TRANSFER, 5, de103=SECOND) == Transfer(second, 5)
    assert read(CONVERSION, 5) == Conversion(5)
    for kind in (TRANSFER, CONVERSION):
        assert read(kind, de103=SECOND) == Refusal("30", "DE48 PT is missing")


def test_every_reason_fits_de44() -> None:
    reasons = [read(kind, 1).reason for kind in (CARD_LINK, TRANSFER)]  # type: ignore[union-attr]
    assert all(len(reason) <= 25 and reason.isascii() for reason in reasons)


@given(st.text("0123456789", min_size=12, max_size=19), st.text("0123456789", min_size=12, max_size=19))
def test_the_second_card_is_part_of_what_was_asked(first: str, second: str) -> None:
    digests = {with_second_card(7, {103: number}, TOKENS) for number in (first, second)}
    assert len(digests) == len({first, second})
    assert 7 not in digests
    assert with_second_card(7, {}, TOKENS) == 7
