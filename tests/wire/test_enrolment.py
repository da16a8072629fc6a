"""A person becomes a member at the till, and a family shares an account: over the wire, in one message each."""

import datetime as dt
from collections.abc import Iterator

import pytest

from protocol import tlv
from protocol.codes import ProcessingCode
from tests.wire.conftest import BAZAAR
from tests.wire.running import card, changed
from tests.wire.stories import Reply, Story, told

pytestmark = pytest.mark.integration

PROGRAMME = (BAZAAR / "programmes" / "bazaar.yaml").read_text()
DAY = dt.date(2027, 3, 1)
BLOCKED = 999_999_991
RICH = 700
CARDS = f"serial,programme,kind,status,credit\n{BLOCKED},bazaar,stripe,blocked,\n{RICH},bazaar,stripe,active,50000\n"
CLUBS = """
    INSERT INTO club (programme, code, name, open, fee, fee_may_be_owed, required) VALUES
        (1, 'OPEN', 'Open', true, 0, false, '{}'),
        (1, 'GIVEN', 'By invitation', false, 0, false, '{}'),
        (1, 'PAID', 'Paid', true, 20000, false, '{}'),
        (1, 'OWED', 'Paid later', true, 20000, true, '{}'),
        (1, 'LONG', 'Long form', true, 0, false, '{NA,BD}'),
        (1, 'LONGER', 'Longer form', true, 0, false, '{GE,ED,RE}') RETURNING id
"""


@pytest.fixture(scope="module")
def story(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("story")
    with told(database_url, folder, PROGRAMME, first_day=DAY, cards=CARDS, seeded=60) as running:
        running.rows(CLUBS)
        yield running


def mobile(number: int) -> str:
    return f"0912111{number:04d}"


def enrol(story: Story, serial: int | None, *, mti: str = "0200", **tags: str) -> Reply:
    """Enrol the holder of a card, or of a mobile alone."""
    text = tlv.build(tags.items())
    shown = {} if serial is not None else {"de2": ""}
    return story.ask(mti, ProcessingCode.ENROLMENT, pan=card(serial or 0), amount=0, de48=text, **shown)


def member(story: Story, number: int) -> dict[str, object]:
    (row,) = story.rows(
        "SELECT m.*, a.born, a.club, a.enrolled_on, a.credit, a.card_kind, a.member FROM member AS m JOIN account AS a"
        " ON a.shard = m.shard AND a.id = m.id WHERE m.mobile = $1",
        "+98" + mobile(number)[1:],
    )
    return dict(row)


def test_a_blank_card_gets_a_member(story: Story) -> None:
    story.buy(500_000, card(1))
    reply = enrol(story, 1, MB=mobile(1), NA="سارا احمدی", BD="19880321", CL="OPEN")
    assert (reply.code, reply.points) == ("00", 5)
    kept = member(story, 1)
    assert kept["name"] == "سارا احمدی"
    assert (kept["birth_date"], kept["born"], kept["complete"]) == (dt.date(1988, 3, 21), 19_880_321, True)
    assert (kept["enrolled_on"], kept["club"]) == (DAY, 1)
    # The mobile is a card from now on.
    by_mobile = story.ask("0100", "310000", pan=card(0), amount=0, de2="", de48=f"MB011{mobile(1)}")
    assert (by_mobile.code, by_mobile.points) == ("00", 5)
    bought = story.buy(100_000, card(0), de2="", de48=f"MB011{mobile(1)}")
    assert (bought.code, bought.points) == ("00", 6)


def test_a_repeat_gets_the_same_reply(story: Story) -> None:
    reply = enrol(story, 2, MB=mobile(2))
    assert reply.code == "00"
    assert story.till.ask(changed(reply.sent, "0201")).fields == reply.heard.fields
    assert story.till.ask(reply.sent).fields == reply.heard.fields


def test_incomplete_data_is_accepted_and_flagged(story: Story) -> None:
    assert enrol(story, 3, MB=mobile(3), NA="Reza").code == "00"
    assert (member(story, 3)["complete"], member(story, 3)["born"]) == (False, 0)


def test_a_mobile_that_has_a_card_already(story: Story) -> None:
    assert enrol(story, 4, MB=mobile(4)).code == "00"
    reply = enrol(story, 5, MB=f"+98{mobile(4)[1:]}")
    assert (reply.code, reply.reason) == ("05", f"mobile has card {card(4)[-4:]}")


def test_a_card_that_is_enrolled_already(story: Story) -> None:
    assert enrol(story, 6, MB=mobile(6)).code == "00"
    reply = enrol(story, 6, MB=mobile(7))
    assert (reply.code, reply.reason) == ("05", "card is enrolled")
    again = enrol(story, 6, MB=mobile(6))
    assert (again.code, again.reason) == ("05", "card is enrolled")


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        ({"NA": "Sara"}, "DE48 MB is missing"),
        ({"MB": "12"}, "DE48 MB is not a mobile"),
        ({"MB": mobile(8), "BD": "19990230"}, "DE48 BD is no birth date"),
        ({"MB": mobile(8), "BD": "13670101"}, "DE48 BD is no birth date"),
        ({"MB": mobile(8), "BD": "20990101"}, "DE48 BD is no birth date"),
        ({"MB": mobile(8), "NA": "x" * 201}, "DE48 NA is no name"),
        ({"MB": mobile(8), "CL": "NONE"}, "DE48 CL unknown"),
        ({"MB": mobile(8), "RF": "ABC"}, "DE48 RF unknown"),
        ({"MB": mobile(8), "RF": "ZZZZZZZZ"}, "DE48 RF unknown"),
        ({"MB": mobile(8), "CL": "LONG", "NA": "Sara"}, "DE48 BD is missing"),
    ],
)
def test_what_is_wrong_is_named(story: Story, tags: dict[str, str], reason: str) -> None:
    reply = enrol(story, 8, **tags)
    assert (reply.code, reply.reason) == ("30", reason)


