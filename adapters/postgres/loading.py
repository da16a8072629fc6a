"""`load DIR`: reference data and cards from files, all of it or nothing, as often as wanted.

DIR/institutions.yaml   institutions, with their merchants
DIR/merchants.csv       further merchants: acquirer, code, name, category
DIR/terminals.csv       acquirer, code, merchant, status, and how receipts are printed
DIR/programmes/*.yaml   programmes; one that is not there yet becomes version 1 and live
DIR/cards.csv           cards and what is known of their members
"""

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg

from adapters.postgres import load_cards
from adapters.postgres.connecting import Connection, connection, maintenance
from adapters.postgres.errors import DatabaseError, LoadingError
from adapters.postgres.load_files import Problems, Row, read_csv, read_text, read_yaml, refuse_repeated
from adapters.postgres.load_models import CardRow, InstitutionsFile, MerchantRow, TerminalRow
from adapters.postgres.programmes import ProgrammeError, ProgrammeText, read_programme, store_programme
from adapters.postgres.queries import named
from adapters.postgres.reference import bump
from adapters.postgres.secrets import tokens_of
from switch.programme.document import BYTES_MAX

INSTITUTIONS = "institutions.yaml"
MERCHANTS = "merchants.csv"
TERMINALS = "terminals.csv"
CARDS = "cards.csv"
PROGRAMMES = "programmes"
KNOWN = (INSTITUTIONS, MERCHANTS, TERMINALS, CARDS)

_SQL = named("loading")


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a run added or changed; zeros if everything was there already. `notes` are for whoever ran it."""

    institutions: int
    merchants: int
    terminals: int
    programmes: int
    cards: int
    notes: tuple[str, ...]


@dataclass(slots=True)
class Files:
    """A directory, read and found to be sound in itself."""

    institutions: InstitutionsFile = field(default_factory=lambda: InstitutionsFile(institutions=()))
    merchants: list[Row] = field(default_factory=list)
    terminals: list[Row] = field(default_factory=list)
    cards: list[Row] = field(default_factory=list)
    programmes: list[tuple[str, ProgrammeText]] = field(default_factory=list)


async def load(url: str, key: bytes, directory: Path) -> Loaded:
    """Load a directory. Raises `LoadingError` with each problem's file and line; then nothing was changed."""
    files = read_directory(directory)
    async with connection(url, application="loyalty-switch load") as opened:
        tokens = await tokens_of(opened, key)
        async with maintenance(opened), opened.transaction():
            problems = Problems()
            institutions = await _store_institutions(opened, files.institutions, problems)
            merchants = await _store_merchants(opened, files, problems)
            terminals = await _store_terminals(opened, files.terminals, problems)
            programmes, notes = await _store_programmes(opened, files.programmes, problems)
            problems.refuse_any()
            known = {row["name"]: row["id"] for row in await opened.fetch(_SQL["programmes"])}
            cards = await load_cards.store(opened, tokens, files.cards, known, file=CARDS, problems=problems)
            problems.refuse_any()
            if institutions or merchants or terminals or programmes:
                await bump(opened)
            return Loaded(institutions, merchants, terminals, programmes, cards, tuple(notes))


def read_directory(directory: Path) -> Files:
    """Read and check the files, without a database. Raises `LoadingError`."""
    problems = Problems()
    found = sorted(p.name for p in directory.glob("*") if p.suffix in {".yaml", ".yml", ".csv"})
    for name in found:
        if name not in KNOWN:
            problems.add(name, None, f"is no file that is loaded: they are {', '.join(KNOWN)} and {PROGRAMMES}/*.yaml.")
    programme_files = sorted((directory / PROGRAMMES).glob("*.yaml"))
    if not found and not programme_files:
        raise LoadingError([f"{directory}: holds nothing to load ({', '.join(KNOWN)}, {PROGRAMMES}/*.yaml)."])
    files = Files()
    if INSTITUTIONS in found:
        files.institutions = (
            read_yaml(directory / INSTITUTIONS, INSTITUTIONS, InstitutionsFile, problems) or files.institutions
        )
    files.merchants = _rows(directory, MERCHANTS, found, MerchantRow, problems)
    files.terminals = _rows(directory, TERMINALS, found, TerminalRow, problems)
    files.cards = _rows(directory, CARDS, found, CardRow, problems)
    files.programmes = [programme for path in programme_files if (programme := _programme(path, problems))]
    _refuse_repeated(files, problems)
    problems.refuse_any()
    return files


def _rows(
    directory: Path,
    name: str,
    found: Sequence[str],
    model: type[MerchantRow] | type[TerminalRow] | type[CardRow],
    problems: Problems,
) -> list[Row]:
    return list(read_csv(directory / name, name, model, problems)) if name in found else []


