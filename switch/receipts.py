"""Receipt lines (DE62 MS) in Persian and English, fit for the printer of the terminal.

Pure text: what a decision gave goes in, lines come out. A printer is told by its terminal's settings: how many
characters a line has, whether it prints Persian or Latin digits, and whether a Persian line needs a mark that turns it
right to left. Lines are in logical order; shaping and reordering are the printer's.
"""

import textwrap
from dataclasses import dataclass
from typing import Literal

Language = Literal["fa", "en"]

WIDTH_MIN, WIDTH_MAX = 16, 64
LINES_MAX = 12
BYTES_MAX = 640
"""What DE62 (999 bytes) leaves for lines, with their tags, beside the numbers."""
RIGHT_TO_LEFT_MARK = "\u200f"

_TAG_BYTES = 5
_PERSIAN_DIGITS = str.maketrans("0123456789,", "۰۱۲۳۴۵۶۷۸۹٬")
_WITHOUT_MINOR_UNITS = frozenset({364, 392, 410, 704})
"""Of the currencies in use here, those whose amounts have no minor unit on a till (ISO 4217)."""
_MONEY = {364: {"fa": "ریال", "en": "rial"}, 840: {"fa": "دلار", "en": "USD"}, 978: {"fa": "یورو", "en": "EUR"}}


@dataclass(frozen=True, slots=True)
class Printer:
    """How a terminal prints: characters of a line, digits of Persian text, and whether its lines begin with U+200F."""

    width: int = 32
    digits: Literal["persian", "latin"] = "persian"
    right_to_left_mark: bool = False


USUAL_PRINTER = Printer()


@dataclass(frozen=True, slots=True)
class Offer:
    """A live offer: what it wants in words is its `text`; `days_left` counts today as 0."""

    text: dict[str, str]
    days_left: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """What may be told after a decision. Money in minor units of `currency`; what is zero or empty is not told."""

    currency: int
    points_balance: int
    """What may be spent."""
    points_earned: int = 0
    points_redeemed: int = 0
    credit_balance: int = 0
    credit_granted: int = 0
    credit_spent: int = 0
    discount: int = 0
    tier: str = ""
    points_to_next_tier: tuple[str, int] | None = None
    stamps: tuple[tuple[str, int, int], ...] = ()
    tickets: tuple[tuple[str, int], ...] = ()
    messages: tuple[dict[str, str], ...] = ()
    offers: tuple[Offer, ...] = ()
    points_pending: int = 0
    """Points that may be spent once the return window of their purchases is over."""
    lapsing: tuple[tuple[int, int], ...] = ()
    """Points that lapse soon, and how many days they have left; today counts as 0."""
    asks_for: tuple[str, ...] = ()
    """What the member's record still lacks: `name`, `birth_date`."""


_WORDS: dict[str, dict[Language, str]] = {
    "discount": {"fa": "تخفیف: {0}", "en": "Discount: {0}"},
    "points_earned": {"fa": "امتیاز این خرید: {0}", "en": "Points earned: {0}"},
    "points_redeemed": {"fa": "امتیاز خرج‌شده: {0}", "en": "Points spent: {0}"},
    "points_balance": {"fa": "مانده امتیاز: {0}", "en": "Points balance: {0}"},
    "points_pending": {"fa": "امتیاز در انتظار: {0}", "en": "Points pending: {0}"},
    "credit_granted": {"fa": "اعتبار هدیه: {0}", "en": "Credit given: {0}"},
    "credit_spent": {"fa": "اعتبار خرج‌شده: {0}", "en": "Credit spent: {0}"},
    "credit_balance": {"fa": "مانده اعتبار: {0}", "en": "Credit balance: {0}"},
    "tier": {"fa": "سطح: {0}", "en": "Tier: {0}"},
    "next_tier": {"fa": "{1} امتیاز تا {0}", "en": "{1} points to {0}"},
    "stamps": {"fa": "مهر {0}: {1} از {2}", "en": "Stamps {0}: {1} of {2}"},
    "stamps_full": {"fa": "مهر {0} کامل شد: بار بعد هدیه", "en": "Stamps {0}: full, the next is yours"},
    "tickets": {"fa": "بلیت {0}: {1}", "en": "Tickets {0}: {1}"},
    "offer": {"fa": "{0} (تا {1} روز)", "en": "{0} ({1} days left)"},
    "offer_today": {"fa": "{0} (فقط امروز)", "en": "{0} (today only)"},
    "lapsing": {"fa": "{0} امتیاز تا {1} روز دیگر از بین می‌رود", "en": "{0} points expire in {1} days"},
    "lapsing_today": {"fa": "{0} امتیاز امشب از بین می‌رود", "en": "{0} points expire tonight"},
    "name": {"fa": "لطفا نام خود را بگویید", "en": "Please tell us your name"},
    "birth_date": {"fa": "لطفا تاریخ تولد خود را بگویید", "en": "Please tell us your birth date"},
}


