"""Synthetic terminals and cards, a million of them in seconds: for tests, demonstrations and load.

Cards are BIN 603799, a nine-digit serial from 0, and the Luhn digit; terminals are T0000001 and on. What is
there already stays as it is, so that a second run adds only what is missing, and a broken one is finished by
the next.
"""

import datetime as dt
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from struct import Struct

import asyncpg

from adapters.postgres.connecting import Connection, connection, maintenance
from adapters.postgres.errors import SeedingError
from adapters.postgres.programmes import ProgrammeError, find_programme, read_programme, store_programme
from adapters.postgres.queries import named
from adapters.postgres.reference import bump
from adapters.postgres.secrets import tokens_of
from switch.tokens import Tokens, luhn_digit

BIN = "603799"
SERIAL_DIGITS = 9
CARDS_MAX = 10**SERIAL_DIGITS
TERMINALS_MAX = 9_999_999
ACQUIRER = "581672"
ACQUIRER_NAME = "KHATAM"
MERCHANT = "M00000000000001"
PROGRAMME = "bazaar"
TIMEZONE = "Asia/Tehran"
CHUNK_CARDS = 50_000

_SQL = named("seeding")
_COLUMNS = ("id", "token_low", "programme", "enrolled_on", "shard", "last_four")
_ROW = Struct(">h iq iq ii ii ih i4s".replace(" ", ""))
"""A row of PostgreSQL's binary COPY: the number of columns, then each with its length before it."""
_COPY_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_COPY_TRAILER = b"\xff\xff"
_POSTGRES_EPOCH = dt.date(2000, 1, 1)

Report = Callable[[str, int, int], None]
"""Told what is being made, how many are done, and of how many."""


@dataclass(frozen=True, slots=True)
class Seeded:
    """What a run added; what was there before is not counted."""

    cards: int
    terminals: int


