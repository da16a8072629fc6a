"""The messages of a till, built from its options (docs/wire-profile.md). Pure: clock and STAN are given."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from adapters.cli.till_options import Customer, Till
from protocol import tlv
from protocol.codes import NetworkCode
from protocol.dialect import Dialect
from protocol.errors import TlvError
from protocol.message import Message

Fields = dict[int, str | bytes]
Pairs = list[tuple[str, str]]

ACQUIRER_DIGITS = 11
AMOUNT_DIGITS = 12
RRN_CHARACTERS = 12
NO_FEES = "C00000000" * 2
"""DE95 ends with two fees, each a sign and eight digits."""

POS_CONDITION_NORMAL = "00"
ENTRY_TYPED, ENTRY_STRIPE = "01", "02"


class TillError(Exception):
    """The till cannot do what was asked: one sentence that says why and what to do.

    TillError
    ├── till_client.CouldNotTalk   nothing listens, closed, timed out, not understood
    └── till_memory.NotRemembered  the message that an option names is not in the till's memory
    """


@dataclass(frozen=True, slots=True)
class Stamp:
    """What names one message: DE11, DE7 (UTC), DE12 and DE13 (local), DE37. A repeat has the first copy's."""

    stan: str
    transmitted: str
    local_time: str
    local_date: str
    rrn: str


@dataclass(frozen=True, slots=True)
class Original:
    """The message that a refund or a reversal names, as far as it is known: "" is not."""

    mti: str
    stan: str
    transmitted: str
    acquirer: str
    processing_code: str
    amount: str
    rrn: str

    @property
    def data_elements(self) -> str:
        """DE90: MTI, STAN, DE7, then DE32 and DE33 right-justified to eleven digits."""
        acquirer, forwarder = self.acquirer.zfill(ACQUIRER_DIGITS), "0" * ACQUIRER_DIGITS
        return f"{self.mti}{self.stan}{self.transmitted}{acquirer}{forwarder}"


def stamp(
    stan: str, utc: datetime, local: datetime, *, transmitted: str | None = None, rrn: str | None = None
) -> Stamp:
    """The stamp of a new message. A default RRN is last digit of the year, day of the year, hour and STAN."""
    return Stamp(
        stan=stan,
        transmitted=transmitted or f"{utc:%m%d%H%M%S}",
        local_time=f"{local:%H%M%S}",
        local_date=f"{local:%m%d}",
        rrn=(rrn or f"{utc.year % 10}{utc:%j%H}{stan}").ljust(RRN_CHARACTERS),
    )


def transaction(
    mti: str,
    processing_code: str,
    till: Till,
    customer: Customer,
    stamped: Stamp,
    *,
    amount: int | None = None,
    private: Sequence[tuple[str, str]] = (),
    basket: Sequence[str] = (),
    original: Original | None = None,
) -> Message:
    """A message about a card. `private` and `--tlv` become DE48, `basket` DE63, `original` DE90."""
    fields = _card(customer) | _stamped(till, stamped)
    fields[3] = processing_code
    fields[25] = POS_CONDITION_NORMAL
    fields[49] = customer.currency
    if amount is not None:
        fields[4] = amount_of(amount)
    pairs = [*_mobile(customer), *private, *_pairs(customer.tlv or ())]
    if pairs:
        fields[48] = _built(pairs, "--tlv")
    if basket:
        fields[63] = _built([("LI", line) for line in basket], "--line")
    if original is not None:
        fields[90] = original.data_elements
    return Message(mti, fields)


def reversal(
    mti: str,
    till: Till,
    customer: Customer,
    stamped: Stamp,
    original: Original,
    *,
    actual_amount: int | None = None,
) -> Message:
    """0400 or 0420 of `original`; with `actual_amount` only what is above it is taken back (DE95)."""
    amount = int(original.amount) if original.amount else None
    message = transaction(mti, original.processing_code, till, customer, stamped, amount=amount, original=original)
    if actual_amount is not None:
        message.fields[95] = amount_of(actual_amount) + "0" * AMOUNT_DIGITS + NO_FEES
    return message


def network(code: str, till: Till, stamped: Stamp, *, business_date: str | None = None) -> Message:
    """0800: `code` is DE70. `business_date` (MMDD) is the one that a cut-over opens."""
    fields: Fields = {
        7: stamped.transmitted,
        11: stamped.stan,
        32: till.acquirer,
        41: till.terminal,
        70: code,
    }
    if code == NetworkCode.CUT_OVER and business_date is not None:
        fields[15] = business_date
    return Message("0800", fields)


def with_fields(message: Message, overrides: Iterable[str], dialect: Dialect) -> Message:
    """`--field NUMBER=VALUE` over the message; an empty value leaves the element out. Raises `TillError`."""
    fields = dict(message.fields)
    for text in overrides:
        number_text, separator, value = text.partition("=")
        number = int(number_text) if number_text.isascii() and number_text.isdecimal() else 0
        if not separator or number not in dialect.fields:
            raise TillError(
                f"--field {number_text}: write NUMBER=VALUE with a data element of 2 to 128, such as 49=364."
            )
        if not value:
            fields.pop(number, None)
        elif dialect.fields[number].is_binary:
            try:
                fields[number] = bytes.fromhex(value)
            except ValueError:
                raise TillError(f"--field {number}: DE{number} is binary; write it as hex, such as 0102FF.") from None
        else:
            fields[number] = value
    return Message(message.mti, fields)


def amount_of(minor_units: int) -> str:
    """DE4: twelve digits of minor units."""
    text = str(minor_units)
    if len(text) > AMOUNT_DIGITS:
        raise TillError(f"An amount has at most {AMOUNT_DIGITS} digits of minor units; this one has {len(text)}.")
    return text.zfill(AMOUNT_DIGITS)


def _stamped(till: Till, stamped: Stamp) -> Fields:
    return {
        7: stamped.transmitted,
        11: stamped.stan,
        12: stamped.local_time,
        13: stamped.local_date,
        32: till.acquirer,
        37: stamped.rrn,
        41: till.terminal,
        42: till.merchant,
    }


def _card(customer: Customer) -> Fields:
    """DE2, or DE35, or neither for a mobile; and DE22."""
    entry = customer.entry_mode or (ENTRY_STRIPE if customer.track2 else ENTRY_TYPED)
    fields: Fields = {22: entry.ljust(3, "0")}
    if customer.track2:
        fields[35] = customer.track2
    elif not customer.mobile:
        fields[2] = customer.card
    return fields


def _mobile(customer: Customer) -> Pairs:
    return [("MB", customer.mobile)] if customer.mobile else []


def _pairs(texts: Iterable[str]) -> Pairs:
    pairs = []
    for text in texts:
        tag, separator, value = text.partition("=")
        if not separator:
            raise TillError("--tlv: write TAG=VALUE with a tag of two characters, such as LG=fa.")
        pairs.append((tag, value))
    return pairs


def _built(pairs: Pairs, option: str) -> str:
    try:
        return tlv.build(pairs)
    except TlvError as fault:
        raise TillError(f"{option}: {fault.reason}.") from None
