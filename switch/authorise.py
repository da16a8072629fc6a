"""From a message to a transaction, or to the decline that needs no card.

What is checked here, in the order of wire.md: 30 format, 58 terminal, 03 merchant, 40 and 12 function. The rest
(94, 14, 78, …) needs the store and is decided in the lane. Nothing here waits.

The usual sale takes a short cut in C (`cext/_admission.pyx`) that comes to the same as what is written here.
"""

from collections.abc import Callable
from typing import NamedTuple, cast

from cext._admission import Admission
from cext._kernel import Request
from cext._marks import fingerprint
from protocol.codes import ProcessingCode, ResponseCode
from protocol.message import Message
from protocol.session import Session
from switch.basket import read as read_basket
from switch.calendars import Calendars, SentAt
from switch.claims import read_claims
from switch.coupons import Shown, read_codes
from switch.deciding import (
    CREDIT_PURCHASE,
    EVENT,
    HOLD,
    INQUIRY,
    PURCHASE,
    PURCHASES,
    QUOTE,
    REDEMPTION,
    REFUND,
    REVERSAL,
)
from switch.institutions import Directory, Terminal
from switch.programme.calendar import LocalCalendar
from switch.refusals import Refusal
from switch.tokens import Token, TokenError, Tokens
from switch.transaction import Link, OriginalName, Transaction
from switch.wide_requests import (
    CARD_LINK,
    CONVERSION,
    ENROLMENT,
    TRANSFER,
    WIDE_KINDS,
    Wide,
    read_request,
    with_second_card,
)
from switch.wishes import NO_WISHES, NOT_WANTED, Wishes, kept_of, read_wishes

FORMAT_ERROR = ResponseCode.FORMAT_ERROR
TERMINAL_NOT_ALLOWED = ResponseCode.NOT_ALLOWED_TO_TERMINAL
UNKNOWN_MERCHANT = ResponseCode.UNKNOWN_MERCHANT
NOT_SUPPORTED = ResponseCode.NOT_SUPPORTED
INVALID_TRANSACTION = ResponseCode.INVALID_TRANSACTION
INVALID_AMOUNT = ResponseCode.INVALID_AMOUNT

NO_CURRENCY = "000"

_FINANCIAL = {
    ProcessingCode.PURCHASE: PURCHASE,
    ProcessingCode.REDEMPTION: REDEMPTION,
    ProcessingCode.CREDIT_PURCHASE: CREDIT_PURCHASE,
    ProcessingCode.REFUND: REFUND,
    ProcessingCode.EVENT: EVENT,
    ProcessingCode.ENROLMENT: ENROLMENT,
}
_REQUESTED = _FINANCIAL | {
    ProcessingCode.CARD_LINK: CARD_LINK,
    ProcessingCode.POINTS_TRANSFER: TRANSFER,
    ProcessingCode.POINTS_TO_POINTS: TRANSFER,
    ProcessingCode.POINTS_TO_CREDIT: CONVERSION,
}
"""No advice of these: the till cannot know whether they may be."""
_INQUIRIES = {
    ProcessingCode.BALANCE: INQUIRY,
    ProcessingCode.STATEMENT: INQUIRY,
    ProcessingCode.COUPON_CHECK: INQUIRY,
    ProcessingCode.PURCHASE: QUOTE,
    ProcessingCode.REDEMPTION: HOLD,
    ProcessingCode.CREDIT_PURCHASE: HOLD,
}
FUNCTIONS = {
    "0100": _INQUIRIES,
    "0101": _INQUIRIES,
    "0200": _REQUESTED,
    "0201": _REQUESTED,
    "0220": _FINANCIAL,
    "0221": _FINANCIAL,
}
"""What each MTI can ask for, by DE3. Reversals (04xx) undo whatever DE90 names, so their DE3 is only echoed."""
DEFINED_FUNCTIONS = frozenset(code for name, code in vars(ProcessingCode).items() if name.isupper())
"""Every DE3 of wire.md: what is among them and not served here gets 40, anything else 12."""
REVERSALS = frozenset({"0400", "0401", "0420", "0421"})
REPEATS = frozenset({"0101", "0201", "0221", "0401", "0421"})
ADVICES = frozenset({"0220", "0221"})
NEEDS_NO_AMOUNT = frozenset({INQUIRY, REVERSAL, EVENT}) | WIDE_KINDS
PAYING = PURCHASES | {QUOTE}
"""Kinds whose reply says in DE4 what is still to be paid."""
NOT_USUAL = WIDE_KINDS | {REFUND, EVENT, HOLD}
_NOT_USUAL_CODES = frozenset({ProcessingCode.STATEMENT, ProcessingCode.COUPON_CHECK})
USUAL = {
    mti: {code: kind for code, kind in codes.items() if kind not in NOT_USUAL and code not in _NOT_USUAL_CODES}
    for mti, codes in FUNCTIONS.items()
}
"""What the short cut may take: nothing that names an original, an event or another account, or asks for movements."""
KNOWN_MTIS = frozenset(FUNCTIONS) | REVERSALS
UNSERVED_MTIS = frozenset({"0320", "0321", "0500", "0501", "0520", "0521"})
"""Of wire.md, and not served here: 40."""

