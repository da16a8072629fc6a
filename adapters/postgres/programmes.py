"""Programmes as they are kept: the text, and of what it says as much as SQL needs."""

from collections.abc import Mapping
from dataclasses import dataclass

from adapters.postgres.budgets import deal
from adapters.postgres.connecting import Connection
from adapters.postgres.errors import DatabaseError
from adapters.postgres.queries import named
from switch.member_data import TAGS
from switch.programme import load
from switch.programme.budgets import RuleBudget
from switch.programme.errors import ProgrammeError
from switch.programme.flags import COUNTED_SLOTS_MAX, TAG, TAGS_MAX, free_slot, free_tag_slot
from switch.programme.model import Club, Partner

_SQL = named("reference")
FIRST_VERSION = 1
LOADED = "load"
"""The maker of what came with `load DIR`."""
_ANY = 1


@dataclass(frozen=True, slots=True)
class ProgrammeText:
    """A programme's YAML, found to be sound: what it compiles to is independent of a database.

    `mentions` are the categories, merchants and institutions that its rules name; `slots` what accounts keep counters
    and offers for, by kind and name; the slots of `budgets` are not the database's.
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
    slots: tuple[tuple[str, str], ...]
    budgets: tuple[RuleBudget, ...]
    clubs: tuple[Club, ...]


def read_programme(text: str) -> ProgrammeText:
    """Check a programme. Raises `ProgrammeError`, which names each mistake with its line."""
    mentions: set[tuple[str, str]] = set()

    def note(kind: str, name: str) -> int:
        # Clubs are declared by the programme itself.
        if kind != "club":
            mentions.add((kind, name))
        return _ANY

    compiled = load(text, ids=note)
    return ProgrammeText(
        name=compiled.name,
        text=text,
        source_hash=compiled.source_hash,
        owner=compiled.owner,
        currency=compiled.currency,
        point_value=compiled.point_value,
        deficit_allowed=compiled.model.deficit == "allow",
        rule_ids=compiled.rule_ids,
        partners=compiled.partners,
        mentions=frozenset(mentions),
        slots=tuple(compiled.slots),
        budgets=compiled.budgets,
        clubs=compiled.clubs,
    )


async def find_programme(opened: Connection, name: str) -> int | None:
    """A programme's number, or None."""
    number: int | None = await opened.fetchval(_SQL["programme"], name)
    return number


async def store_programme(opened: Connection, programme: ProgrammeText) -> int:
    """Keep a new programme as its version 1, live at once. Raises `DatabaseError` if it names what is not
    there.
    """
    number = await add_programme(opened, programme)
    await add_version(opened, number, FIRST_VERSION, "live", programme, made_by=LOADED)
    await deal(opened, number, programme.budgets)
    await set_partners(opened, number, programme)
    await set_clubs(opened, number, programme)
    return number


async def add_programme(opened: Connection, programme: ProgrammeText) -> int:
    """Keep a new programme's name and owner; returns its number.

    Raises `DatabaseError` if it names what is not there.
    """
    names = await require_names(opened, programme)
    number: int = await opened.fetchval(_SQL["add_programme"], names["institution", programme.owner], programme.name)
    return number


async def add_version(
    opened: Connection, number: int, version: int, state: str, programme: ProgrammeText, *, made_by: str
) -> None:
    """Keep a text as a version of a programme, and give a number to what is new in it."""
    await _give_slots(opened, number, programme)
    await opened.execute(_SQL["add_clubs"], number, *_club_columns(programme)[:3])
    await opened.execute(
        _SQL["add_version"],
        number,
        version,
        state,
        programme.text,
        programme.source_hash,
        programme.currency,
        programme.point_value,
        programme.deficit_allowed,
        list(programme.rule_ids),
        made_by,
    )


async def _give_slots(opened: Connection, number: int, programme: ProgrammeText) -> None:
    """A slot that a name has is its for ever; a new name takes the next one.

    Raises `DatabaseError` if there is none left.
    """
    known = {(row["kind"], row["name"]): row["slot"] for row in await opened.fetch(_SQL["slots"], number)}
    for kind, name in programme.slots:
        if (kind, name) in known:
            continue
        taken = set(known.values())
        slot = free_tag_slot(taken) if kind == TAG else free_slot(taken)
        if slot is None:
            what = (
                f"{TAGS_MAX} tags"
                if kind == TAG
                else f"{COUNTED_SLOTS_MAX} stamp cards, draws, limits, budgets and offers"
            )
            raise DatabaseError(f"programme {programme.name} has had more than {what}")
        known[kind, name] = slot
        await opened.execute(_SQL["add_slot"], number, slot, kind, name)


def _club_columns(programme: ProgrammeText) -> tuple[list[object], ...]:
    clubs = programme.clubs
    return (
        [club.code for club in clubs],
        [club.name for club in clubs],
        [club.audience for club in clubs],
        [club.open for club in clubs],
        [club.fee for club in clubs],
        [club.fee_due for club in clubs],
        [",".join(TAGS[what] for what in club.required) for club in clubs],
    )


async def set_partners(opened: Connection, number: int, programme: ProgrammeText) -> None:
    """Let those take part whom this text names, and nobody else."""
    names = await _names(opened)
    await opened.execute(_SQL["remove_partners"], number)
    for partner in programme.partners:
        await opened.execute(
            _SQL["add_partner"],
            number,
            names["institution", partner.institution],
            partner.role,
            partner.accrual_price,
            partner.redeem_price,
        )


async def set_clubs(opened: Connection, number: int, programme: ProgrammeText) -> None:
    """Let this text say who may join which club, and on what terms. Members of clubs that it does not name stay."""
    await opened.execute(_SQL["upsert_clubs"], number, *_club_columns(programme))
    await opened.execute(_SQL["close_clubs"], number, [club.code for club in programme.clubs])


async def require_names(opened: Connection, programme: ProgrammeText) -> Mapping[tuple[str, str], int]:
    """Whom the text names, by kind and name; its categories are added.

    Raises `DatabaseError` for what is not there.
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
    return names


async def _names(opened: Connection) -> Mapping[tuple[str, str], int]:
    """What a programme may name: institutions by name and code, merchants by code."""
    names = {("merchant", row["code"]): row["id"] for row in await opened.fetch(_SQL["merchants"])}
    for row in await opened.fetch(_SQL["institutions"]):
        names["institution", row["code"]] = names["institution", row["name"]] = row["id"]
    return names


__all__ = [
    "FIRST_VERSION",
    "ProgrammeError",
    "ProgrammeText",
    "add_programme",
    "add_version",
    "find_programme",
    "read_programme",
    "require_names",
    "set_clubs",
    "set_partners",
    "store_programme",
]
