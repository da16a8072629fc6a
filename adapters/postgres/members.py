"""Members who leave, as the house knows them: found by a card or a mobile, asked for, approved by somebody else.

What becomes of an account is decided in the wide lane (`switch.leaving`); here is what surrounds it. Numbers that are
shown come in, and never out again.
"""

import datetime as dt
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from adapters.postgres.connecting import Connection, connection
from adapters.postgres.errors import MemberRefused
from adapters.postgres.migrations import require_schema
from adapters.postgres.queries import named
from adapters.postgres.secrets import tokens_of
from adapters.postgres.users import user_of
from switch.tokens import Token, TokenError, is_card_number
from switch.transaction import AccountKey

END, ERASURE = "end", "erasure"
STATUSES = ("active", "blocked", "closed")

_SQL = named("members")


@dataclass(frozen=True, slots=True)
class Shown:
    """What is kept of a member: of the person only what is known, not what it says."""

    account: AccountKey
    card_last_four: str | None
    status: str
    points: int
    credit: int
    visits: int
    enrolled_on: dt.date
    further_cards: int
    messages: int
    is_member: bool
    fee_owed: int
    told: tuple[str, ...]
    requests: tuple["Asked", ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, and the account's first card as a token. `institution`, `acquirer`, … are the programme's owner's."""

    number: int
    kind: str
    card: Token
    programme_name: str
    programme: int
    institution: int
    acquirer: str
    timezone: str
    business_date: dt.date | None
    forfeits_credit: bool
    asked_by: str
    asked_at: dt.datetime
    approved_by: str | None
    done_at: dt.datetime | None


@asynccontextmanager
async def _opened(url: str) -> AsyncIterator[Connection]:
    async with connection(url, application="loyalty-switch member") as opened:
        await require_schema(opened)
        yield opened


async def show(url: str, token_key: bytes, programme: str, shown: str) -> Shown:
    """What is kept of whoever shows a card or a mobile number. Raises `MemberRefused`."""
    async with _opened(url) as opened:
        found = await _find(opened, token_key, programme, shown)
        key = (found["shard"], found["id"])
        row = await opened.fetchrow(_SQL["show"], *key)
        assert row is not None
        return Shown(
            account=key,
            card_last_four=row["last_four"],
            status=STATUSES[row["status"]],
            points=row["points"],
            credit=row["credit"],
            visits=row["visits"],
            enrolled_on=row["enrolled_on"],
            further_cards=row["further_cards"],
            messages=row["messages"],
            is_member=row["is_member"],
            fee_owed=row["fee_owed"] or 0,
            told=tuple(row["told"]),
            requests=await _requests(opened, None, key),
        )


async def ask(
    url: str, token_key: bytes, programme: str, shown: str, *, kind: str, forfeits_credit: bool, user: str
) -> Asked:
    """Note that somebody leaves. Raises `MemberRefused`."""
    asker = user_of(user, MemberRefused)
    async with _opened(url) as opened, opened.transaction():
        found = await _find(opened, token_key, programme, shown)
        key = (found["shard"], found["id"])
        if await _requests(opened, None, key):
            raise MemberRefused(
                "there is a request for this member already: `loyalty-switch member requests` shows it."
            )
        row = await opened.fetchrow(_SQL["show"], *key)
        assert row is not None
        if kind == ERASURE and not row["is_member"]:
            raise MemberRefused("nobody is enrolled with this card: there is nothing to erase, `member end` closes it.")
        if row["credit"] and not forfeits_credit:
            raise MemberRefused(
                f"{row['credit']} of credit is left: let it be spent, or give it up by --forfeit-credit."
            )
        number = await opened.fetchval(_SQL["ask"], kind, *key, forfeits_credit, asker)
        return (await _requests(opened, number))[0]


async def request(url: str, number: int) -> Asked:
    """A request by its number. Raises `MemberRefused`."""
    async with _opened(url) as opened:
        found = await _requests(opened, number)
    if not found:
        raise MemberRefused(f"there is no request {number}: `loyalty-switch member requests` shows those that wait.")
    return found[0]


async def approved(url: str, number: int, *, user: str) -> tuple[Asked, str]:
    """An erasure that this user may approve, and the user's name as it is kept. Raises `MemberRefused`."""
    checker = user_of(user, MemberRefused)
    asked = await request(url, number)
    if asked.done_at is not None:
        raise MemberRefused(f"request {number} was done at {asked.done_at:%Y-%m-%d %H:%M} UTC; nothing is changed.")
    if asked.kind != ERASURE:
        raise MemberRefused(f"request {number} is not for an erasure.")
    if asked.asked_by == checker:
        raise MemberRefused(f"request {number} was made by {checker}: somebody else must approve it.")
    return asked, checker


async def waiting(url: str) -> tuple[Asked, ...]:
    """Every request that was not done yet."""
    async with _opened(url) as opened:
        return await _requests(opened, None)


async def withdraw(url: str, number: int) -> None:
    """Take a request back that was not done yet. Raises `MemberRefused`."""
    async with _opened(url) as opened:
        if await opened.execute(_SQL["withdraw"], number) != "DELETE 1":
            raise MemberRefused(f"no request {number} waits: `loyalty-switch member requests` shows those that do.")


async def sweep(url: str, before: AccountKey, alias: Token) -> None:
    """What a lane had decided before an erasure and wrote after it goes the same way."""
    async with _opened(url) as opened, opened.transaction():
        await opened.fetch(_SQL["lock_shard"], before[0])
        await opened.execute(_SQL["sweep_journal"], *before, alias.id)


def alias_of(account: AccountKey) -> Token:
    """A number that nobody can work out, for an account whose member is erased."""
    return Token(account[0], secrets.randbits(64) - 2**63, secrets.randbits(64) - 2**63)


async def _requests(opened: Connection, number: int | None, key: AccountKey | None = None) -> tuple[Asked, ...]:
    rows = await opened.fetch(_SQL["requests"], number, *(key or (None, None)))
    return tuple(
        Asked(
            number=row["id"],
            kind=row["kind"],
            card=Token(row["shard"], row["account"], row["token_low"]),
            programme_name=row["programme_name"],
            programme=row["programme"],
            institution=row["institution"],
            acquirer=row["acquirer"],
            timezone=row["timezone"],
            business_date=row["business_date"],
            forfeits_credit=row["forfeits_credit"],
            asked_by=row["asked_by"],
            asked_at=row["asked_at"],
            approved_by=row["approved_by"],
            done_at=row["done_at"],
        )
        for row in rows
    )


async def _find(opened: Connection, token_key: bytes, programme: str, shown: str) -> asyncpg.Record:
    """The account that a card or a mobile number leads to. Raises `MemberRefused`."""
    if await opened.fetchval(_SQL["programme"], programme) is None:
        raise MemberRefused(
            f"there is no programme {programme}: `loyalty-switch programme list` shows those there are."
        )
    tokens = await tokens_of(opened, token_key)
    try:
        token = tokens.card(shown) if is_card_number(shown) else tokens.mobile(programme, shown)
    except TokenError:
        raise MemberRefused("that is neither a card number nor a mobile number.") from None
    found = await opened.fetchrow(_SQL["find"], programme, token.shard, token.id, token.low, token.bytes)
    if found is None:
        raise MemberRefused(f"programme {programme} knows no such card or mobile.")
    return found