def test_what_else_is_declined(story: Story) -> None:
    unknown = story.ask("0200", ProcessingCode.ENROLMENT, pan="6037990099999999", amount=0, de48=f"MB011{mobile(9)}")
    assert unknown.code == "14"
    assert enrol(story, BLOCKED, MB=mobile(9)).code == "78"
    assert enrol(story, 9, MB=mobile(9), CL="GIVEN").code == "05"
    # The format comes before the card in the order of DE39.
    assert enrol(story, BLOCKED, MB=mobile(9), CL="NONE").code == "30"


def test_a_friend_is_named_by_the_code_that_the_reply_gave(story: Story) -> None:
    (code,) = enrol(story, 10, MB=mobile(10)).all("RC")
    spoken = f"{code[:4]}-{code[4:]}".lower().replace("0", "o")
    assert enrol(story, 11, MB=mobile(11), RF=spoken).code == "00"
    referrer, brought = member(story, 10), member(story, 11)
    assert (brought["referrer_shard"], brought["referrer"]) == (referrer["shard"], referrer["id"])


def test_a_fee_is_paid_from_credit_or_owed_or_too_much(story: Story) -> None:
    poor = enrol(story, 12, MB=mobile(12), CL="PAID")
    assert (poor.code, poor.reason) == ("51", "too little for the fee")
    owing = enrol(story, 12, MB=mobile(12), CL="OWED")
    assert owing.code == "00"
    assert member(story, 12)["fee_owed"] == 20_000
    paying = enrol(story, RICH, MB=mobile(13), CL="PAID")
    assert (paying.code, paying.credit, paying.number("CS")) == ("00", 30_000, 20_000)
    assert (member(story, 13)["fee_owed"], member(story, 13)["credit"]) == (0, 30_000)
    (leg,) = story.rows("SELECT debit, credit, amount FROM leg WHERE leg = 'credit_spent'")
    assert tuple(leg) == ("member credit", "programme fees", 20_000)


def test_by_the_mobile_alone(story: Story) -> None:
    reply = enrol(story, None, MB=mobile(14), NA="Mina")
    assert reply.code == "00"
    assert member(story, 14)["card_kind"] == 5
    bought = story.buy(300_000, card(0), de2="", de48=f"MB011{mobile(14)}")
    assert (bought.code, bought.points) == ("00", 3)
    again = enrol(story, None, MB=mobile(14))
    assert (again.code, again.reason) == ("05", f"mobile has card {mobile(14)[-4:]}")
    story.rows("UPDATE programme SET virtual_cards = false WHERE id = 1 RETURNING id")
    assert enrol(story, None, MB=mobile(15)).reason == "a card is needed"
    story.rows("UPDATE programme SET virtual_cards = true WHERE id = 1 RETURNING id")


def test_an_advice_is_taken_whatever_became_of_the_card(story: Story) -> None:
    story.rows(
        "UPDATE account SET card_status = 1, version = version + 1 WHERE last_four = $1 RETURNING 1", card(16)[-4:]
    )
    assert enrol(story, 16, MB=mobile(16), CL="PAID", mti="0220").code == "00"
    assert member(story, 16)["fee_owed"] == 20_000


def test_an_enrolment_cannot_be_reversed(story: Story) -> None:
    reply = enrol(story, 17, MB=mobile(17))
    assert story.undo(reply, card(17)).code == "12"


def link(story: Story, sharing: int, blank: int) -> Reply:
    return story.ask("0200", ProcessingCode.CARD_LINK, pan=card(sharing), amount=0, de103=card(blank))


