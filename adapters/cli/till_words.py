"""A message in words: each data element with its name, its value as it may be shown, and what it says."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from protocol import tlv
from protocol.codes import RESPONSE_MEANINGS, InternalCode, NetworkCode, ProcessingCode, ResponseCode
from protocol.dialect import Dialect
from protocol.errors import TlvError
from protocol.message import Message, masked

PROCESSING_MEANINGS = {
    ProcessingCode.PURCHASE: "purchase",
    ProcessingCode.REDEMPTION: "purchase paid by points",
    ProcessingCode.CREDIT_PURCHASE: "purchase paid by club credit",
    ProcessingCode.REFUND: "refund",
    ProcessingCode.BALANCE: "balance inquiry",
    ProcessingCode.STATEMENT: "last movements and live offers",
    ProcessingCode.EVENT: "event",
    ProcessingCode.ENROLMENT: "enrolment",
    ProcessingCode.CARD_LINK: "link of a further card",
    ProcessingCode.POINTS_TRANSFER: "transfer of points",
    ProcessingCode.POINTS_TO_POINTS: "transfer of points",
    ProcessingCode.POINTS_TO_CREDIT: "points into credit",
    InternalCode.UPKEEP: "upkeep by a job",
    InternalCode.GIFT: "gift by a job",
}
NETWORK_MEANINGS = {
    NetworkCode.SIGN_ON: "sign-on",
    NetworkCode.SIGN_OFF: "sign-off",
    NetworkCode.KEY_CHANGE: "key change",
    NetworkCode.CUT_OVER: "cut-over",
    NetworkCode.ECHO: "echo",
}
MOVEMENTS = (
    ("PE", "{} points earned", "{} points taken back"),
    ("PR", "{} points redeemed", "{} points given back"),
    ("CG", "{} of credit granted", "{} of credit taken back"),
    ("CS", "{} of credit spent", "{} of credit given back"),
    ("DS", "{} of discount", "{} of discount undone"),
)
"""DE62's movements: what is said of one, and of its undoing by a refund or a reversal."""
AMOUNT_DIGITS_MAX = 18
ZERO_WIDTH_NON_JOINER = "\u200c"
"""Persian words need it."""

NEXT_STEPS = {
    ResponseCode.UNKNOWN_MERCHANT: "DE42 must be the merchant that DE41 was loaded with: --merchant.",
    ResponseCode.REFUSED: "DE44 says what the programme wants.",
    ResponseCode.INVALID_TRANSACTION: "The processing code, the currency or the original does not fit.",
    ResponseCode.INVALID_AMOUNT: "Amounts are minor units above zero; a refund stays within its original.",
    ResponseCode.UNKNOWN_CARD: "Load the card (`loyalty-switch load DIR`) or name another with --card.",
    ResponseCode.ORIGINAL_NOT_FOUND: "DE90 names no message that the switch knows: see --of.",
    ResponseCode.FORMAT_ERROR: "DE44 names the data element; docs/wire-profile.md says what belongs there.",
    ResponseCode.NOT_SUPPORTED: "This switch does not serve that function.",
    ResponseCode.OVER_COUNT_LIMIT: "DE44 says of what there are too many; a hold is completed or released first.",
    ResponseCode.NOT_ENOUGH: "`loyalty-switch send balance` shows what is there.",
    ResponseCode.NOT_ALLOWED_TO_TERMINAL: "DE41 must be loaded, active and DE32's: --terminal, --acquirer.",
    ResponseCode.CARD_BLOCKED: "The card or its account is not active.",
    ResponseCode.OUT_OF_REACH: "The switch cannot reach PostgreSQL; send it again with --repeat.",
    ResponseCode.DUPLICATE_KEY: "STAN and time belong to another message: leave --stan and --time out.",
    ResponseCode.FAULT: "The switch's log says what went wrong.",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line: `element` is "MTI", "4" or "62 PE"; `meaning` may be empty."""

    element: str
    name: str
    value: str
    meaning: str = ""


@dataclass(frozen=True, slots=True)
class Balance:
    """One element of DE54."""

    account_type: str
    currency: str
    amount: int


def lines(message: Message, dialect: Dialect) -> Iterator[Line]:
    """The message, private data tag by tag. Cards, persons and secrets are masked."""
    yield Line("MTI", "Message type", message.mti)
    for number, value in sorted(message.fields.items()):
        name = dialect.fields[number].name
        if number in tlv.TAG_MEANINGS and isinstance(value, str):
            pairs = private(number, value)
            if pairs is not None:
                yield Line(str(number), name, f"{len(value.encode())} bytes")
                for tag, shown in pairs:
                    known = tlv.TAG_MEANINGS[number].get(tag, "not known here")
                    yield Line(f"{number} {tag}", known, visible(shown), tag_meaning(number, tag, shown))
                continue
        yield Line(str(number), name, visible(masked(number, value)), meaning(number, value))


def visible(text: str) -> str:
    """Control characters as escapes: what a peer sends must not steer the terminal it is shown on."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() or character == ZERO_WIDTH_NON_JOINER else f"\\u{ord(character):04x}"
        for character in text
    )


