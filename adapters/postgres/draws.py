"""Draws as they are kept: closed with the tickets of one moment, revealed once by a second person.

Prizes are noted as owed to their winners; no account is touched here. `switch.draws` says how winners follow from what
is kept, `docs/draws.md` what is published when.
"""

import datetime as dt
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from adapters.postgres.connecting import Connection, connection, maintenance
from adapters.postgres.errors import DrawRefused
from adapters.postgres.migrations import require_schema
from adapters.postgres.queries import named
from adapters.postgres.secrets import tokens_of
from adapters.postgres.users import user_of
from switch.draws import (
    CODE_KEY_BYTES,
    SEED_BYTES,
    Announcement,
    Entry,
    Outcome,
    Prize,
    PrizeKind,
    Terms,
    TicketList,
    Winner,
    commitment,
    member_code,
    require_enough,
    require_entropy,
    winners,
)
from switch.tokens import is_card_number

OWED = "owed"

_SQL = named("draws")
_TICKET_COLUMNS = ("draw", "first", "last", "account", "shard", "member_code")


@dataclass(frozen=True, slots=True)
class PrizeState:
    """A prize: its number, what it is, `open` or `owed`, and to whom; of the card only the last four digits."""

    number: int
    prize: Prize
    state: str
    winner: Winner | None
    card_last_four: str | None


@dataclass(frozen=True, slots=True)
class Draw:
    """A draw that was closed. `outcome` and `revealed_by` are None until it is revealed; only then is the seed here."""

    number: int
    announced: Announcement
    closed_by: str
    outcome: Outcome | None
    revealed_by: str | None
    prizes: tuple[PrizeState, ...]


@asynccontextmanager
async def _opened(url: str) -> AsyncIterator[Connection]:
    async with connection(url, application="loyalty-switch draw") as opened:
        await require_schema(opened)
        yield opened


async def close(url: str, programme: str, name: str, terms: Terms, *, user: str) -> Draw:
    """Take the tickets of this moment, seal a seed, and keep both.

    Every account of the programme that has tickets takes part, unless it or its first card is blocked or closed. Sales
    go on meanwhile; tickets of a sale that is committed later don't count. Raises `DrawRefused` (closed before, nothing
    to draw from) and `DrawError` (too few members for the prizes).
    """
    closer = user_of(user, DrawRefused)
    async with _opened(url) as opened, maintenance(opened), opened.transaction():
        number, slot = await _slot(opened, programme, name)
        if await opened.fetchrow(_SQL["draws"], programme, name) is not None:
            raise DrawRefused(f"draw {name} of {programme} was closed before: a draw is closed once.")
        code_key, seed = secrets.token_bytes(CODE_KEY_BYTES), secrets.token_bytes(SEED_BYTES)
        held = [
            (member_code(code_key, row["shard"], row["account"]), row)
            for row in await opened.fetch(_SQL["holdings"], number, slot)
        ]
        listed = TicketList.numbered((code, row["tickets"]) for code, row in held)
        require_enough(listed, terms)
        draw = await opened.fetchval(
            _SQL["add_draw"], number, name, closer, len(listed.entries), listed.tickets,
            bytes.fromhex(listed.sha256()), code_key, seed, bytes.fromhex(commitment(seed)), terms.repeat,
            terms.entropy_source,
        )  # fmt: skip
        accounts = {code: (row["account"], row["shard"]) for code, row in held}
        await opened.copy_records_to_table(
            "draw_ticket",
            columns=_TICKET_COLUMNS,
            records=(
                (draw, entry.first, entry.last, *accounts[entry.member_code], entry.member_code)
                for entry in listed.entries
            ),
        )
        prizes = terms.prizes
        await opened.execute(
            _SQL["add_prizes"], draw, [prize.kind.value for prize in prizes], [prize.amount for prize in prizes],
            [prize.name_fa for prize in prizes], [prize.name_en for prize in prizes],
        )  # fmt: skip
        return await _found(opened, programme, name)


