"""Replies: what the till hears, what the journal keeps of it, and how a repeat hears it again byte for byte.

A reply is made of what the message itself says (`ECHOED`, covered by the key and the fingerprint, so that a repeat
brings it again) and of what was decided, which the journal keeps as msgpack. The PAN is in the first part only: it
is never stored.
"""

from collections.abc import Callable, Iterable

import msgpack

from cext._reply import decided_fields, echoed, prepare
from protocol.message import Message
from protocol.mti import RESPONSE_OF
from switch.ports import Telemetry
from switch.transaction import Link, Transaction

ECHOED = (2, 3, 7, 11, 32, 41, 49)
APPROVED = "00"
REASON_LENGTH_MAX = 25
"""DE44 is LLVAR up to 25."""
SILENT_WHEN_UNKNOWN = frozenset({"0220", "0221", "0420", "0421"})
"""Advices: without an answer the till keeps them and sends them again (wire.md, Rules)."""


def reply_to(message: Message, decided: dict[int, str | bytes]) -> Message:
    """Put the echoed and the decided part together under the response's MTI."""
    return Message(RESPONSE_OF[message.mti], echoed(message.fields, ECHOED, decided))


def decline_to(message: Message, response_code: str, reason: str) -> Message:
    """The reply to a message that was declined before it had a transaction."""
    fields = message.fields
    decided: dict[int, str | bytes] = {39: response_code}
    for number in (4, 12, 13, 37, 42):
        if number in fields:
            decided[number] = fields[number]
    if reason:
        decided[44] = reason[:REASON_LENGTH_MAX]
    return reply_to(message, decided)


class Replier:
    """Makes, keeps, sends and counts replies; one write per connection for each batch."""

    def __init__(self, telemetry: Telemetry, clock: Callable[[], float]) -> None:
        self._telemetry = telemetry
        self._clock = clock
        self._touched: dict[int, Link] = {}

    def prepare(self, batch: Iterable[Transaction]) -> None:
        """Make the decided part of each reply and its stored form, before the commit that keeps it."""
        prepare(batch)

    def send(self, transaction: Transaction) -> None:
        """Answer a transaction whose commit returned."""
        if not transaction.answered:
            self._answer(transaction, transaction.reply_fields or {})

    def repeat(self, transaction: Transaction, stored: bytes) -> None:
        """Answer with the reply of the first copy."""
        if not transaction.answered:
            self._answer(transaction, unpack(stored))

    def refuse(self, transaction: Transaction, response_code: str, reason: str) -> None:
        """Answer with a decline that the journal does not keep."""
        if not transaction.answered:
            transaction.response_code = response_code
            decided = decided_fields(transaction, reason)
            # The journal's row for this key belongs to another message: a date of today would make two answers differ.
            del decided[15]
            self._answer(transaction, decided)

    def give_up(self, transaction: Transaction, response_code: str) -> None:
        """The fate of a message is unknown: a request hears so, an advice hears nothing."""
        if transaction.answered:
            return
        if transaction.message.mti in SILENT_WHEN_UNKNOWN:
            transaction.answered = True
            self._telemetry.refused("advice_unanswered")
            if transaction.link is not None:
                transaction.link.release()
        else:
            self.refuse(transaction, response_code, "")

    def _answer(self, transaction: Transaction, decided: dict[int, str | bytes]) -> None:
        transaction.answered = True
        link = transaction.link
        if link is None:
            return
        message = transaction.message
        link.reply(message, decided, transaction.header)
        self._touched[id(link)] = link
        response_code = decided[39]
        assert isinstance(response_code, str)
        self._telemetry.answered(
            message.mti, response_code, transaction.terminal.acquirer, self._clock() - transaction.received
        )

    def flush(self) -> None:
        """Write every connection that got an answer since the last flush."""
        touched = self._touched
        if touched:
            self._touched = {}
            for link in touched.values():
                link.flush()


def unpack(stored: bytes) -> dict[int, str | bytes]:
    """The decided part of a reply, as the journal keeps it."""
    decided: dict[int, str | bytes] = msgpack.unpackb(stored, strict_map_key=False)
    return decided
