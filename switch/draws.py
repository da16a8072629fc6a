"""Draws that anyone can check: numbered tickets, a sealed seed, and winners that follow from the two.

    close     the tickets of that moment are numbered 1 to n, in the order of their holders' codes; SHA-256 of the list
              and SHA-256 of a secret seed, the commitment, are published
    reveal    the seed is published; each prize goes to the ticket that HMAC-SHA256 under the seed names

Nothing here has a clock, randomness or I/O: the seed and the key of the codes are given. `docs/verify_draw.py` does the
same from what is published, independently of this module; `docs/draws.md` says what that proves and what not.
"""

import datetime as dt
import hashlib
import hmac
import itertools
import re
from base64 import b32encode
from bisect import bisect_right, insort
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from operator import attrgetter
from typing import Any

from switch.errors import SwitchError

SEED_BYTES = 32
CODE_KEY_BYTES = 32
TICKETS_MAX = 10**18
PRIZES_MAX = 1_000
HEADING = "first,last,member_code"
ENTROPY_CHARACTERS_MAX = 200

_CODE_BYTES = 10
_NUMBERS = 2 ** (8 * hashlib.sha256().digest_size)
# One way to write a value, so that nobody can choose among spellings once the value is known.
_ENTROPY = re.compile(r"[0-9a-z]+(?:[.-][0-9a-z]+)*", re.ASCII)


class DrawError(SwitchError):
    """A list, a seed or a public value that no draw can be made with; the text says why."""


class PrizeKind(StrEnum):
    """What a prize is: points, credit in minor units of the programme's currency, or a thing with a name."""

    POINTS = "points"
    CREDIT = "credit"
    THING = "thing"


@dataclass(frozen=True, slots=True)
class Prize:
    """One prize. `amount` is points or minor units, 0 for a thing; only a thing has names."""

    kind: PrizeKind
    amount: int = 0
    name_fa: str = ""
    name_en: str = ""


@dataclass(frozen=True, slots=True)
class Terms:
    """What is drawn for, fixed when the draw is closed. Prizes are drawn in this order.

    `repeat`: a member may win more than once. `entropy_source` says in words which public value, unknown at the close,
    will be mixed in at the reveal; empty: none.
    """

    prizes: tuple[Prize, ...]
    repeat: bool = False
    entropy_source: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """A member's tickets: the numbers `first` to `last`, both included."""

    first: int
    last: int
    member_code: str

    @property
    def tickets(self) -> int:
        """How many they are."""
        return self.last - self.first + 1


@dataclass(frozen=True, slots=True)
class TicketList:
    """Every ticket of a draw once, numbered from 1 without a gap, by rising member code.

    Raises `DrawError` for entries that are not so.
    """

    entries: tuple[Entry, ...]

    def __post_init__(self) -> None:
        end, code = 0, ""
        for entry in self.entries:
            if entry.first != end + 1 or entry.last < entry.first:
                raise DrawError(f"the ticket list has a gap, an overlap or an empty range at ticket {end + 1}")
            if entry.member_code <= code:
                raise DrawError(f"the ticket list has a member twice or out of order at ticket {entry.first}")
            end, code = entry.last, entry.member_code
        if end > TICKETS_MAX:
            raise DrawError(f"a draw has at most {TICKETS_MAX} tickets, not {end}")

    @classmethod
    def numbered(cls, holdings: Iterable[tuple[str, int]]) -> "TicketList":
        """Number the tickets of (member code, how many), given in any order. Raises `DrawError`."""
        entries, end = [], 0
        for member_code, tickets in sorted(holdings):
            entries.append(Entry(end + 1, end + tickets, member_code))
            end += tickets
        return cls(tuple(entries))

    @property
    def tickets(self) -> int:
        """The number of the last ticket, which is how many there are."""
        return self.entries[-1].last if self.entries else 0

    def lines(self) -> Iterator[bytes]:
        """The list as it is published, line by line: ASCII, a heading, `\\n` behind each line."""
        yield f"{HEADING}\n".encode()
        for entry in self.entries:
            yield f"{entry.first},{entry.last},{entry.member_code}\n".encode()

    def sha256(self) -> str:
        """SHA-256 of the published list, as `sha256sum` prints it."""
        digest = hashlib.sha256()
        for line in self.lines():
            digest.update(line)
        return digest.hexdigest()

    def holder(self, ticket: int) -> Entry:
        """Whose ticket this is."""
        return self.entries[bisect_right(self.entries, ticket, key=attrgetter("first")) - 1]


@dataclass(frozen=True, slots=True)
class Winner:
    """Who won a prize (counted from 1), and by which ticket."""

    prize: int
    ticket: int
    member_code: str