def private(number: int, value: str) -> list[tuple[str, str]] | None:
    """The tags of DE48, 62 or 63 as they may be shown; None if it is not tag-length-value."""
    try:
        pairs = tlv.parse(value)
    except TlvError:
        return None
    return [(tag, "*" * len(text) if number == 48 and tag in tlv.PERSONAL_TAGS else text) for tag, text in pairs]


def meaning(number: int, value: str | bytes) -> str:
    """What a value says, for the elements whose codes are not for people; "" for the others."""
    tell = _TELLERS.get(number)
    return "" if tell is None or isinstance(value, bytes) else tell(value)


def tag_meaning(number: int, tag: str, value: str) -> str:
    """What a value of DE62 says, for the tags that have several parts; "" for the others, and for what has others."""
    parts = value.split(";")
    if (number, tag) == (62, "MV") and len(parts) == 5 and all(map(_is_whole, (parts[0], *parts[2:]))):
        date, code, amount, points, credit = parts
        what = PROCESSING_MEANINGS.get(code, f"DE3 {visible(code)}")
        moved = f"{int(amount):,} minor units, {int(points):+,} points, {int(credit):+,} of credit"
        return f"{date[:4]}-{date[4:6]}-{date[6:]} {what}: {moved}"
    if (number, tag) == (62, "NR") and len(parts) == 3:
        rule, was, needed = map(visible, parts)
        return f"{rule} lacked {' or '.join(needed.split('|'))}; it was {was}"
    return ""


def _is_whole(text: str) -> bool:
    digits = text.removeprefix("-")
    return digits.isascii() and digits.isdecimal() and len(digits) <= AMOUNT_DIGITS_MAX


def _minor_units(value: str) -> str:
    return f"{int(value):,} minor units" if value.isdecimal() else ""


def _moment(value: str) -> str:
    return f"{value[0:2]}-{value[2:4]} {value[4:6]}:{value[6:8]}:{value[8:10]} UTC"


def _original(value: str) -> str:
    return f"{value[:4]}, STAN {value[4:10]}, DE7 {value[10:20]}, acquirer {value[20:31].lstrip('0')}"


def _replacement(value: str) -> str:
    return f"{int(value[:12]):,} minor units really happened" if value[:12].isdecimal() else ""


def _balances(value: str) -> str:
    return "; ".join(_balance_in_words(balance) for balance in balances(value))


_TELLERS: Mapping[int, Callable[[str], str]] = {
    3: lambda value: PROCESSING_MEANINGS.get(value, ""),
    4: _minor_units,
    7: _moment,
    39: lambda value: RESPONSE_MEANINGS.get(value, "not known here"),
    54: _balances,
    70: lambda value: NETWORK_MEANINGS.get(value, ""),
    90: _original,
    95: _replacement,
}


def balances(text: str) -> list[Balance]:
    """DE54: elements of twenty characters; those that are none are left out."""
    found = []
    for start in range(0, len(text), 20):
        element = text[start : start + 20]
        if len(element) == 20 and element[8:].isdecimal() and element[7] in "CD":
            amount = int(element[8:]) * (1 if element[7] == "C" else -1)
            found.append(Balance(element[:2], element[4:7], amount))
    return found


def _balance_in_words(balance: Balance) -> str:
    match balance.account_type:
        case "60":
            return f"{balance.amount:,} points"
        case "65":
            return f"{balance.amount:,} minor units of credit"
        case _:
            return f"{balance.amount:,} of account type {balance.account_type}"


def summary(request: Message, reply: Message) -> str:
    """The outcome in a sentence, and after a decline what to do."""
    response_code = str(reply.fields.get(39, ""))
    if response_code == ResponseCode.APPROVED:
        return _approved(request, reply)
    said = RESPONSE_MEANINGS.get(response_code, "a response code that is not known here")
    reason = f" ({visible(str(reply.fields[44]))})" if 44 in reply.fields else ""
    step = NEXT_STEPS.get(response_code, "")
    return f"Declined, {response_code}: {said}{reason}. {step}".rstrip()


def _approved(request: Message, reply: Message) -> str:
    tags = dict(private(62, str(reply.fields.get(62, ""))) or ())
    parts = [
        _counted(tags[tag].removeprefix("-"), undone if tags[tag].startswith("-") else moved)
        for tag, moved, undone in MOVEMENTS
        if tag in tags
    ]
    asked, left = request.fields.get(4), reply.fields.get(4)
    if isinstance(left, str) and left != asked and left.isdecimal():
        parts.append(f"{int(left):,} still to be paid")
    if "RC" in tags:
        parts.append(f"the code to give to friends is {visible(tags['RC'])}")
    if "PB" in tags:
        parts.append(_counted(tags["PB"], "the balance is {} points"))
    if "PP" in tags:
        parts.append(_counted(tags["PP"], "{} points are pending"))
    if "HD" in tags:
        points, _, credit = tags["HD"].partition("/")
        parts.append(_counted(visible(points), "{} points") + f" and {visible(credit)} of credit are held")
    if request.mti[1] == "1" and request.fields.get(3) == ProcessingCode.PURCHASE:
        return "Approved, a quote, and nothing moved: " + (", ".join(parts) or "nothing would be earned") + "."
    return "Approved" + (": " + ", ".join(parts) if parts else "") + "."


def _counted(number: str, words: str) -> str:
    return (words.replace("points", "point") if number == "1" else words).format(number)