async def reveal(url: str, programme: str, name: str, *, user: str, public_entropy: str = "") -> tuple[Draw, bool]:
    """Publish the seed and note who won what; returns the draw, and whether it was revealed just now.

    A draw that was revealed stays as it is. Raises `DrawRefused`, above all if who closed it is who reveals it, and
    `DrawError` if list, seed or public value are not those that were announced.
    """
    revealer = user_of(user, DrawRefused)
    async with _opened(url) as opened, opened.transaction():
        kept = await opened.fetchrow(_SQL["lock"], programme, name)
        draw = await _found(opened, programme, name)
        assert kept is not None, "what is found was locked"
        if draw.outcome is not None:
            if public_entropy not in ("", draw.outcome.public_entropy):
                raise DrawRefused(f"draw {name} of {programme} was revealed with another public value; that stays.")
            return draw, False
        if revealer == draw.closed_by:
            raise DrawRefused(f"draw {name} of {programme} was closed by {revealer}: somebody else must reveal it.")
        require_entropy(draw.announced.terms, public_entropy)
        listed = await _listed(opened, draw.number)
        drawn = winners(draw.announced, listed, kept["seed"], public_entropy)
        await opened.execute(_SQL["reveal"], draw.number, revealer, public_entropy)
        await opened.execute(
            _SQL["award"], draw.number, [winner.prize for winner in drawn], [winner.ticket for winner in drawn],
            [listed.holder(winner.ticket).first for winner in drawn],
        )  # fmt: skip
        return await _found(opened, programme, name), True


async def show(url: str, programme: str, name: str) -> Draw:
    """A draw. Raises `DrawRefused` if it was not closed yet or is not there."""
    async with _opened(url) as opened:
        return await _found(opened, programme, name)


async def listed_draws(url: str, programme: str | None = None) -> list[Draw]:
    """Every draw that was closed, of one programme or of all, in that order."""
    async with _opened(url) as opened, opened.transaction(isolation="repeatable_read", readonly=True):
        return [await _draw(opened, row) for row in await opened.fetch(_SQL["draws"], programme, None)]


async def tickets(url: str, programme: str, name: str) -> TicketList:
    """A draw's ticket list. Raises `DrawRefused`."""
    async with _opened(url) as opened:
        draw = await _found(opened, programme, name)
        return await _listed(opened, draw.number)


async def tickets_of(url: str, token_key: bytes, programme: str, name: str, shown: str) -> Entry | None:
    """The entry of the member who shows a card number or a mobile number, or None. It is kept nowhere.

    Raises `DrawRefused`, `TokenError` (it is neither) and `TokenKeyError`.
    """
    async with _opened(url) as opened:
        draw = await _found(opened, programme, name)
        tokens = await tokens_of(opened, token_key)
        token = tokens.card(shown) if is_card_number(shown) else tokens.mobile(programme, shown)
        row = await opened.fetchrow(_SQL["tickets_of_card"], draw.number, token.shard, token.id, token.low, token.bytes)
        return None if row is None else Entry(**dict(row))


async def _slot(opened: Connection, programme: str, name: str) -> tuple[int, int]:
    row = await opened.fetchrow(_SQL["slot"], programme, name)
    if row is None:
        raise DrawRefused(f"there is no programme {programme}: `loyalty-switch programme list` shows those there are.")
    if row["slot"] is None:
        raise DrawRefused(f"no version of programme {programme} ever gave tickets for {name}: check the draw's name.")
    return row["programme"], row["slot"]


async def _found(opened: Connection, programme: str, name: str) -> Draw:
    row = await opened.fetchrow(_SQL["draws"], programme, name)
    if row is None:
        await _slot(opened, programme, name)
        raise DrawRefused(f"draw {name} of {programme} is still open: `loyalty-switch draw close` ends it.")
    return await _draw(opened, row)


async def _draw(opened: Connection, row: Any) -> Draw:
    prizes = tuple(map(_prize, await opened.fetch(_SQL["prizes"], row["id"])))
    announced = Announcement(
        programme=row["programme"],
        draw=row["draw"],
        closed_at=row["closed_at"].astimezone(dt.UTC),
        members=row["members"],
        tickets=row["tickets"],
        list_sha256=row["list_sha256"].hex(),
        commitment=row["commitment"].hex(),
        terms=Terms(tuple(each.prize for each in prizes), row["repeat"], row["entropy_source"]),
    )
    outcome = None
    if row["revealed_at"] is not None:
        drawn = tuple(each.winner for each in prizes if each.winner is not None)
        outcome = Outcome(row["revealed_at"].astimezone(dt.UTC), row["seed"], row["public_entropy"], drawn)
    return Draw(row["id"], announced, row["closed_by"], outcome, row["revealed_by"], prizes)


def _prize(row: Any) -> PrizeState:
    return PrizeState(
        number=row["prize"],
        prize=Prize(PrizeKind(row["kind"]), row["amount"], row["name_fa"], row["name_en"]),
        state=row["state"],
        winner=None if row["ticket"] is None else Winner(row["prize"], row["ticket"], row["member_code"]),
        card_last_four=row["last_four"],
    )


async def _listed(opened: Connection, draw: int) -> TicketList:
    return TicketList(tuple(Entry(**dict(row)) for row in await opened.fetch(_SQL["tickets"], draw)))