@dataclass(frozen=True, slots=True)
class Announcement:
    """What is published when a draw is closed. Digests as hex; `closed_at` in UTC."""

    programme: str
    draw: str
    closed_at: dt.datetime
    members: int
    tickets: int
    list_sha256: str
    commitment: str
    terms: Terms


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is published when it is revealed. `public_entropy` is empty where the terms named no source."""

    revealed_at: dt.datetime
    seed: bytes
    public_entropy: str
    winners: tuple[Winner, ...]


def member_code(key: bytes, shard: int, account: int) -> str:
    """The code under which an account stands in a draw's list: 16 characters A–Z and 2–7.

    Without the draw's key nobody can tell whose it is, nor that two draws list the same member. 80 bits of HMAC-SHA256:
    among ten million members two share a code with a chance of one in 10^10, and then the list is refused.
    """
    return b32encode(hmac.digest(key, f"{shard}/{account}".encode(), "sha256")[:_CODE_BYTES]).decode()


def commitment(seed: bytes) -> str:
    """What binds whoever closes a draw to its seed without showing it: SHA-256, as hex."""
    return hashlib.sha256(seed).hexdigest()


def require_enough(listed: TicketList, terms: Terms) -> None:
    """Raise `DrawError` unless every prize finds a winner."""
    if not listed.entries:
        raise DrawError("nobody has a ticket for this draw")
    if not terms.repeat and len(terms.prizes) > len(listed.entries):
        raise DrawError(
            f"there are {len(terms.prizes)} prizes and only {len(listed.entries)} members with tickets: "
            "take prizes out, or let members win more than once (repeat: true)"
        )


def require_entropy(terms: Terms, public_entropy: str) -> None:
    """Raise `DrawError` unless a public value is given exactly where one was announced, and in its one spelling.

    A value that nobody announced before would let whoever knows the seed try values until the winner pleases.
    """
    if terms.entropy_source and not public_entropy:
        raise DrawError(f"this draw mixes in a public value, which must be given: {terms.entropy_source}")
    if public_entropy and not terms.entropy_source:
        raise DrawError("no public value was announced when this draw was closed, so none can be mixed in now")
    if len(public_entropy) > ENTROPY_CHARACTERS_MAX or (public_entropy and not _ENTROPY.fullmatch(public_entropy)):
        raise DrawError(
            f"a public value is written in digits and lower-case letters, with single points or hyphens between them "
            f"and no separators of thousands, at most {ENTROPY_CHARACTERS_MAX} characters"
        )


def winners(announced: Announcement, listed: TicketList, seed: bytes, public_entropy: str = "") -> tuple[Winner, ...]:
    """Who wins, in the order of the prizes. The same inputs give the same winners for ever.

    Each prize falls on one of the tickets that are still in, each as likely as any other; without `repeat`, all tickets
    of a winner leave. Raises `DrawError` if list or seed are not those that were announced.
    """
    if listed.sha256() != announced.list_sha256:
        raise DrawError("the ticket list is not the one whose SHA-256 was published")
    if len(seed) != SEED_BYTES or commitment(seed) != announced.commitment:
        raise DrawError("the seed is not the one that the published commitment is of")
    require_enough(listed, announced.terms)
    require_entropy(announced.terms, public_entropy)
    label = f"{announced.programme}|{announced.draw}|{announced.list_sha256}|{public_entropy}"
    drawn: list[Winner] = []
    gone: list[Entry] = []
    remaining = listed.tickets
    for prize in range(1, len(announced.terms.prizes) + 1):
        ticket = _place(seed, label, prize, remaining)
        # A place among those still in becomes a number on the list by stepping over the winners before it, in order.
        for entry in gone:
            if ticket >= entry.first:
                ticket += entry.tickets
        holder = listed.holder(ticket)
        drawn.append(Winner(prize, ticket, holder.member_code))
        if not announced.terms.repeat:
            insort(gone, holder, key=attrgetter("first"))
            remaining -= holder.tickets
    return tuple(drawn)


def _place(seed: bytes, label: str, prize: int, tickets: int) -> int:
    """A number 1 to `tickets` for a prize: the first attempt that is not rejected."""
    digests = (hmac.digest(seed, f"{label}|{prize}|{attempt}".encode(), "sha256") for attempt in itertools.count())
    places = (fair(int.from_bytes(digest, "big"), tickets, _NUMBERS) for digest in digests)
    return next(place for place in places if place is not None)


def fair(number: int, tickets: int, numbers: int) -> int | None:
    """The ticket, 1 to `tickets`, that a number below `numbers` falls on, or None: it is to be drawn again.

    Of the numbers exactly `numbers // tickets` fall on each ticket; the rest, fewer than `tickets`, are rejected.
    """
    if number >= numbers - numbers % tickets:
        return None
    return number % tickets + 1


def published(announced: Announcement, outcome: Outcome | None) -> dict[str, Any]:
    """What the public is told, fit for JSON: after the reveal the same and more, never anything else."""
    terms = announced.terms
    told: dict[str, Any] = {
        "programme": announced.programme,
        "draw": announced.draw,
        "closed_at": announced.closed_at.astimezone(dt.UTC).isoformat(),
        "members": announced.members,
        "tickets": announced.tickets,
        "list_sha256": announced.list_sha256,
        "commitment": announced.commitment,
        "repeat": terms.repeat,
        "entropy_source": terms.entropy_source,
        "prizes": [{"prize": number, **_told(prize)} for number, prize in enumerate(terms.prizes, 1)],
    }
    if outcome is not None:
        told["revealed_at"] = outcome.revealed_at.astimezone(dt.UTC).isoformat()
        told["seed"] = outcome.seed.hex()
        told["public_entropy"] = outcome.public_entropy
        told["winners"] = [
            {"prize": winner.prize, "ticket": winner.ticket, "member_code": winner.member_code}
            for winner in outcome.winners
        ]
    return told


def _told(prize: Prize) -> dict[str, Any]:
    if prize.kind is PrizeKind.THING:
        return {"thing": {"fa": prize.name_fa, "en": prize.name_en}}
    return {prize.kind.value: prize.amount}
