"""Points change hands over the wire: lot by lot, once, in order of precedence, and the ledger stays sound."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from protocol.codes import ProcessingCode
from tests.wire.conftest import BAZAAR
from tests.wire.running import card, changed, message, original_of
from tests.wire.stories import Reply, Story, told

pytestmark = pytest.mark.integration

PROGRAMME = (BAZAAR / "programmes" / "bazaar.yaml").read_text()
DAY = dt.date(2027, 1, 31)
BLOCKED, EXPIRED = 999_999_991, 999_999_992
CARDS = (
    "serial,programme,kind,status,expires\n"
    f"{BLOCKED},bazaar,stripe,blocked,\n"
    f"{EXPIRED},bazaar,stripe,active,2024-12-31\n"
)


@pytest.fixture(scope="module")
def url(database_url: str) -> str:
    return database_url


@pytest.fixture(scope="module")
def story(url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    with told(url, tmp_path_factory.mktemp("story"), PROGRAMME, first_day=DAY, cards=CARDS) as running:
        yield running


def give(story: Story, giver: int, receiver: int, points: int, **more: str) -> Reply:
    """Transfer points between two cards."""
    wish = {"de48": f"PT{len(str(points)):03d}{points}", "de103": card(receiver)}
    return story.ask("0200", ProcessingCode.POINTS_TRANSFER, pan=card(giver), amount=0, **{**wish, **more})


def lots(story: Story, serial: int) -> list[tuple[int, int]]:
    rows = story.rows(
        "SELECT l.month, l.points FROM account AS a CROSS JOIN LATERAL lots_of(a.lots) AS l WHERE a.last_four = $1"
        " ORDER BY l.month",
        card(serial)[-4:],
    )
    return [(row["month"], row["points"]) for row in rows]


def test_points_keep_their_month_and_come_from_the_earliest_lot(fresh_database_url: str, tmp_path: Path) -> None:
    with told(fresh_database_url, tmp_path, PROGRAMME, first_day=DAY) as story:
        story.buy(1_000_000, card(1))
        story.after(1).buy(500_000, card(1))
        reply = give(story, 1, 2, 12)
        assert (reply.code, reply.points) == ("00", 3)
        assert story.balance(card(2)).points == 12
        # January 2029 and February 2029, in months since January 2000.
        assert lots(story, 2) == [(348, 10), (349, 2)]
        assert lots(story, 1) == [(349, 3)]
        giver, receiver = story.rows(
            "SELECT shard, seq, class, points_adjusted, counterpart_shard, counterpart_seq FROM journal"
            " WHERE processing_code = 400000 ORDER BY class"
        )
        assert (giver["points_adjusted"], receiver["points_adjusted"]) == (-12, 12)
        assert (giver["counterpart_shard"], giver["counterpart_seq"]) == (receiver["shard"], receiver["seq"])
        assert (receiver["counterpart_shard"], receiver["counterpart_seq"]) == (giver["shard"], giver["seq"])
        legs = story.rows("SELECT debit, credit, amount FROM leg WHERE leg = 'points_adjusted' ORDER BY debit")
        assert [tuple(row) for row in legs] == [("member points", "transfers", 12), ("transfers", "member points", 12)]
        # What was given lives as long as it would have lived with the giver.
        story.walk_to(dt.date(2029, 2, 1))
        assert story.balance(card(2)).points == 2


def test_what_lapsed_is_written_off_on_both_sides(fresh_database_url: str, tmp_path: Path) -> None:
    with told(fresh_database_url, tmp_path, PROGRAMME, first_day=DAY) as story:
        story.buy(1_000_000, card(1))
        story.buy(300_000, card(2))
        story.walk_to(dt.date(2029, 2, 1)).buy(500_000, card(1))
        assert give(story, 1, 2, 6).code == "51"
        reply = give(story, 1, 2, 5)
        assert (reply.code, reply.points) == ("00", 0)
        assert story.balance(card(2)).points == 5
        (row,) = story.rows("SELECT sum(points_expired) AS expired FROM journal")
        assert row["expired"] == 13


def test_a_repeat_moves_nothing(story: Story) -> None:
    story.buy(1_000_000, card(3))
    reply = give(story, 3, 4, 4)
    assert (reply.code, reply.points) == ("00", 6)
    till = story.till
    for copy in (changed(reply.sent, "0201"), reply.sent, changed(reply.sent, "0201")):
        heard = till.ask(copy)
        assert heard.fields == reply.heard.fields
    assert story.balance(card(3)).points == 6
    # DE103 is part of what was asked: the same key for another receiver is another message.
    other = till.ask(changed(reply.sent, "0201", de103=card(5)))
    assert other.fields[39] == "94"
    assert story.balance(card(5)).points == 0


@pytest.mark.parametrize(
    ("wrong", "code", "reason"),
    [
        ({"de103": ""}, "30", "DE103 is missing"),
        ({"de103": "12AB"}, "30", "DE103 is no card number"),
        ({"de48": "LG002fa"}, "30", "DE48 PT is missing"),
        ({"de103": card(6)}, "12", "DE103 is the same card"),
        ({"de103": "6037990099999999"}, "14", "DE103: no such card"),
        ({"de103": card(BLOCKED)}, "78", "DE103: card blocked"),
        ({"de103": card(EXPIRED)}, "54", "DE103: card expired"),
        ({"de48": "PT0010"}, "13", "DE48 PT is zero"),
        ({"de48": "PT00511000"}, "51", "too few points or credit"),
        # Several at once: the first in the order of DE39 answers.
        ({"de103": card(BLOCKED), "de48": "PT0010"}, "78", "DE103: card blocked"),
        ({"de103": card(EXPIRED), "de48": "PT00511000"}, "54", "DE103: card expired"),
    ],
)
def test_what_is_declined(story: Story, wrong: dict[str, str], code: str, reason: str) -> None:
    fields = {"de48": "PT0011", "de103": card(7)} | wrong
    fields = {name: value for name, value in fields.items() if value}
    reply = story.ask("0200", ProcessingCode.POINTS_TRANSFER, pan=card(6), amount=0, **fields)
    assert (reply.code, reply.reason) == (code, reason)


def test_a_card_of_another_programme(fresh_database_url: str, tmp_path: Path) -> None:
    other = PROGRAMME.replace("programme: bazaar", "programme: other").replace("owner: KHATAM", "owner: MELLI")
    cards = "serial,programme,kind,status\n555,other,stripe,active\n"
    with told(fresh_database_url, tmp_path, PROGRAMME, first_day=DAY, cards=cards, others=[other]) as story:
        reply = give(story, 1, 555, 1)
        assert (reply.code, reply.reason) == ("57", "DE103: other programme")


def test_both_cards_unknown_and_the_message_is_kept(story: Story) -> None:
    reply = story.ask(
        "0200", ProcessingCode.POINTS_TRANSFER, pan="6037990099999999", amount=0, de48="PT0011", de103=card(7)
    )
    assert (reply.code, reply.reason) == ("14", "no such card")
    assert story.till.ask(changed(reply.sent, "0201")).fields == reply.heard.fields


def test_within_the_programme_by_the_other_processing_code(story: Story) -> None:
    story.buy(1_000_000, card(8))
    reply = story.ask("0200", ProcessingCode.POINTS_TO_POINTS, pan=card(8), amount=0, de48="PT0013", de103=card(9))
    assert (reply.code, reply.points) == ("00", 7)
    assert story.balance(card(9)).points == 3


def test_points_become_credit(story: Story) -> None:
    story.buy(1_000_000, card(10))
    reply = story.ask("0200", ProcessingCode.POINTS_TO_CREDIT, pan=card(10), amount=0, de48="PT0014")
    assert (reply.code, reply.points, reply.credit, reply.granted) == ("00", 6, 400, 400)
    (leg,) = story.rows("SELECT debit, credit, amount FROM leg WHERE leg = 'credit_granted'")
    assert tuple(leg) == ("programme redemption", "member credit", 400)
    assert story.ask("0200", ProcessingCode.POINTS_TO_CREDIT, pan=card(10), amount=0, de48="PT0017").code == "51"
    assert (
        story.ask("0200", ProcessingCode.POINTS_TO_CREDIT, pan=card(10), amount=0, de49="840", de48="PT0011").code
        == "12"
    )


def test_no_advice_of_a_transfer(story: Story) -> None:
    story.buy(1_000_000, card(11))
    advice = story.ask("0220", ProcessingCode.POINTS_TRANSFER, pan=card(11), amount=0, de48="PT0011", de103=card(12))
    assert advice.code == "40"
    converted = story.ask("0200", ProcessingCode.POINTS_TO_CREDIT, pan=card(11), amount=0, de48="PT0011")
    assert story.undo(converted, card(11)).code == "12"
    assert story.balance(card(11)).points == 9


def test_a_transfer_is_reversed_once(story: Story) -> None:
    story.buy(1_000_000, card(15))
    story.after(1).buy(300_000, card(15))
    held = lots(story, 15)
    reply = give(story, 15, 16, 12)
    assert (reply.points, story.balance(card(16)).points) == (1, 12)
    undone = story.undo(reply, card(15))
    assert (undone.code, undone.points) == ("00", 13)
    assert story.balance(card(16)).points == 0
    assert lots(story, 15) == held
    # The same again, as a repeat and as another reversal: nothing more moves.
    assert story.till.ask(changed(undone.sent, "0401")).fields == undone.heard.fields
    second = story.undo(reply, card(15))
    assert (second.code, second.points) == ("00", 13)
    assert story.balance(card(15)).points == 13
    # A till may give a reversal the key of what it reverses.
    again = give(story, 15, 16, 3)
    with_same_key = changed(again.sent, "0400", de90=original_of(again.sent))
    assert story.till.ask(with_same_key).fields[39] == "00"
    assert story.balance(card(15)).points == 13


def test_a_transfer_and_its_reversal_on_the_heels_of_each_other(story: Story) -> None:
    """Whichever is decided first, nothing is left of them."""
    story.buy(1_000_000, card(19))
    moment = dt.datetime.combine(story.today, dt.time(8, 31), tzinfo=dt.UTC)
    for stan in range(900_100, 900_120, 2):
        sent = message(
            "0200", ProcessingCode.POINTS_TRANSFER, pan=card(19), amount=0, stan=stan, de48="PT0014", de103=card(14),
            de7=f"{moment:%m%d%H%M%S}",
        )  # fmt: skip
        undoing = changed(sent, "0400", de11=f"{stan + 1:06d}", de90=original_of(sent))
        story.till.send(sent)
        story.till.send(undoing)
        heard = {reply.mti: reply.fields[39] for reply in (story.till.hear(), story.till.hear())}
        assert heard["0410"] == "00"
        assert heard["0210"] in {"00", "12"}
    assert story.balance(card(19)).points == 10


def declined_ones(story: Story) -> Iterator[Reply]:
    """A message of each kind that moves something, which was declined: of a card with ten points."""
    mine = {"pan": card(2), "amount": 0}
    yield story.ask("0200", "006000", pan=card(2), amount=100_000, de48="PT00211")
    yield give(story, 2, 3, 11)
    yield story.ask("0200", ProcessingCode.POINTS_TO_CREDIT, **mine, de48="PT00211")
    yield story.ask("0200", ProcessingCode.ENROLMENT, **mine, de48="MB01109123330002RF008AAAAAAAA")
    yield story.ask("0200", ProcessingCode.CARD_LINK, **mine, de103=card(3))
    yield story.ask("0200", "200000", pan=card(2), amount=100, de90="0200000009010108300000000581672" + "0" * 11)
    yield story.ask("0100", "006000", pan=card(2), amount=100_000)


def test_a_reversal_of_what_was_declined_is_approved_whatever_it_was(fresh_database_url: str, tmp_path: Path) -> None:
    with told(fresh_database_url, tmp_path, PROGRAMME, first_day=DAY) as story:
        story.buy(1_000_000, card(2))
        before = story.rows("SELECT * FROM account ORDER BY shard, id")
        declined = list(declined_ones(story))
        assert [reply.code for reply in declined] == ["51", "51", "51", "30", "05", "25", "51"]
        for reply in declined:
            undone = story.undo(reply, card(2))
            assert (undone.code, undone.points, undone.credit, undone.earned) == ("00", 10, 0, 0)
            # A second one hears the same, and the message itself stays declined.
            assert story.undo(reply, card(2)).heard.fields[39] == "00"
            again = changed(reply.sent, f"{reply.sent.mti[:3]}1")
            assert story.till.ask(again).fields[39] == reply.code
        assert story.rows("SELECT * FROM account ORDER BY shard, id") == before
        converted = story.ask("0200", ProcessingCode.POINTS_TO_CREDIT, pan=card(2), amount=0, de48="PT0011")
        assert story.undo(converted, card(2)).code == "12"


def test_a_transfer_whose_points_were_spent_stays(story: Story) -> None:
    story.buy(1_000_000, card(17))
    reply = give(story, 17, 18, 10)
    story.ask("0200", "006000", pan=card(18), amount=500, de48="PT0015")
    undone = story.undo(reply, card(17))
    assert (undone.code, undone.reason) == ("51", "receiver has too few")
    story.buy(500_000, card(18))
    assert story.undo(reply, card(17)).points == 10
    assert story.refund(reply, 1, card(17)).code == "12"


def test_what_lapsed_since_does_not_come_back(fresh_database_url: str, tmp_path: Path) -> None:
    with told(fresh_database_url, tmp_path, PROGRAMME, first_day=dt.date(2029, 1, 10)) as story:
        story.buy(1_000_000, card(1))
        story.walk_to(dt.date(2031, 1, 20)).buy(200_000, card(1))
        reply = give(story, 1, 2, 11)
        assert reply.points == 1
        story.after(20)
        assert story.balance(card(2)).points == 1
        undone = story.undo(reply, card(1))
        assert (undone.code, undone.points) == ("00", 2)
        assert story.balance(card(2)).points == 0


def test_reversed_before_it_came(story: Story) -> None:
    story.buy(1_000_000, card(13))
    late = message(
        "0200", ProcessingCode.POINTS_TRANSFER, pan=card(13), amount=0, stan=900_001, de48="PT0015", de103=card(14)
    )
    moment = dt.datetime.combine(story.today, dt.time(8, 31), tzinfo=dt.UTC)
    late = changed(late, de7=f"{moment:%m%d%H%M%S}")
    undone = story.ask("0400", "000000", pan=card(13), amount=0, de90=original_of(late))
    assert undone.code == "00"
    assert story.till.ask(late).fields[39] == "12"
    assert story.balance(card(13)).points == 10
