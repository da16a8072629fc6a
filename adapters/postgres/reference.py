"""Reference data as a snapshot: read whole, versioned by one number that grows with every change."""

import datetime as dt
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

import asyncpg

from adapters.postgres.connecting import Connection
from adapters.postgres.queries import named
from switch.errors import ConfigurationError
from switch.institutions import Directory, Institution, Merchant, ProgrammeVersion, Terminal
from switch.receipts import Printer

_SQL = named("reference")


async def version(opened: Connection) -> int:
    """The version of the reference data."""
    number: int = await opened.fetchval(_SQL["version"])
    return number


async def bump(opened: Connection) -> int:
    """Say, within the transaction that changes reference data, that it changed; returns the new version."""
    number: int = await opened.fetchval(_SQL["bump"])
    return number


async def load(opened: Connection) -> Directory:
    """Read the reference data, all of it as of one moment."""
    async with opened.transaction(isolation="repeatable_read", readonly=True):
        number = await version(opened)
        institutions = tuple(Institution(**dict(row)) for row in await opened.fetch(_SQL["institutions"]))
        categories = {row["name"]: row["id"] for row in await opened.fetch(_SQL["categories"])}
        merchants = tuple(
            Merchant(row["id"], row["code"], row["institution"], row["name"], row["category"], row["category_name"])
            for row in await opened.fetch(_SQL["merchants"])
        )
        versions = [(row["state"], _programme(row)) for row in await opened.fetch(_SQL["programmes"])]
        rows = await opened.fetch(_SQL["terminals"])
    programmes = tuple(version for state, version in versions if state == "live")
    shadows = tuple(version for state, version in versions if state == "shadow")
    by_institution = {institution.id: institution for institution in institutions}
    by_merchant = {merchant.id: merchant for merchant in merchants}
    names = {institution.id: programme_of(institution.id, programmes) for institution in institutions}
    terminals = tuple(
        _terminal(row, by_institution[row["institution"]], by_merchant[row["merchant"]], names[row["institution"]])
        for row in rows
    )
    return Directory(number, institutions, merchants, terminals, programmes, categories, shadows)


def _programme(row: asyncpg.Record) -> ProgrammeVersion:
    return ProgrammeVersion(
        id=row["id"],
        name=row["name"],
        version=row["version"],
        hash=row["source_hash"],
        source=row["source"],
        owner_id=row["institution"],
        participants=frozenset((row["institution"], *row["partners"])),
        slots={
            (kind, name): slot
            for kind, name, slot in zip(row["slot_kinds"], row["slot_names"], row["slots"], strict=True)
        },
        clubs=dict(zip(row["club_codes"], row["clubs"], strict=True)),
    )


def programme_of(institution_id: int, programmes: Sequence[ProgrammeVersion]) -> str:
    """The programme in which an institution's tills look up a mobile alone: its own, else the first it takes
    part in.
    """
    own = [programme.name for programme in programmes if programme.owner_id == institution_id]
    joined = [programme.name for programme in programmes if institution_id in programme.participants]
    return next(iter(own or joined), "")


def _terminal(row: asyncpg.Record, institution: Institution, merchant: Merchant, programme_name: str) -> Terminal:
    return Terminal(
        id=row["id"],
        code=row["code"],
        acquirer=institution.code,
        status=row["status"],
        merchant_id=merchant.id,
        merchant_code=merchant.code,
        category_id=merchant.category_id,
        institution_id=institution.id,
        timezone=institution.timezone,
        business_date=institution.business_date,
        programme_name=programme_name,
        receipt_language=row["receipt_language"],
        printer=_printer(row["receipt_width"], row["receipt_digits"], row["receipt_mark"]),
    )


@lru_cache
def _printer(width: int, digits: Literal["persian", "latin"], mark: bool) -> Printer:  # a row's columns
    """Thousands of tills share a few kinds of printer."""
    return Printer(width, digits, mark)


async def cut_over(opened: Connection, institution_id: int, business_date: dt.date) -> dt.date:
    """Move an institution's business date forward; returns the date in force, which is never an earlier one.

    Raises `ConfigurationError` if there is no such institution.
    """
    async with opened.transaction():
        row = await opened.fetchrow(_SQL["cut_over"], institution_id, business_date)
        if row is None:
            raise ConfigurationError(f"there is no institution with the number {institution_id}")
        if row["moved"]:
            await bump(opened)
        in_force: dt.date = row["business_date"]
        return in_force