TextFields = dict[int, str]
"""The data elements that are looked at here are all text in every dialect; the codec sees to it."""


class Decline(NamedTuple):
    """A DE39 and, for the till's log, DE44."""

    response_code: str
    reason: str


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
        self._tokens = tokens
        self._calendars = calendars
        self._deadline_s = deadline_s
        self._clock = clock
        self._usual = Admission(
            kinds={mti: {code: _traits(kind) for code, kind in codes.items()} for mti, codes in USUAL.items()},
            advices=ADVICES,
            repeats=REPEATS,
            sent_at=calendars.sent_at,
            calendar_of=lambda timezone: LocalCalendar(timezone).at,
            clock=clock,
            deadline_s=deadline_s,
            key=tokens.key,
            shards=tokens.shards,
        )
        self.directory = directory

    @property
    def directory(self) -> Directory:
        """The reference data in force."""
        return self._directory

    @directory.setter
    def directory(self, directory: Directory) -> None:
        self._directory = directory
        self._usual.know(directory.terminals)

    def admit(
        self, message: Message, session: Session, link: Link, header: bytes, received: float
    ) -> Transaction | Decline:
        """Check what can be checked without the card, and name the rows that the message is about."""
        usual = cast("Transaction | None", self._usual.admit(message, session, link, header, received))
        return self.check(message, session, link, header, received) if usual is None else usual

    def check(
        self, message: Message, session: Session, link: Link, header: bytes, received: float
    ) -> Transaction | Decline:
        """What `admit` does, in full: of a usual message too."""
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
        terminal = self._directory.terminal(acquirer, terminal_code)
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
        found = self._transaction(message, kind, terminal, sent_at, int(stan), link, header, received)
        return self._widened(found) if kind in WIDE_KINDS and isinstance(found, Transaction) else found

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
        asked = self._asked(kind, fields)
        if isinstance(asked, Refusal):
            return Decline(*asked)
        wishes, coupons = asked
        token = self._token(fields, terminal, wishes)
        if isinstance(token, Decline):
            return token
        original = self._original(fields) if _names_an_original(kind, fields) else None
        if isinstance(original, Decline):
            return original
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
            _replacement_amount(fields.get(95)) if kind == REVERSAL else NOT_WANTED,
        )
        transaction = Transaction(link, header, message, terminal, request, received, received + self._deadline_s)
        transaction.mti = int(mti)
        transaction.processing_code = int(fields[3])
        transaction.key = sent_at.key + stan
        transaction.message_class = ord(mti[1]) - 48
        transaction.terminal_id = terminal.id
        transaction.recent_key = (transaction.key, terminal.id, transaction.message_class)
        transaction.sent_on = sent_at.date
        transaction.sent_on_ordinal = sent_at.ordinal
        transaction.belongs_to(token.shard, token.id)
        transaction.token_low = token.low
        get = fields.get
        # DE2/35 as the token, 3, 4, 49, 48, 63 (wire.md, Rules).
        transaction.fingerprint = fingerprint(token.id, token.low, get(3), amount_text, currency_text, get(48), get(63))
        transaction.currency = currency_text or NO_CURRENCY
        transaction.business_date = day = terminal.business_date or local.date
        transaction.business_ordinal = day.toordinal()
        transaction.settlement_date = f"{day.month:02d}{day.day:02d}"
        transaction.rrn = fields.get(37) or _rrn(sent_at, stan)
        transaction.original_name = original
        transaction.suspect = mti in REPEATS
        transaction.to_pay_in_reply = kind in PAYING
        if kind == HOLD:
            _ask_for_hold(request, transaction)
        transaction.wants_movements = kind == INQUIRY and fields[3] == ProcessingCode.STATEMENT
        _add_private_data(transaction, wishes, get(63))
        if coupons is not None:
            coupons.asked = transaction.asked or ""
            transaction.coupons = coupons
        return transaction

    def _asked(self, kind: int, fields: TextFields) -> tuple[Wishes, Shown | None] | Refusal:
        """What DE48 asks for, and the coupons that it shows."""
        wishes = read_wishes(fields[48]) if 48 in fields else NO_WISHES
        if isinstance(wishes, Refusal):
            return wishes
        if wishes.reward and kind not in PAYING and kind != REVERSAL:
            return Refusal(FORMAT_ERROR, "RW goes with a purchase")
        if kind == EVENT and not wishes.event:
            return Refusal(FORMAT_ERROR, "DE48 EV is missing")
        claims = _claims(kind, wishes)
        if isinstance(claims, Refusal):
            return claims
        coupons = self._coupons(kind, fields, wishes)
        return coupons if isinstance(coupons, Refusal) else (wishes._replace(claims=claims), coupons)

    def _coupons(self, kind: int, fields: TextFields, wishes: Wishes) -> Shown | Refusal | None:
        """What a purchase or a coupon check shows. What undoes a purchase may repeat its coupons, without effect."""
        is_check = fields[3] == ProcessingCode.COUPON_CHECK and kind == INQUIRY
        if is_check and not wishes.coupons:
            return Refusal(FORMAT_ERROR, "DE48 CP is missing")
        if is_check and 4 in fields and 49 not in fields:
            return Refusal(FORMAT_ERROR, "DE49 is missing")
        if not wishes.coupons or kind in (REFUND, REVERSAL):
            return None
        if kind not in PAYING and not is_check:
            return Refusal(FORMAT_ERROR, "DE48 CP needs a purchase")
        return read_codes(wishes.coupons, self._tokens)

    def _widened(self, transaction: Transaction) -> Transaction | Decline:
        """Read what a message asks for that touches more than one account."""
        t, fields = transaction, cast("TextFields", transaction.message.fields)
        card = Token(t.shard, t.account_id, t.token_low)
        asked = read_request(t.kind, fields, card, t.request.points_wanted, self._tokens, t.business_date)
        if isinstance(asked, Refusal):
            return Decline(*asked)
        transaction.wide = Wide(card, asked)
        transaction.fingerprint = with_second_card(transaction.fingerprint, fields, self._tokens)
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


