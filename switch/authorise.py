"""From a message to a transaction, or to the decline that needs no card.

What is checked here, in the order of wire.md: 30 format, 58 terminal, 03 merchant, 40 and 12 function. The rest
(94, 14, 78, …) needs the store and is decided in the lane. Nothing here waits.
"""

from collections.abc import Callable
from typing import NamedTuple, cast

from cext._kernel import Request
from cext._marks import fingerprint
from protocol.codes import ProcessingCode, ResponseCode
from protocol.message import Message
from protocol.session import Session
from protocol.tlv import TlvError, parse
from switch.calendars import Calendars, SentAt
from switch.deciding import CREDIT_PURCHASE, INQUIRY, PURCHASE, REDEMPTION, REFUND, REVERSAL
from switch.institutions import Directory, Terminal
from switch.tokens import Token, TokenError, Tokens
from switch.transaction import Link, OriginalName, Transaction

FORMAT_ERROR = ResponseCode.FORMAT_ERROR
TERMINAL_NOT_ALLOWED = ResponseCode.NOT_ALLOWED_TO_TERMINAL
UNKNOWN_MERCHANT = ResponseCode.UNKNOWN_MERCHANT
NOT_SUPPORTED = ResponseCode.NOT_SUPPORTED
INVALID_TRANSACTION = ResponseCode.INVALID_TRANSACTION
INVALID_AMOUNT = ResponseCode.INVALID_AMOUNT

NOT_WANTED = -1
NO_CURRENCY = "000"
BASKET_LINES_MAX = 50

_FINANCIAL = {
    ProcessingCode.PURCHASE: PURCHASE,
    ProcessingCode.REDEMPTION: REDEMPTION,
    ProcessingCode.CREDIT_PURCHASE: CREDIT_PURCHASE,
    ProcessingCode.REFUND: REFUND,
}
_INQUIRIES = {ProcessingCode.BALANCE: INQUIRY}
FUNCTIONS = {
    "0100": _INQUIRIES,
    "0101": _INQUIRIES,
    "0200": _FINANCIAL,
    "0201": _FINANCIAL,
    "0220": _FINANCIAL,
    "0221": _FINANCIAL,
}
"""What each MTI can ask for, by DE3. Reversals (04xx) undo whatever DE90 names, so their DE3 is only echoed."""
DEFINED_FUNCTIONS = frozenset(code for name, code in vars(ProcessingCode).items() if name.isupper())
"""Every DE3 of wire.md: what is among them and not served here gets 40, anything else 12."""
REVERSALS = frozenset({"0400", "0401", "0420", "0421"})
REPEATS = frozenset({"0101", "0201", "0221", "0401", "0421"})
ADVICES = frozenset({"0220", "0221"})
NEEDS_NO_AMOUNT = frozenset({INQUIRY, REVERSAL})
PAYING = frozenset({PURCHASE, REDEMPTION, CREDIT_PURCHASE})
"""Kinds whose reply says in DE4 what is still to be paid."""
KNOWN_MTIS = frozenset(FUNCTIONS) | REVERSALS
UNSERVED_MTIS = frozenset({"0320", "0321", "0500", "0501", "0520", "0521"})
"""Of wire.md, and not served here: 40."""


TextFields = dict[int, str]
"""The data elements that are looked at here are all text in every dialect; the codec sees to it."""


class Decline(NamedTuple):
    """A DE39 and, for the till's log, DE44."""

    response_code: str
    reason: str


class Wishes(NamedTuple):
    """What DE48 asks for."""

    points: int
    credit: int
    mobile: str


NO_WISHES = Wishes(NOT_WANTED, NOT_WANTED, "")