def lines_of(receipt: Receipt, language: Language, printer: Printer) -> list[str]:
    """The lines, each at most `printer.width` characters (the mark apart), in the order in which they matter.

    What does not fit into `LINES_MAX` lines or `BYTES_MAX` bytes is left out whole, sentence by sentence, from the end.
    """
    lines: list[str] = []
    room = BYTES_MAX
    for sentence in _sentences(receipt, language):
        wrapped = [_printed(line, language, printer) for line in wrapped_at(printer.width, sentence)]
        size = sum(_TAG_BYTES + len(line.encode()) for line in wrapped)
        if len(lines) + len(wrapped) > LINES_MAX or size > room:
            break
        room -= size
        lines += wrapped
    return lines


def wrapped_at(width: int, sentence: str) -> list[str]:
    """The lines of `textwrap.wrap`, which looks for breaks at length even where none is needed."""
    fits = len(sentence) <= width and " ".join(sentence.split()) == sentence
    return [sentence] if fits and sentence else textwrap.wrap(sentence, width)


def _printed(line: str, language: Language, printer: Printer) -> str:
    if language != "fa":
        return line
    if printer.digits == "persian":
        line = line.translate(_PERSIAN_DIGITS)
    return RIGHT_TO_LEFT_MARK + line if printer.right_to_left_mark else line


def _sentences(receipt: Receipt, language: Language) -> list[str]:
    def say(what: str, *values: object) -> str:
        return _WORDS[what][language].format(*values)

    def money(amount: int) -> str:
        return _money(amount, receipt.currency, language)

    told = [
        say(what, money(amount) if is_money else f"{amount:,}")
        for what, amount, is_money in (
            ("discount", receipt.discount, True),
            ("points_earned", receipt.points_earned, False),
            ("points_redeemed", receipt.points_redeemed, False),
            ("credit_granted", receipt.credit_granted, True),
            ("credit_spent", receipt.credit_spent, True),
        )
        if amount
    ]
    told.append(say("points_balance", f"{receipt.points_balance:,}"))
    if receipt.points_pending:
        told.append(say("points_pending", f"{receipt.points_pending:,}"))
    if receipt.credit_balance:
        told.append(say("credit_balance", money(receipt.credit_balance)))
    told += [text for each in receipt.messages if (text := each.get(language) or next(iter(each.values()), ""))]
    for key, have, need in receipt.stamps:
        told.append(say("stamps_full", key) if have >= need else say("stamps", key, have, need))
    told += [say("tickets", draw, f"{count:,}") for draw, count in receipt.tickets]
    if receipt.tier:
        told.append(say("tier", receipt.tier))
    if receipt.points_to_next_tier is not None:
        name, missing = receipt.points_to_next_tier
        told.append(say("next_tier", name, f"{missing:,}"))
    for offer in receipt.offers:
        text = offer.text.get(language) or next(iter(offer.text.values()), "")
        if text:
            told.append(say("offer", text, offer.days_left) if offer.days_left else say("offer_today", text))
    told += [
        say("lapsing", f"{points:,}", days_left) if days_left else say("lapsing_today", f"{points:,}")
        for points, days_left in receipt.lapsing
    ]
    told += [say(what) for what in receipt.asks_for]
    return told


def _money(amount: int, currency: int, language: Language) -> str:
    name = _MONEY.get(currency, {}).get(language, "")
    sign = "-" if amount < 0 else ""
    if currency in _WITHOUT_MINOR_UNITS:
        number = f"{sign}{abs(amount):,}"
    else:
        whole, rest = divmod(abs(amount), 100)
        number = f"{sign}{whole:,}.{rest:02d}"
    return f"{number} {name}".rstrip()
