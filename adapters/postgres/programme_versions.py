"""The life of a programme's versions: submitted as a draft, tried in shadow, made live by a second person.

    draft ──shadow──► shadow ──activate──► live ──► retired
      └──────────────activate──────────────►▲
    draft, shadow ──withdraw──► retired

A version's text never changes. At most one version of a programme is live and at most one in shadow. Every change bumps
the reference version, which running workers follow within a second; messages under way are decided by the version
that was live when their batch was decided, and their journal rows say which.
"""

import datetime as dt
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from adapters.postgres.budgets import deal
from adapters.postgres.connecting import Connection, connection, maintenance
from adapters.postgres.errors import ProgrammeRefused
from adapters.postgres.migrations import require_schema
from adapters.postgres.programmes import (
    FIRST_VERSION,
    ProgrammeText,
    add_programme,
    add_version,
    find_programme,
    read_programme,
    require_names,
    set_clubs,
    set_partners,
)
from adapters.postgres.queries import named
from adapters.postgres.reference import bump
from adapters.postgres.users import user_of

DRAFT, SHADOW, LIVE, RETIRED = "draft", "shadow", "live", "retired"

_SQL = named("programme_versions")


@dataclass(frozen=True, slots=True)
class Version:
    """A version as a list shows it. Times in UTC; None: it has not happened."""

    programme: str
    version: int
    state: str
    source_hash: str
    made_by: str
    made_at: dt.datetime
    checked_by: str | None
    live_at: dt.datetime | None
    retired_at: dt.datetime | None


@asynccontextmanager
async def _changing(url: str) -> AsyncIterator[Connection]:
    """A transaction in which a version changes; the workers are told at its end."""
    async with connection(url, application="loyalty-switch programme") as opened:
        await require_schema(opened)
        async with maintenance(opened), opened.transaction():
            yield opened
            await bump(opened)


async def submit(url: str, text: str, *, maker: str) -> tuple[str, int]:
    """Keep a text as the next draft of its programme; returns the programme's name and the version.

    Raises `ProgrammeError` for a text that is not sound, `ProgrammeRefused` for one that is there already,
    `DatabaseError` if it names what is not there.
    """
    user = user_of(maker, ProgrammeRefused)
    programme = read_programme(text)
    async with _changing(url) as opened:
        number = await opened.fetchval(_SQL["lock"], programme.name)
        if number is None:
            number, version = await add_programme(opened, programme), FIRST_VERSION
        else:
            await _require_same_terms(opened, number, programme)
            newest = await opened.fetchrow(_SQL["newest"], number)
            version = FIRST_VERSION if newest is None else newest["version"] + 1
            if newest is not None and newest["source_hash"] == programme.source_hash and newest["state"] != RETIRED:
                raise ProgrammeRefused(
                    f"programme {programme.name} has this very text already: version {newest['version']}, "
                    f"{newest['state']}."
                )
        await add_version(opened, number, version, DRAFT, programme, made_by=user)
    return programme.name, version


async def put_in_shadow(url: str, name: str, version: int) -> None:
    """Let a draft decide beside the live version, without effect; another shadow makes room.

    Raises `ProgrammeRefused`.
    """
    async with _changing(url) as opened:
        number, state, _, _ = await _found(opened, name, version)
        _require(state == DRAFT, name, version, state, "only a draft can be put in shadow")
        await opened.execute(_SQL["retire"], number, SHADOW)
        await opened.execute(_SQL["shadow"], number, version)


async def activate(url: str, name: str, version: int, *, checker: str) -> None:
    """Make a draft or a shadow live; the live version is retired. Raises `ProgrammeRefused`, above all if maker and
    checker are one.
    """
    user = user_of(checker, ProgrammeRefused)
    async with _changing(url) as opened:
        number, state, programme, maker = await _found(opened, name, version)
        _require(state in (DRAFT, SHADOW), name, version, state, "only a draft or a shadow can be made live")
        if user == maker:
            raise ProgrammeRefused(
                f"{name} version {version} was submitted by {maker}: somebody else must check it and make it live."
            )
        await require_names(opened, programme)
        await opened.execute(_SQL["retire"], number, LIVE)
        await opened.execute(_SQL["activate"], number, version, user)
        await set_partners(opened, number, programme)
        await set_clubs(opened, number, programme)
        await deal(opened, number, programme.budgets)


async def withdraw(url: str, name: str, version: int) -> None:
    """Retire a draft or a shadow that will not be made live. Raises `ProgrammeRefused`."""
    async with _changing(url) as opened:
        number, state, _, _ = await _found(opened, name, version)
        _require(
            state in (DRAFT, SHADOW), name, version, state, "only a draft or a shadow can be withdrawn; a live version "
            "ends when another is made live"
        )  # fmt: skip
        await opened.execute(_SQL["withdraw"], number, version)


async def listed(url: str, name: str | None = None) -> list[Version]:
    """Every version of a programme, or of all of them, in order."""
    async with connection(url, application="loyalty-switch programme") as opened:
        await require_schema(opened)
        return [Version(**dict(row)) for row in await opened.fetch(_SQL["versions"], name)]


async def source(url: str, name: str, version: int) -> str:
    """The text of a version. Raises `ProgrammeRefused` if there is none."""
    async with connection(url, application="loyalty-switch programme") as opened:
        await require_schema(opened)
        _, _, programme, _ = await _found(opened, name, version)
        return programme.text


async def _found(opened: Connection, name: str, version: int) -> tuple[int, str, ProgrammeText, str]:
    number = await find_programme(opened, name)
    if number is None:
        raise ProgrammeRefused(f"there is no programme {name}: `loyalty-switch programme list` shows those there are.")
    row = await opened.fetchrow(_SQL["version"], number, version)
    if row is None:
        raise ProgrammeRefused(f"programme {name} has no version {version}: `loyalty-switch programme list {name}`.")
    return number, row["state"], read_programme(row["source"]), row["made_by"]


async def _require_same_terms(opened: Connection, number: int, programme: ProgrammeText) -> None:
    """Members' balances go on from version to version: who owes them, and in which currency, stays."""
    names = await require_names(opened, programme)
    terms = await opened.fetchrow(_SQL["terms"], number)
    assert terms is not None, "a programme is kept together with its first version"
    if names["institution", programme.owner] != terms["institution"]:
        raise ProgrammeRefused(f"programme {programme.name} has another owner, who owes its members their points.")
    if programme.currency != terms["currency"]:
        raise ProgrammeRefused(
            f"programme {programme.name} keeps its members' credit in currency {terms['currency']}, "
            f"which cannot become {programme.currency}."
        )


def _require(holds: bool, name: str, version: int, state: str, reason: str) -> None:
    if not holds:
        raise ProgrammeRefused(f"{name} version {version} is {state}: {reason}.")
