"""The short cut of usual messages comes to what the authoriser says in full, and takes what it should."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cext._admission import Admission
from cext._kernel import Request
from protocol.message import Message
from protocol.session import Session
from protocol.tlv import build
from switch.authorise import Authoriser, Decline
from switch.calendars import Calendars
from switch.institutions import Directory
from switch.tokens import Tokens
from switch.transaction import Transaction
from tests.switch import fakes

NUMBERS = [name for name in dir(Request) if not name.startswith("_") and name not in ("carry", "be_at")]
APART = {"request", "decision", "belongs_to"}
TAGS = st.sampled_from(["PT", "CR", "LG", "MB", "NA", "EV", "RW"])
VALUES = st.sampled_from(["", "7", "12", "fa", "999999999999", "1234567890123", "۱۲"])
WISHES = st.lists(st.tuples(TAGS, VALUES), max_size=3)
FIELDS = {
    2: st.sampled_from(["6037990000000003", "1", "9" * 19]),
    3: st.sampled_from(["380000", "000000", "310000", "200000", "010000", "123456"]),
    4: st.sampled_from(["000000350000", "0", "000000000000"]),
    7: st.sampled_from(["1123093000", "0229000000", "1332000000", "0101000000"]),
    11: st.sampled_from(["000001", "999999"]),
    22: st.sampled_from(["021", "9", "051"]),
    32: st.sampled_from(["581672", "999999", "1"]),
    35: st.sampled_from(["6037990000000003=2812", "6037990000000003D2812", "=2812"]),
    37: st.sampled_from(["632909000001", ""]),
    41: st.sampled_from(["T0000001", "T0000002", "T0000003", "T9999999"]),
    42: st.sampled_from(["M00000000000001", "M00000000000002"]),
    48: WISHES.map(build) | st.sampled_from(["PT", "PT0x1", "PT0099", "LG002fa", "LG001é", "PT00212CR0013"]),
    49: st.sampled_from(["364", "840"]),
    90: st.sampled_from(["0100" + "0" * 38, "0200" + "0" * 38, "010000000711230929000000058167200000000000"]),
    63: st.sampled_from([build([("LI", "a;b;1;350000")]), "LI"]),
}
USUAL = Message(
    "0200",
    {
        2: "6037990000000003",
        3: "000000",
        4: "000000350000",
        7: "1123093000",
        11: "000001",
        22: "021",
        32: "581672",
        41: "T0000001",
        42: "M00000000000001",
        48: "LG002faPT00212",
        49: "364",
    },
)


def authoriser(tokens: Tokens = fakes.TOKENS) -> Authoriser:
    return Authoriser(fakes.directory(), tokens, Calendars(lambda: fakes.NOW), 5.0, lambda: fakes.NOW)


def told(outcome: Transaction | Decline) -> object:
    """Everything that a transaction holds, in a form that can be compared."""
    if isinstance(outcome, Decline):
        return outcome
    names = {name for name in dir(outcome) if not name.startswith("_")} - APART
    return {name: getattr(outcome, name) for name in names} | {
        f"request.{name}": getattr(outcome.request, name) for name in NUMBERS
    }


def both(house: Authoriser, message: Message) -> tuple[object, object]:
    session, link = Session(), fakes.CollectingLink()
    return (
        told(house.admit(message, session, link, b"head", 7.0)),
        told(house.check(message, session, link, b"head", 7.0)),
    )


@given(
    st.sampled_from(["0100", "0101", "0200", "0201", "0220", "0221", "0400"]),
    st.fixed_dictionaries({}, optional=FIELDS),
    st.sets(st.sampled_from(sorted(FIELDS)), max_size=4),
)
def test_the_short_cut_comes_to_the_same(mti: str, changed: dict[int, str], missing: set[int]) -> None:
    fields = {number: value for number, value in {**USUAL.fields, **changed}.items() if number not in missing}
    short, full = both(authoriser(), Message(mti, fields))
    assert short == full


@given(st.binary(min_size=16, max_size=64), st.integers(1, 4_096), st.text("0123456789", min_size=1, max_size=128))
def test_tokens_are_those_of_hashlib(key: bytes, shards: int, pan: str) -> None:
    tokens = Tokens(key, shards)
    house = authoriser(tokens)
    outcome = house.admit(Message("0200", {**USUAL.fields, 2: pan}), Session(), fakes.CollectingLink(), b"", 0.0)
    assert isinstance(outcome, Transaction)
    assert (outcome.shard, outcome.account_id, outcome.token_low) == tokens.card(pan)


@pytest.mark.parametrize("mti", ["0100", "0200", "0220", "0201"])
def test_usual_messages_take_it(mti: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Authoriser, "check", lambda *_: pytest.fail("the short cut was not taken"))
    code = "310000" if mti == "0100" else "000000"
    message = Message(mti, {**USUAL.fields, 3: code})
    outcome = authoriser().admit(message, Session(), fakes.CollectingLink(), b"", 0.0)
    assert isinstance(outcome, Transaction)
    assert outcome.suspect is (mti == "0201")


def test_new_reference_data_is_taken_over() -> None:
    house = authoriser()
    house.directory = Directory(2, (), (), (), (), {})
    outcome = house.admit(USUAL, Session(), fakes.CollectingLink(), b"", 0.0)
    assert isinstance(outcome, Decline)
    assert outcome.response_code == "58"


def test_a_session_that_is_signed_off_is_heeded() -> None:
    session = Session()
    session.network(Message("0800", {7: "1123093000", 11: "000001", 70: "002"}))
    outcome = authoriser().admit(USUAL, session, fakes.CollectingLink(), b"", 0.0)
    assert isinstance(outcome, Decline)


@pytest.mark.parametrize(("key", "shards"), [(b"", 4), (b"k" * 65, 4), (b"k" * 32, 0)])
def test_a_key_or_a_number_of_shards_that_is_none_is_refused(key: bytes, shards: int) -> None:
    with pytest.raises(ValueError, match=r"key|shard"):
        Admission(
            kinds={}, advices=(), repeats=(), sent_at=str, calendar_of=lambda _: int, clock=float, deadline_s=1.0,
            key=key, shards=shards,
        )  # fmt: skip


def told_of(mti: str, code: str, wishes: list[tuple[str, str]], **more: str) -> Transaction | Decline:
    fields = {**USUAL.fields, 3: code, 48: build(wishes), **{int(name[2:]): value for name, value in more.items()}}
    return authoriser().admit(Message(mti, fields), Session(), fakes.CollectingLink(), b"", 0.0)


@pytest.mark.parametrize("code", ["000000", "006000", "006500"])
@pytest.mark.parametrize("mti", ["0200", "0201", "0220"])
def test_a_reward_goes_with_a_purchase(mti: str, code: str) -> None:
    outcome = told_of(mti, code, [("LG", "fa"), ("RW", "LIP-5"), ("PT", "7")])
    assert isinstance(outcome, Transaction)
    assert (outcome.reward, outcome.asked) == ("LIP-5", "RW005LIP-5PT0017")


def test_a_reward_on_a_reversal_is_let_pass() -> None:
    named = "0200000001" + "1123093000" + "00000581672" + "0" * 11
    outcome = told_of("0400", "000000", [("RW", "LIP")], de90=named)
    assert isinstance(outcome, Transaction)
    assert outcome.reward == ""


@pytest.mark.parametrize(
    ("wishes", "code", "reason"),
    [
        ([("RW", "")], "000000", "DE48 RW is not one code"),
        ([("RW", "A"), ("RW", "B")], "000000", "DE48 RW is not one code"),
        ([("RW", "A"), ("RW", "A")], "000000", "DE48 RW is not one code"),
        ([("RW", "a b")], "000000", "DE48 RW is not one code"),
        ([("RW", "رژ")], "000000", "DE48 RW is not one code"),
        ([("RW", "A\0")], "000000", "DE48 RW is not one code"),
        ([("RW", "A" * 33)], "000000", "DE48 RW is not one code"),
        ([("RW", "A"), ("EV", "x")], "950000", "RW goes with a purchase"),
        ([("RW", "A")], "200000", "RW goes with a purchase"),
        ([("RW", "A"), ("PT", "5")], "406065", "RW goes with a purchase"),
    ],
)
def test_a_reward_that_is_no_wish(wishes: list[tuple[str, str]], code: str, reason: str) -> None:
    assert told_of("0200", code, wishes) == Decline("30", reason)
    assert len(reason) <= 25


HELD = "0100" + "000007" + "1123092900" + "581672".zfill(11) + "0" * 11


def checked(mti: str, code: str, **more: str) -> Transaction | Decline:
    fields = {**USUAL.fields, 3: code, **{int(name[2:]): value for name, value in more.items()}}
    message = Message(mti, {number: value for number, value in fields.items() if value})
    return authoriser().admit(message, Session(), fakes.CollectingLink(), b"", 0.0)


def test_a_quote_takes_the_short_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Authoriser, "check", lambda *_: pytest.fail("the short cut was not taken"))
    outcome = checked("0100", "000000")
    assert isinstance(outcome, Transaction)
    assert (outcome.kind, outcome.to_pay_in_reply, outcome.request.points_wanted) == (9, True, 12)


@pytest.mark.parametrize(
    ("code", "private", "points", "credit"),
    [
        ("006000", "", -1, -1),
        ("006000", "PT00212", 12, -1),
        ("006000", "CR00212", -1, -1),
        ("006500", "", 0, 350_000),
        ("006500", "CR00212", 0, 12),
        ("006500", "PT00212", 0, 350_000),
    ],
)
def test_a_hold_is_of_what_de3_says(code: str, private: str, points: int, credit: int) -> None:
    outcome = checked("0100", code, de48=private)
    assert isinstance(outcome, Transaction)
    assert (outcome.kind, outcome.request.hold_key, outcome.to_pay_in_reply) == (8, outcome.key, False)
    assert (outcome.request.points_wanted, outcome.request.credit_wanted) == (points, credit)


@pytest.mark.parametrize("code", ["000000", "006000", "006500"])
@pytest.mark.parametrize("missing", [4, 49])
def test_quotes_and_holds_say_how_much(code: str, missing: int) -> None:
    outcome = checked("0100", code, **{f"de{missing}": ""})
    assert outcome == Decline("30", f"DE{missing} is missing")


def test_a_purchase_may_name_a_hold_and_nothing_else() -> None:
    outcome = checked("0200", "006000", de90=HELD)
    assert isinstance(outcome, Transaction)
    assert outcome.original_name is not None
    assert (outcome.original_name.message_class, outcome.original_name.mti) == (1, "0100")
    for other in ("0200" + HELD[4:], "0" * 42):
        ignored = checked("0200", "000000", de90=other)
        assert isinstance(ignored, Transaction)
        assert ignored.original_name is None
    assert checked("0200", "000000", de90="0100" + "9" * 38) == Decline("30", "DE90 names no message")
    assert checked("0200", "000000", de90=HELD.replace("581672", "581673")) == Decline("30", "DE90 is not of this DE32")