def _traits(kind: int) -> tuple[int, bool, bool]:
    return kind, kind in NEEDS_NO_AMOUNT, kind in PAYING


def _claims(kind: int, wishes: Wishes) -> tuple[str, ...] | Refusal:
    """The offers that a purchase claims. What undoes a purchase may repeat its claims, without effect."""
    if not wishes.claims or kind in (REFUND, REVERSAL):
        return ()
    if kind not in PAYING:
        return Refusal(FORMAT_ERROR, "DE48 OF needs a purchase")
    return read_claims(wishes.claims)


def _names_an_original(kind: int, fields: TextFields) -> bool:
    """Whether DE90 counts. Of a purchase, if it names a 0100, a hold: what else a purchase has there is left alone."""
    return kind in (REFUND, REVERSAL) or (kind in PURCHASES and fields.get(90, "")[1:2] == "1")


def _ask_for_hold(request: Request, transaction: Transaction) -> None:
    """A hold is kept by the message's own key, and is of points or of credit, as DE3 says: DE48's or DE4's."""
    request.hold_key = transaction.key
    if transaction.processing_code == int(ProcessingCode.CREDIT_PURCHASE):
        request.points_wanted = 0
        if request.credit_wanted == NOT_WANTED:
            request.credit_wanted = request.amount
    else:
        request.credit_wanted = NOT_WANTED


def _add_private_data(transaction: Transaction, wishes: Wishes, basket: str | None) -> None:
    """What DE48 and DE63 say beside points and credit. A basket must add up to the amount."""
    transaction.event = wishes.event
    # Whoever takes a purchase back sends its DE48 once more: that chooses nothing.
    transaction.reward = wishes.reward if transaction.kind in PAYING else ""
    transaction.language = wishes.language
    transaction.claims = wishes.claims
    transaction.asked = kept_of(wishes, basket or "")
    if basket is not None:
        lines = transaction.basket = read_basket(basket)
        if lines is None or sum(line.amount_minor for line in lines) != transaction.amount:
            transaction.held_decline = INVALID_AMOUNT


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
