"""What a till says and hears, message by message."""

import pytest

from tests.wire.running import RunningSwitch, card, changed, message, original_of

pytestmark = pytest.mark.integration


def test_echo_and_sign_on(switch: RunningSwitch) -> None:
    with switch.till() as till:
        for code in ("001", "301"):
            reply = till.ask(message("0800", de70=code))
            assert (reply.mti, reply.fields[39], reply.fields[70]) == ("0810", "00", code)


def test_a_purchase_from_frame_to_frame(switch: RunningSwitch) -> None:
    with switch.till() as till:
        sent = message(pan=card(100), amount=1_234_567, de12="120000", de13="1123", de37="ABC123456789")
        reply = till.ask(sent)
    assert reply.mti == "0210"
    for number in (2, 3, 7, 11, 12, 13, 32, 37, 41, 42, 49):
        assert reply.fields[number] == sent.fields[number]
    assert reply.fields[39] == "00"
    assert reply.fields[4] == "000001234567"
    assert reply.fields[54] == "6002999C0000000000126502364C000000000000"
    assert "PE00212" in str(reply.fields[62])
    assert "PB00212" in str(reply.fields[62])


def test_points_are_spent_and_the_rest_is_to_be_paid(switch: RunningSwitch) -> None:
    pan = card(101)
    with switch.till() as till:
        till.ask(message(pan=pan, amount=10_000_000))
        redeemed = till.ask(message(code="006000", pan=pan, amount=1_000_000, de48="PT00240"))
        too_much = till.ask(message(code="006000", pan=pan, amount=1_000_000, de48="PT003999"))
        balance = till.ask(message("0100", "310000", pan=pan))
    assert redeemed.fields[39] == "00"
    # 40 points of 100 rial are spent; what is really paid, 996,000 rial, earns 9.
    assert redeemed.fields[4] == "000000996000"
    assert "PR00240" in str(redeemed.fields[62])
    assert too_much.fields[39] == "51"
    assert str(balance.fields[54]).startswith("6002999C000000000069")


def test_a_repeat_over_another_connection(switch: RunningSwitch) -> None:
    sent = message(pan=card(102))
    with switch.till() as first, switch.till() as second:
        first.send(sent)
        reply = first.hear_frame()
        second.send(changed(sent, "0201"))
        repeated = second.hear_frame()
        balance = second.ask(message("0100", "310000", pan=card(102)))
    assert repeated == reply
    assert str(balance.fields[54]).startswith("6002999C000000000005")


def test_a_key_with_other_content(switch: RunningSwitch) -> None:
    sent = message(pan=card(103))
    with switch.till() as till:
        assert till.ask(sent).fields[39] == "00"
        assert till.ask(changed(sent, de4="000000600000")).fields[39] == "94"


def test_refund_and_reversal(switch: RunningSwitch) -> None:
    pan = card(104)
    with switch.till() as till:
        bought = message(pan=pan, amount=1_000_000)
        till.ask(bought)
        refunded = till.ask(message(code="200000", pan=pan, amount=400_000, de90=original_of(bought)))
        assert refunded.fields[39] == "00"
        assert str(refunded.fields[54]).startswith("6002999C000000000006")
        again = till.ask(message(code="200000", pan=pan, amount=600_001, de90=original_of(bought)))
        assert again.fields[39] == "13"
        reversed_ = till.ask(message("0400", pan=pan, amount=1_000_000, de90=original_of(bought)))
        assert (reversed_.mti, reversed_.fields[39]) == ("0410", "00")
        assert str(reversed_.fields[54]).startswith("6002999C000000000000")
        late = till.ask(message(code="200000", pan=pan, amount=1, de90=original_of(bought)))
        assert late.fields[39] == "12"
        lost = till.ask(message(code="200000", pan=pan, amount=1, de90=original_of(message(stan=999_999))))
        assert lost.fields[39] == "25"


def test_a_reversal_that_comes_first(switch: RunningSwitch) -> None:
    never = message(pan=card(105))
    with switch.till() as till:
        assert till.ask(message("0420", pan=card(105), de90=original_of(never))).fields[39] == "00"
        assert till.ask(never).fields[39] == "12"
        assert till.ask(changed(never, "0201")).fields[39] == "12"
        balance = till.ask(message("0100", "310000", pan=card(105)))
    assert str(balance.fields[54]).startswith("6002999C000000000000")


def test_a_partial_reversal(switch: RunningSwitch) -> None:
    pan = card(106)
    with switch.till() as till:
        bought = message(pan=pan, amount=1_000_000)
        till.ask(bought)
        kept = f"{300_000:012d}{0:012d}C{0:08d}C{0:08d}"
        partly = till.ask(message("0400", pan=pan, amount=1_000_000, de90=original_of(bought), de95=kept))
    assert partly.fields[39] == "00"
    assert str(partly.fields[54]).startswith("6002999C000000000003")


def test_an_advice_is_taken(switch: RunningSwitch) -> None:
    with switch.till() as till:
        reply = till.ask(message("0220", pan=card(107)))
        unknown = till.ask(message("0220", pan="6037990000000000"))
    assert (reply.mti, reply.fields[39]) == ("0230", "00")
    assert unknown.fields[39] == "14"


