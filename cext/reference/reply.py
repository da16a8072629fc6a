"""The two parts of a reply in plain Python: the same names and results as `cext._reply`."""

from collections.abc import Iterable

import msgpack

from cext._kernel import Decision
from cext._transaction import Transaction
from cext.reference.marks import additional_amounts, approval_code, receipt_tlv

_ELEMENT_MAX = 128
_STORED_BYTES_MAX = 8_192
_APPROVED = "00"
_REASON_LENGTH_MAX = 25
"""DE44 is LLVAR up to 25."""
_AMOUNT_MAX = 999_999_999_999
"""What DE54 has room for; a balance beyond it is told in DE62 alone."""
_KEPT = (12, 13, 42)
"""Echoed, but not covered by the fingerprint: the first copy's are kept."""


def decided_fields(transaction: Transaction, reason: str) -> dict[int, str | bytes]:
    """The part of a reply that was decided, by data element."""
    fields = transaction.message.fields
    response_code = transaction.response_code
    decided: dict[int, str | bytes] = {39: response_code, 37: transaction.rrn}
    decided.update({number: fields[number] for number in _KEPT if number in fields})
    decided[15] = transaction.settlement_date
    if response_code == _APPROVED:
        decided[38] = approval_code(transaction.key, transaction.terminal_id, transaction.message_class)
        version = transaction.programme_version
        if version is not None:
            _add_balances(decided, transaction, version)
    elif reason:
        decided[44] = reason[:_REASON_LENGTH_MAX]
    if 4 in fields:
        decided[4] = fields[4]
        if response_code == _APPROVED and transaction.to_pay_in_reply:
            decided[4] = _amount(transaction.decision.to_pay)
    return decided


def _add_balances(decided: dict[int, str | bytes], transaction: Transaction, version: int) -> None:
    """DE54 and DE62: what the member may spend now, and what this message moved."""
    d = transaction.decision
    points, credit = d.points_balance - d.points_pending - d.points_held, d.credit_balance - d.credit_held
    if -_AMOUNT_MAX <= points <= _AMOUNT_MAX and -_AMOUNT_MAX <= credit <= _AMOUNT_MAX:
        decided[54] = additional_amounts(points, credit, transaction.currency)
    legs = receipt_tlv(
        points,
        credit,
        version,
        d.points_earned,
        d.points_redeemed,
        d.credit_granted,
        d.credit_spent,
        d.discount,
        transaction.request.amount,
    )
    decided[62] = legs + _kept_back(d) + transaction.told


def _kept_back(d: Decision) -> str:
    """Of what the member has, what may not be spent yet: PP pending points, HD points and credit that are held."""
    told = []
    if d.points_pending:
        told.append(("PP", f"{d.points_pending}"))
    if d.points_held or d.credit_held:
        told.append(("HD", f"{d.points_held}/{d.credit_held}"))
    return "".join(f"{tag}{len(value):03}{value}" for tag, value in told)


def _amount(amount: int) -> str:
    if not 0 <= amount <= _AMOUNT_MAX:
        raise OverflowError("an amount does not fit the 12 digits of DE4")
    return f"{amount:012d}"


def prepare(batch: Iterable[Transaction]) -> None:
    """Make the decided part of each transaction's reply, unless it has one, and its stored form."""
    for transaction in batch:
        if transaction.reply_fields is None:
            transaction.reply_fields = decided_fields(transaction, transaction.reason)
        transaction.stored_reply = packed(transaction.reply_fields)


def echoed(
    fields: dict[int, str | bytes], numbers: tuple[int, ...], decided: dict[int, str | bytes]
) -> dict[int, str | bytes]:
    """The data elements of a reply: those of `numbers` as they came, and over them what was decided."""
    return {**{number: fields[number] for number in numbers if number in fields}, **decided}


def packed(decided: dict[int, str | bytes]) -> bytes:
    """What was decided, as a msgpack map of data element to string (or binary)."""
    if len(decided) > 15:
        raise ValueError("more data elements than a reply has")
    for number, value in decided.items():
        if not 0 <= number <= _ELEMENT_MAX:
            raise ValueError("not a data element's number")
        if not isinstance(value, str | bytes):
            raise TypeError("a data element is text or bytes")
    stored: bytes = msgpack.packb(decided)
    if len(stored) > _STORED_BYTES_MAX:
        raise OverflowError("a reply that is longer than a frame")
    return stored