def luhn_sums(*, doubled_ends: bool) -> list[int]:
    """The Luhn sums of three digits, 000 to 999; the outer two or the middle one doubled."""

    def double(digit: int) -> int:
        return digit * 2 - 9 if digit > 4 else digit * 2

    return [
        double(n // 100) + n // 10 % 10 + double(n % 10) if doubled_ends else n // 100 + double(n // 10 % 10) + n % 10
        for n in range(1000)
    ]


class CardNumbers:
    """Card numbers by serial: three table look-ups instead of a loop over fifteen digits."""

    def __init__(self, prefix: str = BIN) -> None:
        self._prefix = prefix
        # With three digits a group, groups double their ends and their middle in turn; the prefix is what is
        # left over.
        self._base = -int(luhn_digit(prefix + "0" * SERIAL_DIGITS)) % 10
        self._ends = luhn_sums(doubled_ends=True)
        self._middle = luhn_sums(doubled_ends=False)

    def number(self, serial: int) -> str:
        """The card number with this serial, 16 digits."""
        high, low = divmod(serial, 1000)
        high, middle = divmod(high, 1000)
        total = self._base + self._ends[high] + self._middle[middle] + self._ends[low]
        return f"{self._prefix}{serial:09d}{-total % 10}"


async def seed(
    url: str,
    key: bytes,
    *,
    cards: int,
    terminals: int,
    programme_text: str | None = None,
    report: Report = lambda _what, _done, _of: None,
) -> Seeded:
    """Make synthetic cards and terminals. `programme_text` is stored as programme bazaar if there is none
    yet.

    Raises `SeedingError`, `TokenKeyError`, `MigrationError` and `DatabaseUnreachable`.
    """
    if not 0 <= cards <= CARDS_MAX:
        raise SeedingError(f"The number of cards must be 0 to {CARDS_MAX}, not {cards}.")
    if not 0 <= terminals <= TERMINALS_MAX:
        raise SeedingError(f"The number of terminals must be 0 to {TERMINALS_MAX}, not {terminals}.")
    async with connection(url, application="loyalty-switch seed") as opened:
        tokens = await tokens_of(opened, key)
        async with maintenance(opened):
            async with opened.transaction():
                institution = await _institution(opened)
                programme = await _programme(opened, programme_text)
                merchant = await opened.fetchval(_SQL["merchant"], institution, MERCHANT, "Bazaar", "grocery")
                report("terminals", 0, terminals)
                added_terminals = await opened.fetchval(_SQL["terminals"], institution, merchant, terminals)
                report("terminals", terminals, terminals)
                await bump(opened)
            added_cards = await _add_cards(opened, tokens, programme, cards, report)
            return Seeded(added_cards, added_terminals)


async def _institution(opened: Connection) -> int:
    number: int | None = await opened.fetchval(_SQL["institution"], ACQUIRER)
    if number is not None:
        return number
    try:
        number = await opened.fetchval(_SQL["add_institution"], ACQUIRER, ACQUIRER_NAME, "Khatam", TIMEZONE)
    except asyncpg.UniqueViolationError:
        raise SeedingError(
            f"There is an institution {ACQUIRER_NAME} whose code is not {ACQUIRER}: seed a database of its own."
        ) from None
    assert number is not None
    return number


async def _programme(opened: Connection, text: str | None) -> int:
    programme = await find_programme(opened, PROGRAMME)
    if programme is None and text is not None:
        try:
            given = read_programme(text)
        except ProgrammeError as fault:
            raise SeedingError(f"The programme's file is refused: {fault}") from None
        if given.name != PROGRAMME:
            raise SeedingError(f"The programme's file holds {given.name}, but cards are seeded in {PROGRAMME}.")
        programme = await store_programme(opened, given)
    if programme is None:
        raise SeedingError(
            f"There is no programme {PROGRAMME}, in which the cards are to be: run `loyalty-switch load "
            "examples/bazaar` "
            "first, or name its file with --programme."
        )
    return programme


async def _add_cards(opened: Connection, tokens: Tokens, programme: int, cards: int, report: Report) -> int:
    numbers = CardNumbers()
    enrolled_on = (dt.datetime.now(dt.UTC).date() - _POSTGRES_EPOCH).days
    look_first = await opened.fetchval(_SQL["has_accounts"])
    added = 0
    report("cards", 0, cards)
    for start in range(0, cards, CHUNK_CARDS):
        chunk = _chunk(tokens, numbers, range(start, min(start + CHUNK_CARDS, cards)))
        if look_first:
            chunk = await _missing(opened, chunk)
        if chunk:
            await opened.copy_to_table(
                "account", source=_copy_of(chunk, programme, enrolled_on), columns=_COLUMNS, format="binary"
            )
        added += len(chunk)
        report("cards", min(start + CHUNK_CARDS, cards), cards)
    if added:
        await opened.execute(_SQL["settle_fill_factor"])
        await opened.execute(_SQL["vacuum"])
    return added


Card = tuple[int, int, int, bytes]
"""Shard, id, low half of the token, last four digits."""


def _chunk(tokens: Tokens, numbers: CardNumbers, serials: range) -> list[Card]:
    """The cards with these serials, sorted as the primary key is, so that neighbours go into the same index
    page.
    """
    token_of, number_of = tokens.card, numbers.number
    cards = []
    for serial in serials:
        number = number_of(serial)
        shard, high, low = token_of(number)
        cards.append((shard, high, low, number[-4:].encode()))
    cards.sort()
    return cards


async def _missing(opened: Connection, cards: Sequence[Card]) -> list[Card]:
    rows = await opened.fetch(_SQL["existing"], [card[0] for card in cards], [card[1] for card in cards])
    there = {(row["shard"], row["id"]) for row in rows}
    return [card for card in cards if card[:2] not in there]


async def _copy_of(cards: Sequence[Card], programme: int, enrolled_on: int) -> AsyncIterator[bytes]:
    """The cards as a binary COPY of `_COLUMNS`."""
    pack = _ROW.pack
    yield _COPY_HEADER
    yield b"".join(
        pack(6, 8, high, 8, low, 4, programme, 4, enrolled_on, 2, shard, 4, last_four)
        for shard, high, low, last_four in cards
    )
    yield _COPY_TRAILER