def test_a_family_shares_an_account(story: Story) -> None:
    enrol(story, 20, MB=mobile(20))
    story.buy(500_000, card(20))
    reply = link(story, 20, 21)
    assert (reply.code, reply.points) == ("00", 5)
    assert story.till.ask(changed(reply.sent, "0201")).fields == reply.heard.fields
    bought = story.buy(200_000, card(21))
    assert (bought.code, bought.points) == ("00", 7)
    assert story.balance(card(20)).points == 7
    # A card that came later links another one just as well, and points go to the account behind it.
    assert link(story, 21, 22).code == "00"
    story.buy(1_000_000, card(23))
    given = story.ask("0200", ProcessingCode.POINTS_TRANSFER, pan=card(23), amount=0, de48="PT0014", de103=card(22))
    assert given.code == "00"
    assert story.balance(card(20)).points == 11
    assert link(story, 20, 22).reason == "DE103 is the same account"
    assert story.undo(reply, card(20)).code == "12"


@pytest.mark.parametrize(
    ("blank", "code", "reason"),
    [
        (31, "05", "DE103 is not a blank card"),
        (BLOCKED, "78", "DE103: card blocked"),
        (RICH, "05", "DE103 is not a blank card"),
        (30, "12", "DE103 is the same card"),
        (777_777, "14", "DE103: no such card"),
    ],
)
def test_what_cannot_be_linked(story: Story, blank: int, code: str, reason: str) -> None:
    enrol(story, 30, MB=mobile(30))
    story.buy(500_000, card(31))
    reply = link(story, 30, blank)
    assert (reply.code, reply.reason) == (code, reason)


def test_a_card_without_a_member_shares_nothing(story: Story) -> None:
    reply = link(story, 40, 41)
    assert (reply.code, reply.reason) == ("05", "card is not enrolled")


def asks(reply: Reply) -> list[str]:
    return [line for line in reply.all("MS") if "لطفا" in line or "Please" in line]


def at_the_printer(story: Story, serial: int, language: str) -> Reply:
    return story.buy(100_000, card(serial), de41="T0000004", de48=f"LG002{language}")


def test_the_receipt_asks_for_what_is_missing_until_it_is_told(story: Story) -> None:
    assert enrol(story, 50, MB=mobile(50)).code == "00"
    assert asks(at_the_printer(story, 50, "fa")) == ["لطفا نام خود را بگویید", "لطفا تاریخ تولد خود را بگویید"]
    assert asks(at_the_printer(story, 50, "en")) == ["Please tell us your name", "Please tell us your birth date"]
    named = enrol(story, 50, MB=mobile(50), NA="Nima")
    assert (named.code, named.earned, named.points) == ("00", 0, 2)
    assert asks(at_the_printer(story, 50, "en")) == ["Please tell us your birth date"]
    # What is known stays as it was told first.
    all_told = enrol(story, 50, MB=mobile(50), NA="Somebody", BD="19900101", GE="M", ED="Diploma", RE="Tabriz")
    assert all_told.code == "00"
    assert asks(at_the_printer(story, 50, "fa")) == []
    kept = member(story, 50)
    assert (kept["name"], kept["born"], kept["gender"], kept["education"], kept["region"], kept["complete"]) == (
        "Nima", 19_900_101, "male", "Diploma", "Tabriz", True
    )  # fmt: skip
    assert story.till.ask(changed(all_told.sent, "0201")).fields == all_told.heard.fields
    assert story.balance(card(50)).points == 4


def test_nobody_tells_another_members_data(story: Story) -> None:
    assert enrol(story, 51, MB=mobile(51)).code == "00"
    for number in (52, 50):
        reply = enrol(story, 51, MB=mobile(number), NA="Mallory", BD="19900101")
        assert (reply.code, reply.reason) == ("05", "card is enrolled")
    assert (member(story, 51)["name"], member(story, 51)["complete"]) == (None, False)


def test_by_the_mobile_alone_what_was_missing_is_told_as_well(story: Story) -> None:
    assert enrol(story, None, MB=mobile(53)).code == "00"
    assert enrol(story, None, MB=mobile(53), NA="Mina", BD="19910203").code == "00"
    assert (member(story, 53)["born"], member(story, 53)["complete"]) == (19_910_203, True)


def test_a_club_with_a_long_form(story: Story) -> None:
    told = {"MB": mobile(54), "CL": "LONGER"}
    for tag, value in (("ED", "PhD"), ("GE", "F"), ("RE", "Yazd")):
        reply = enrol(story, 54, **told)
        assert (reply.code, reply.reason) == ("30", f"DE48 {tag} is missing")
        told[tag] = value
    assert enrol(story, 54, **told).code == "00"
    kept = member(story, 54)
    assert (kept["gender"], kept["education"], kept["region"]) == ("female", "PhD", "Yazd")
