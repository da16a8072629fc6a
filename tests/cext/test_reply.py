"""The parts of a reply: compiled and reference agree, and any msgpack reader understands what is stored."""

from types import ModuleType, SimpleNamespace

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cext import _reply
from cext._kernel import Decision, Request
from cext._transaction import Transaction
from cext.reference import reply

NUMBERS = st.integers(0, 128)
VALUES = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=300) | st.binary(max_size=300)
FIELDS = st.dictionaries(NUMBERS, VALUES, max_size=15)
BOTH = pytest.mark.parametrize("module", [_reply, reply], ids=["compiled", "reference"])


@given(FIELDS)
def test_stored_replies_agree_and_are_msgpack(decided: dict[int, str | bytes]) -> None:
    stored = _reply.packed(decided)
    assert stored == reply.packed(decided)
    assert msgpack.unpackb(stored, strict_map_key=False) == decided


@given(FIELDS, st.lists(NUMBERS, max_size=8), FIELDS)
def test_the_parts_come_together_alike(
    fields: dict[int, str | bytes], numbers: list[int], decided: dict[int, str | bytes]
) -> None:
    together = _reply.echoed(fields, tuple(numbers), decided)
    assert together == reply.echoed(fields, tuple(numbers), decided)
    assert all(together[number] == value for number, value in decided.items())


@BOTH
@pytest.mark.parametrize(
    ("decided", "fault"),
    [
        ({39: 0}, TypeError),
        ({-1: "x"}, ValueError),
        ({129: "x"}, ValueError),
        (dict.fromkeys(range(16), "x"), ValueError),
        ({62: "x" * 8_192}, OverflowError),
    ],
)
def test_what_is_no_reply_is_refused(module: ModuleType, decided: dict[int, str], fault: type[Exception]) -> None:
    with pytest.raises(fault):
        module.packed(decided)


INT64 = st.integers(-(2**63), 2**63 - 1)
BALANCES = st.integers(-(10**12) - 1, 10**12 + 1)


@st.composite
def decided(draw) -> Transaction:
    fields = draw(st.dictionaries(st.sampled_from([4, 12, 13, 42, 48]), st.text("0123456789", min_size=1), max_size=5))
    request = Request(1, False, draw(st.integers(1, 2**63 - 1)), *(0,) * 11)
    transaction = Transaction(None, b"", SimpleNamespace(fields=fields), None, request, 0.0, 0.0)
    transaction.response_code = draw(st.sampled_from(["00", "51"]))
    transaction.rrn, transaction.settlement_date, transaction.currency = "632909000001", "1125", "364"
    transaction.key, transaction.terminal_id, transaction.message_class = draw(INT64), draw(INT64), 2
    transaction.programme_version = draw(st.none() | st.integers(1, 9))
    transaction.to_pay_in_reply = draw(st.booleans())
    transaction.reason = draw(st.text("abc", max_size=30))
    transaction.told = draw(st.sampled_from(["", "TR006silverTK009nowruz:12"]))
    moved = [draw(INT64) for _ in range(7)]
    transaction.decision = Decision("00", *moved, draw(st.integers(0, 10**12 - 1)), draw(BALANCES), draw(BALANCES))
    for name in ("points_pending", "points_held", "credit_held"):
        setattr(transaction.decision, name, draw(st.sampled_from([0, 0, 7, 10**16])))
    return transaction


@given(decided())
def test_what_was_decided_agrees_with_the_reference(transaction: Transaction) -> None:
    fields = _reply.decided_fields(transaction, transaction.reason)
    assert list(fields.items()) == list(reply.decided_fields(transaction, transaction.reason).items())
    _reply.prepare([transaction])
    assert transaction.stored_reply == reply.packed(fields)
    transaction.reply_fields = {39: "94"}
    stored = []
    for module in (_reply, reply):
        module.prepare([transaction])
        stored.append(transaction.stored_reply)
    assert stored == [reply.packed({39: "94"})] * 2, "a reply that is made already stays"


@BOTH
@pytest.mark.parametrize("to_pay", [-1, 10**12])
def test_an_amount_beyond_its_digits_is_refused(module: ModuleType, to_pay: int) -> None:
    message = SimpleNamespace(fields={4: "1"})
    transaction = Transaction(None, b"", message, None, Request(1, False, *(0,) * 12), 0.0, 0.0)
    transaction.response_code, transaction.to_pay_in_reply = "00", True
    transaction.decision = Decision("00", to_pay=to_pay)
    with pytest.raises(OverflowError):
        module.decided_fields(transaction, "")