class Authoriser:
    """Turns messages into transactions by the reference data in force."""

    def __init__(
        self,
        directory: Directory,
        tokens: Tokens,
        calendars: Calendars,
        deadline_s: float,
        clock: Callable[[], float],
    ) -> None:
        self.directory = directory
        self._tokens = tokens
        self._calendars = calendars
        self._deadline_s = deadline_s
        self._clock = clock

    def admit(
        self, message: Message, session: Session, link: Link, header: bytes, received: float
    ) -> Transaction | Decline:
        """Check what can be checked without the card, and name the rows that the message is about."""
        fields = cast("TextFields", message.fields)
        try:
            processing_code = fields[3]
            sent = fields[7]
            stan = fields[11]
            acquirer = fields[32]
            terminal_code = fields[41]
        except KeyError as missing:
            return Decline(FORMAT_ERROR, f"DE{missing.args[0]} is missing")
        sent_at = self._calendars.sent_at(sent)
        if sent_at is None:
            return Decline(FORMAT_ERROR, "DE7 is not MMDDhhmmss")
        terminal = self.directory.terminal(acquirer, terminal_code)
        if terminal is None:
            return Decline(TERMINAL_NOT_ALLOWED, "DE41 unknown to DE32")
        if terminal.status != 0 or not session.admits(message):
            return Decline(TERMINAL_NOT_ALLOWED, "terminal is not signed on")
        merchant = fields.get(42)
        if merchant is not None and merchant != terminal.merchant_code:
            return Decline(UNKNOWN_MERCHANT, "DE42 is not DE41's merchant")
        mti = message.mti
        kind = REVERSAL if mti in REVERSALS else FUNCTIONS[mti].get(processing_code, 0)
        if not kind:
            if processing_code in DEFINED_FUNCTIONS:
                return Decline(NOT_SUPPORTED, "DE3 not served with this MTI")
            return Decline(INVALID_TRANSACTION, "DE3 unknown")
        return self._transaction(message, kind, terminal, sent_at, int(stan), link, header, received)

    def _transaction(
        self,
        message: Message,
        kind: int,
        terminal: Terminal,
        sent_at: SentAt,
        stan: int,
        link: Link,
        header: bytes,
        received: float,
    ) -> Transaction | Decline:
        fields = cast("TextFields", message.fields)
        mti = message.mti
        amount_text = fields.get(4)
        if amount_text is None and kind not in NEEDS_NO_AMOUNT:
            return Decline(FORMAT_ERROR, "DE4 is missing")
        currency_text = fields.get(49)
        if currency_text is None and kind not in NEEDS_NO_AMOUNT:
            return Decline(FORMAT_ERROR, "DE49 is missing")
        wishes = NO_WISHES
        if 48 in fields:
            parsed = self._wishes(fields[48])
            if isinstance(parsed, Decline):
                return parsed
            wishes = parsed
        token = self._token(fields, terminal, wishes)
        if isinstance(token, Decline):
            return token
        replacement = NOT_WANTED
        original: OriginalName | None = None
        if kind in (REFUND, REVERSAL):
            named = self._original(fields)
            if isinstance(named, Decline):
                return named
            original = named
            replacement = _replacement_amount(fields.get(95)) if kind == REVERSAL else NOT_WANTED
        local = self._calendars.local(terminal.timezone, self._clock())
        # By position: a dozen and a half keywords cost as much as the rest of this function.
        request = Request(
            kind,
            mti in ADVICES,
            0 if amount_text is None else int(amount_text),
            0 if currency_text is None else int(currency_text),
            0,
            local.day,
            local.month,
            local.hour,
            local.weekday,
            local.day_of_month,
            _entry_mode(fields.get(22)),
            terminal.merchant_id,
            terminal.institution_id,
            terminal.category_id,
            wishes.points,
            wishes.credit,
            None,
            replacement,
        )
        transaction = Transaction(link, header, message, terminal, request, received, received + self._deadline_s)
        transaction.mti = int(mti)
        transaction.processing_code = int(fields[3])
        transaction.key = sent_at.key + stan
        transaction.message_class = ord(mti[1]) - 48
        transaction.recent_key = (transaction.key, terminal.id, transaction.message_class)
        transaction.sent_on = sent_at.date
        transaction.sent_on_ordinal = sent_at.ordinal
        transaction.shard = token.shard
        transaction.account_id = token.id
        transaction.token_low = token.low
        get = fields.get
        # DE2/35 as the token, 3, 4, 49, 48, 63 (wire.md, Rules).
        transaction.fingerprint = fingerprint(token.id, token.low, get(3), amount_text, currency_text, get(48), get(63))
        transaction.currency = currency_text or NO_CURRENCY
        transaction.business_date = terminal.business_date or local.date
        transaction.rrn = fields.get(37) or _rrn(sent_at, stan)
        transaction.original_name = original
        transaction.suspect = mti in REPEATS
        transaction.to_pay_in_reply = kind in PAYING
        if 63 in fields and not _basket_adds_up(fields[63], request.amount):
            transaction.held_decline = INVALID_AMOUNT
        return transaction

    def _token(self, fields: TextFields, terminal: Terminal, wishes: Wishes) -> Token | Decline:
        """The card: DE2, or DE35, or DE48 MB alone."""
        pan = fields.get(2)
        if pan is None:
            track = fields.get(35)
            if track is not None:
                pan = track.replace("D", "=").partition("=")[0]
        if pan is not None:
            return self._tokens.card(pan)
        if wishes.mobile:
            try:
                return self._tokens.mobile(terminal.programme_name, wishes.mobile)
            except TokenError:
                return Decline(FORMAT_ERROR, "DE48 MB is not a mobile")
        return Decline(FORMAT_ERROR, "DE2, DE35 or DE48 MB missing")

    @staticmethod
    def _wishes(text: str) -> Wishes | Decline:
        points = credit = NOT_WANTED
        mobile = ""
        try:
            for tag, value in parse(text):
                if tag == "PT":
                    points = _number(value)
                elif tag == "CR":
                    credit = _number(value)
                elif tag == "MB":
                    mobile = value
        except TlvError:
            return Decline(FORMAT_ERROR, "DE48 is not tag-length-value")
        except ValueError:
            return Decline(FORMAT_ERROR, "DE48 PT or CR is no number")
        return Wishes(points, credit, mobile)

    def _original(self, fields: TextFields) -> OriginalName | Decline:
        """DE90: MTI 4, STAN 6, DE7 10, DE32 11, DE33 11 digits (wire.md, Rules)."""
        text = fields.get(90)
        if text is None:
            return Decline(FORMAT_ERROR, "DE90 is missing")
        mti = text[:4]
        sent_at = self._calendars.sent_at(text[10:20])
        if mti[1] not in "12" or sent_at is None:
            return Decline(FORMAT_ERROR, "DE90 names no message")
        if int(text[20:31]) != int(fields[32]):
            return Decline(FORMAT_ERROR, "DE90 is not of this DE32")
        return OriginalName(sent_at.key + int(text[4:10]), int(mti[1]), sent_at.date, mti)


def _number(value: str) -> int:
    if not value.isdecimal() or len(value) > 12:
        raise ValueError
    return int(value)


def _entry_mode(text: str | None) -> int:
    return int(text[:2]) if text else 0


def _replacement_amount(text: str | None) -> int:
    """DE95: the first twelve digits are what really happened; zero means nothing did: a full reversal."""
    amount = int(text[:12]) if text and text[:12].isdecimal() else 0
    return amount or NOT_WANTED


def _rrn(sent_at: SentAt, stan: int) -> str:
    """DE37 for a till that sends none: last digit of the year, day of the year, hour, STAN (the usual form)."""
    day = sent_at.date
    return f"{day.year % 10}{day.timetuple().tm_yday:03d}{sent_at.hour:02d}{stan:06d}"


def _basket_adds_up(text: str, amount_minor: int) -> bool:
    """DE63: at most fifty lines `LI sku;category;quantity;amount`, whose amounts sum to DE4."""
    total = lines = 0
    try:
        for tag, value in parse(text):
            if tag == "LI":
                lines += 1
                _sku, _category, _quantity, line_amount = value.split(";")
                total += _number(line_amount)
    except (TlvError, ValueError):
        return False
    return lines <= BASKET_LINES_MAX and total == amount_minor
