"""Named queries: every file can be read, every query is explained, and PostgreSQL accepts each one."""

import re
from importlib.resources import files

import pytest

from adapters.postgres import queries
from adapters.postgres.connecting import connection
from adapters.postgres.queries import named
from adapters.postgres.reports import statement

FILES = sorted(file.name.removesuffix(".sql") for file in files(queries).iterdir() if file.name.endswith(".sql"))
OURS = [(file, name) for file in FILES for name in named(file)]
NOT_PREPARED = {"make_incoming", "settle_fill_factor", "vacuum", "analyze_incoming", "effects"}
"""Those that need a table of their own, are no query, or only begin one."""


@pytest.mark.parametrize("file", FILES)
def test_every_statement_of_a_file_has_a_name(file: str) -> None:
    text = files(queries).joinpath(f"{file}.sql").read_text(encoding="utf-8")
    assert len(re.findall(r"^-- \w+ --\s*$", text, re.MULTILINE)) == len(named(file))
    before = text.split("\n\n", 1)[0]
    assert all(line.startswith("--") for line in before.splitlines())


def test_a_query_is_what_stands_under_its_heading() -> None:
    assert named("reference")["version"] == "SELECT value::bigint FROM setting WHERE name = 'reference_version';"


def test_an_unknown_file_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        named("nothing")


@pytest.mark.integration
@pytest.mark.parametrize(("file", "name"), OURS)
async def test_postgresql_accepts_it(database_url: str, file: str, name: str) -> None:
    async with connection(database_url) as opened:
        if file == "loading":
            await opened.execute(named("loading")["make_incoming"].replace("ON COMMIT DROP", ""))
        if name not in NOT_PREPARED:
            await opened.prepare(statement(name) if file == "reports" else named(file)[name])