def _programme(path: Path, problems: Problems) -> tuple[str, ProgrammeText] | None:
    file = f"{PROGRAMMES}/{path.name}"
    text = read_text(path, file, BYTES_MAX, problems)
    if text is None:
        return None
    try:
        return file, read_programme(text)
    except ProgrammeError as fault:
        for problem in fault.problems:
            place = f"{problem.path}: " if problem.path else ""
            problems.add(file, problem.line, f"{place}{problem.reason}")
        return None


def _refuse_repeated(files: Files, problems: Problems) -> None:
    entries = files.institutions.institutions
    for what, keys in (
        ("this institution's code", [entry.code for entry in entries]),
        ("this institution's name", [entry.name for entry in entries]),
        ("this merchant", [(entry.code, merchant.code) for entry in entries for merchant in entry.merchants]),
    ):
        if len(set(keys)) < len(keys):
            problems.add(INSTITUTIONS, None, f"{what} stands there twice.")
    nested = {(entry.code, merchant.code) for entry in entries for merchant in entry.merchants}
    for row in files.merchants:
        if (row.entry.acquirer, row.entry.code) in nested:
            problems.add(MERCHANTS, row.line, f"this merchant stands in {INSTITUTIONS} as well.")
    for file, rows, what in (
        (MERCHANTS, files.merchants, "this merchant"),
        (TERMINALS, files.terminals, "this terminal"),
    ):
        refuse_repeated(((row.line, (row.entry.acquirer, row.entry.code)) for row in rows), file, what, problems)
    load_cards.refuse_repeated_cards(files.cards, CARDS, problems)
    names = [programme.name for _, programme in files.programmes]
    for file, programme in files.programmes:
        if names.count(programme.name) > 1:
            problems.add(file, None, f"programme {programme.name} stands in another file as well.")


async def _changed(statement: Awaitable[str]) -> int:
    """How many rows a statement wrote."""
    return int((await statement).rsplit(" ", 1)[1])


async def _store_institutions(opened: Connection, file: InstitutionsFile, problems: Problems) -> int:
    changed = 0
    for entry in file.institutions:
        try:
            async with opened.transaction():
                changed += await _changed(
                    opened.execute(
                        _SQL["upsert_institution"],
                        entry.code,
                        entry.name,
                        entry.title,
                        entry.kind,
                        entry.timezone,
                        entry.cut_over,
                    )
                )
        except asyncpg.UniqueViolationError:
            problems.add(INSTITUTIONS, None, f"institution {entry.code}: its name belongs to another one already.")
    return changed


async def _store_merchants(opened: Connection, files: Files, problems: Problems) -> int:
    known = {row["code"] for row in await opened.fetch(_SQL["institution_codes"])}
    wanted = [
        (institution.code, merchant.code, merchant.name, merchant.category)
        for institution in files.institutions.institutions
        for merchant in institution.merchants
    ]
    for row in files.merchants:
        entry: MerchantRow = row.entry
        if entry.acquirer not in known:
            problems.add(MERCHANTS, row.line, f"there is no institution {entry.acquirer}: add it to {INSTITUTIONS}.")
        wanted.append((entry.acquirer, entry.code, entry.name, entry.category))
    await opened.execute(_SQL["add_categories"], [category for *_, category in wanted])
    return await _changed(opened.execute(_SQL["upsert_merchants"], *_columns(wanted, 4)))


def _columns(rows: Sequence[tuple[object, ...]], width: int) -> list[list[object]]:
    return [[row[index] for row in rows] for index in range(width)]


async def _store_terminals(opened: Connection, rows: Sequence[Row], problems: Problems) -> int:
    known = {(row["acquirer"], row["code"]) for row in await opened.fetch(_SQL["merchants"])}
    wanted = []
    for row in rows:
        entry: TerminalRow = row.entry
        if (entry.acquirer, entry.merchant) not in known:
            problems.add(
                TERMINALS,
                row.line,
                f"institution {entry.acquirer} has no merchant {entry.merchant}: add it to {INSTITUTIONS} or "
                f"{MERCHANTS}.",
            )
        wanted.append(
            (
                entry.acquirer,
                entry.code,
                entry.merchant,
                entry.status.number,
                entry.receipt_language,
                entry.receipt_width,
                entry.receipt_digits,
                entry.receipt_mark,
            )
        )
    return await _changed(opened.execute(_SQL["upsert_terminals"], *_columns(wanted, 8)))


async def _store_programmes(
    opened: Connection, programmes: Sequence[tuple[str, ProgrammeText]], problems: Problems
) -> tuple[int, list[str]]:
    live = {row["name"]: row["source_hash"] for row in await opened.fetch(_SQL["programmes"])}
    added, notes = 0, []
    for file, programme in programmes:
        if programme.name not in live:
            try:
                await store_programme(opened, programme)
                added += 1
            except DatabaseError as fault:
                problems.add(file, None, f"{fault}.")
        elif live[programme.name] != programme.source_hash:
            notes.append(
                f"{file}: programme {programme.name} is live with another text, which stays as it is: "
                "loading only adds programmes."
            )
    return added, notes
