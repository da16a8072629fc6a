"""Programmes as they are kept: the text, and of what it says as much as SQL needs."""

from collections.abc import Mapping
from dataclasses import dataclass

from adapters.postgres.connecting import Connection
from adapters.postgres.errors import DatabaseError
from adapters.postgres.queries import named
from switch.programme import load
from switch.programme.document import read
from switch.programme.errors import ProgrammeError
from switch.programme.model import Partner, ProgrammeModel

_SQL = named("reference")
_FIRST_VERSION = 1
_ANY = 1


@dataclass(frozen=True, slots=True)
class ProgrammeText:
    """A programme's YAML, found to be sound: what it compiles to is independent of a database.

    `mentions` are the categories, merchants and institutions that its rules name.
    """

    name: str
    text: str
    source_hash: str
    owner: str
    currency: int
    point_value: int
    deficit_allowed: bool
    rule_ids: tuple[str, ...]
    partners: tuple[Partner, ...]
    mentions: frozenset[tuple[str, str]]


def read_programme(text: str) -> ProgrammeText:
    """Check a programme. Raises `ProgrammeError`, which names each mistake with its line."""
    mentions: set[tuple[str, str]] = set()

    def note(kind: str, name: str) -> int:
        mentions.add((kind, name))
        return _ANY

    compiled = load(text, ids=note)
    model = ProgrammeModel.model_validate(read(text).content)
    return ProgrammeText(
        name=compiled.name,
        text=text,
        source_hash=compiled.source_hash,
        owner=compiled.owner,
        currency=compiled.currency,
        point_value=compiled.point_value,
        deficit_allowed=model.deficit == "allow",
        rule_ids=compiled.rule_ids,
        partners=tuple(model.partners),
        mentions=frozenset(mentions),
    )


async def find_programme(opened: Connection, name: str) -> int | None:
    """A programme's number, or None."""
    number: int | None = await opened.fetchval(_SQL["programme"], name)
    return number


async def store_programme(opened: Connection, programme: ProgrammeText) -> int:
    """Keep a new programme as its version 1, live at once. Raises `DatabaseError` if it names what is not
    there.
    """
    names = await _names(opened)
    missing = sorted(
        f"{kind} {name}" for kind, name in programme.mentions if kind != "category" and (kind, name) not in names
    )
    missing += [
        f"institution {name}"
        for name in (programme.owner, *(partner.institution for partner in programme.partners))
        if ("institution", name) not in names
    ]
    if missing:
        raise DatabaseError(
            f"programme {programme.name} names what is not there: {', '.join(missing)}; add it to institutions.yaml"
        )
    for kind, name in programme.mentions:
        if kind == "category":
            await opened.execute(_SQL["add_category"], name)
    number: int = await opened.fetchval(_SQL["add_programme"], names["institution", programme.owner], programme.name)
    await opened.execute(
        _SQL["add_live_version"],
        number,
        _FIRST_VERSION,
        programme.text,
        programme.source_hash,
        programme.currency,
        programme.point_value,
        programme.deficit_allowed,
        list(programme.rule_ids),
    )
    for partner in programme.partners:
        await opened.execute(
            _SQL["add_partner"],
            number,
            names["institution", partner.institution],
            partner.role,
            partner.accrual_price,
            partner.redeem_price,
        )
    return number


async def _names(opened: Connection) -> Mapping[tuple[str, str], int]:
    """What a programme may name: institutions by name and code, merchants by code."""
    names = {("merchant", row["code"]): row["id"] for row in await opened.fetch(_SQL["merchants"])}
    for row in await opened.fetch(_SQL["institutions"]):
        names["institution", row["code"]] = names["institution", row["name"]] = row["id"]
    return names


__all__ = ["ProgrammeError", "ProgrammeText", "find_programme", "read_programme", "store_programme"]