def test_a_card_by_track_and_by_mobile(switch: RunningSwitch) -> None:
    with switch.till() as till:
        track = message(pan=card(0))
        del track.fields[2]
        track.fields[35] = f"{card(0)}=30121010000000000000"
        by_track = till.ask(track)
        mobile = message()
        del mobile.fields[2]
        mobile.fields[48] = "MB01109120000000"
        by_mobile = till.ask(mobile)
    assert by_track.fields[39] == "00"
    assert by_mobile.fields[39] == "00"
    # Both are Sara's account.
    assert str(by_mobile.fields[54]).startswith("6002999C000000000010")


def test_a_signed_off_terminal(switch: RunningSwitch) -> None:
    with switch.till() as till:
        bought = message(pan=card(108))
        till.ask(bought)
        assert till.ask(message("0800", de70="002")).fields[39] == "00"
        assert till.ask(message(pan=card(108))).fields[39] == "58"
        assert till.ask(changed(bought, "0201")).fields[39] == "00"
        assert till.ask(message("0400", pan=card(108), de90=original_of(bought))).fields[39] == "00"
        assert till.ask(message("0800", de70="001")).fields[39] == "00"
        assert till.ask(message(pan=card(108))).fields[39] == "00"


def test_declines_with_a_card(switch: RunningSwitch) -> None:
    with switch.till() as till:
        assert till.ask(message(pan=card(999_999_991))).fields[39] == "78"
        assert till.ask(message(pan=card(999_999_992))).fields[39] == "54"
        foreign = message(de32="639607", de41="A0000001", de42="A00000000000001")
        assert till.ask(foreign).fields[39] == "57"
        assert till.ask(message(pan=card(109), amount=0)).fields[39] == "13"
        assert till.ask(message(pan=card(109), de49="840")).fields[39] != "00"
        basket = "LI022" + "A;grocery;1;0000400000"
        assert till.ask(message(pan=card(109), de63=basket)).fields[39] == "13"


def test_a_basket_that_adds_up(switch: RunningSwitch) -> None:
    line = "A;grocery;1;500000"
    with switch.till() as till:
        assert till.ask(message(pan=card(110), de63=f"LI{len(line):03d}{line}")).fields[39] == "00"


def test_many_messages_in_flight_on_one_connection(switch: RunningSwitch) -> None:
    sent = [message(pan=card(200 + n % 20)) for n in range(100)]
    with switch.till() as till:
        for one in sent:
            till.send(one)
        heard = {str(till.hear().fields[11]) for _ in sent}
    assert heard == {str(one.fields[11]) for one in sent}


def test_a_cut_over(filled_url: str) -> None:
    with RunningSwitch(filled_url) as running, running.till() as till:
        own = {"de32": "639607", "de41": "A0000001", "de42": "A00000000000001"}
        refused = till.ask(message("0800", de70="201", de15="1125"))
        assert refused.fields[39] == "40"
        moved = till.ask(message("0800", de70="201", de15="1125", **own))
        assert (moved.fields[39], moved.fields[15]) == ("00", "1125")
        again = till.ask(message("0800", de70="201", de15="1124", **own))
        assert (again.fields[39], again.fields[15]) == ("00", "1125")
        after = till.ask(message(**own))
        assert (after.fields[39], after.fields[15]) == ("57", "1125")


@pytest.mark.parametrize("dialect", ["iso87-ascii", "iso87-binary", "iso87-ebcdic", "msgpack"])
@pytest.mark.parametrize("framing", ["length2", "bcd2", "ascii4", "length2+tpdu", "length2+header=49534F"])
def test_every_dialect_in_every_framing(filled_url: str, dialect: str, framing: str) -> None:
    headers = {"length2+tpdu": bytes.fromhex("6000010002"), "length2+header=49534F": b"ISO"}
    with (
        RunningSwitch(filled_url, f"{dialect}/{framing}") as running,
        running.till(0, dialect, framing, headers.get(framing, b"")) as till,
    ):
        sent = message(pan=card(300))
        first = till.ask(sent)
        assert (first.mti, first.fields[39]) == ("0210", "00")
        assert till.ask(changed(sent, "0201")) == first


def test_the_1993_dialect(filled_url: str) -> None:
    with RunningSwitch(filled_url, "iso93-ascii/length2") as running, running.till(0, "iso93-ascii") as till:
        sent = till.codec.native(message(pan=card(301), de12="120000", de13="1123"))
        reply = till.ask(sent)
        assert sent.mti == "1200"
        assert reply.mti == "1210"
        assert till.codec.canonical(reply).fields[39] == "00"


def test_a_repeat_after_a_restart(filled_url: str) -> None:
    sent = message(pan=card(302))
    with RunningSwitch(filled_url) as running, running.till() as till:
        till.send(sent)
        reply = till.hear_frame()
        assert running.terminate() == 0
    with RunningSwitch(filled_url) as again, again.till() as till:
        till.send(changed(sent, "0201"))
        assert till.hear_frame() == reply
        # A copy that is not marked as a repeat is found out by the unique key.
        till.send(sent)
        assert till.hear_frame() == reply


def test_two_workers_share_a_listener(filled_url: str) -> None:
    sent = message(pan=card(303))
    with RunningSwitch(filled_url).with_arguments("--workers", "2") as running:
        replies = []
        for copy in range(8):
            with running.till() as till:
                till.send(changed(sent, "0201") if copy else sent)
                replies.append(till.hear_frame())
        assert len(set(replies)) == 1
        assert running.terminate() == 0
