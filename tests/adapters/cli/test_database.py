"""The database commands: what they print, and their exit codes."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from adapters.cli.database import app
from adapters.postgres.connecting import connection
from adapters.postgres.errors import DatabaseUnreachable
from adapters.postgres.migrations import known
from tests.adapters.postgres.ledger import open_ledger

pytestmark = pytest.mark.integration

BAZAAR = Path(__file__).parents[3] / "examples" / "bazaar"
PROGRAMME = BAZAAR / "programmes" / "bazaar.yaml"
NOWHERE = "postgresql://someone:hunter2@127.0.0.1:1/loyalty"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, token_key: bytes) -> None:
    for name in ("DATABASE_URL", "LOYALTY_DATABASE", "LOYALTY_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LOYALTY_TOKEN_KEY", token_key.hex())


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def execute(url: str, statement: str) -> None:
    async def work() -> None:
        async with connection(url) as opened:
            await opened.execute(statement)

    asyncio.run(work())


@pytest.fixture
def ledger_url(fresh_database_url: str) -> str:
    async def write() -> None:
        await (await open_ledger(fresh_database_url)).close()

    asyncio.run(write())
    return fresh_database_url


def test_migrate_says_what_it_applied(empty_database_url: str) -> None:
    first = run("migrate", "--database", empty_database_url, "--shards", 32)
    assert (first.exit_code, first.stdout) == (
        0,
        "".join(f"applied {migration.name}\n" for migration in known()),
    )
    second = run("migrate", "--database", empty_database_url)
    assert (second.exit_code, second.stdout) == (0, "the schema is up to date\n")
    other = run("migrate", "--database", empty_database_url, "--shards", 64)
    assert other.exit_code == 2
    assert "made with 32 shards" in other.stderr


def test_the_database_may_come_from_the_environment(fresh_database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", fresh_database_url)
    assert run("migrate").stdout == "the schema is up to date\n"
    monkeypatch.delenv("DATABASE_URL")
    monkeypatch.setenv("LOYALTY_DATABASE", fresh_database_url)
    assert run("migrate").stdout == "the schema is up to date\n"


def test_load_then_seed_then_audit(fresh_database_url: str) -> None:
    loaded = run("load", BAZAAR, "--database", fresh_database_url)
    assert loaded.exit_code == 0
    assert "3 institutions, 4 merchants, 6 terminals, 1 programmes, 12 cards" in loaded.stdout
    seeded = run("seed", "--cards", 100, "--terminals", 10, "--database", fresh_database_url)
    assert (seeded.exit_code, seeded.stdout) == (0, "added 90 cards and 8 terminals\n")
    audited = run("audit", "--database", fresh_database_url)
    assert audited.exit_code == 0
    assert "checks hold" in audited.stdout


def test_seed_with_a_programme_of_its_own_file(fresh_database_url: str) -> None:
    seeded = run("seed", "--cards", 5, "--terminals", 1, "--programme", PROGRAMME, "--database", fresh_database_url)
    assert (seeded.exit_code, seeded.stdout) == (0, "added 5 cards and 1 terminals\n")


def test_seed_without_a_programme_says_what_to_do(
    fresh_database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    seeded = run("seed", "--cards", 5, "--database", fresh_database_url)
    assert seeded.exit_code == 2
    assert "loyalty-switch load examples/bazaar" in seeded.stderr


def test_load_names_each_problem(fresh_database_url: str, tmp_path: Path) -> None:
    (tmp_path / "cards.csv").write_text("pan,programme\n6037990000000007,bazaar\n")
    (tmp_path / "terminals.csv").write_text("code\n")
    loaded = run("load", tmp_path, "--database", fresh_database_url)
    assert loaded.exit_code == 2
    assert "cards.csv:2: pan is no card number" in loaded.stderr
    assert "6037990000000007" not in loaded.output


@pytest.mark.handwritten_journal
def test_an_audit_with_a_breach_shows_it_and_ends_with_one(ledger_url: str) -> None:
    assert run("audit", "--database", ledger_url).exit_code == 0
    execute(ledger_url, "UPDATE account SET points = points + 1 WHERE id = 100")
    audited = run("audit", "--database", ledger_url)
    assert audited.exit_code == 1
    assert "BROKEN" in audited.stdout
    assert "i2_balances: the first 1" in audited.stdout
    assert "I2, I8 broken" in audited.stdout


@pytest.mark.handwritten_journal
def test_explain_tells_the_whole_story(ledger_url: str) -> None:
    explained = run("explain", "632710005001", "--database", ledger_url)
    assert explained.exit_code == 0
    for words in (
        "0200 purchase – 00 approved",
        "2026-11-23 10:00:00 UTC, STAN 005001, terminal T0000001 of KHATAM (581672)",
        "****0006",
        "500,000 minor units of currency 364",
        "bazaar, version 1",
        "base, double",
        "2028-12 +5",
        "undone by",
        "points earned",
    ):
        assert words in explained.stdout


@pytest.mark.handwritten_journal
def test_explain_of_a_decline_and_a_tombstone(ledger_url: str) -> None:
    assert "51 not enough" in run("explain", "632710005005", "--database", ledger_url).stdout
    assert "its reversal came first" in run("explain", "632710005007", "--database", ledger_url).stdout


@pytest.mark.handwritten_journal
def test_explain_of_nothing_ends_with_one(ledger_url: str) -> None:
    explained = run("explain", "999999999999", "--database", ledger_url)
    assert explained.exit_code == 1
    assert "no message with this RRN" in explained.stderr
    dated = run("explain", "632710005001", "--date", "2026-11-24", "--database", ledger_url)
    assert dated.exit_code == 1


@pytest.mark.parametrize(
    "command",
    [("migrate",), ("load", BAZAAR), ("seed",), ("audit",), ("explain", "1")],
    ids=lambda command: command[0],
)
def test_an_unreachable_database_is_one_sentence_and_two(command: tuple[object, ...]) -> None:
    result = run(*command, "--database", NOWHERE)
    assert result.exit_code == 2
    assert "127.0.0.1:1, database loyalty (connection refused)" in result.stderr
    assert "hunter2" not in result.output
    assert len(result.stderr.strip().splitlines()) == 1
    assert not isinstance(result.exception, DatabaseUnreachable)


@pytest.mark.parametrize("command", [("load", BAZAAR), ("seed",)], ids=lambda command: command[0])
def test_a_database_of_ones_own_without_a_key_is_refused(
    command: tuple[object, ...], fresh_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LOYALTY_TOKEN_KEY")
    result = run(*command, "--database", fresh_database_url)
    assert result.exit_code == 2
    assert "LOYALTY_TOKEN_KEY" in result.stderr


@pytest.mark.parametrize(
    "command", [("load", BAZAAR), ("seed",), ("audit",), ("explain", "1")], ids=lambda command: command[0]
)
def test_a_database_without_a_schema_is_told_what_to_do(command: tuple[object, ...], empty_database_url: str) -> None:
    result = run(*command, "--database", empty_database_url)
    assert result.exit_code == 2
    assert "run `loyalty-switch migrate` first" in result.stderr


@pytest.mark.parametrize("command", ["migrate", "load", "seed", "audit", "explain"])
def test_help_says_what_it_does_and_where(command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    assert "--database" in result.stdout
    assert "DATABASE_URL" in result.stdout


@pytest.fixture
def place() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="loyalty-cli-", dir="/var/tmp"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


def test_without_a_database_the_embedded_server_is_made_used_and_stopped(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LOYALTY_TOKEN_KEY")
    monkeypatch.setenv("LOYALTY_DATA_DIR", str(place))
    assert run("migrate").exit_code == 0
    assert run("load", BAZAAR).exit_code == 0
    assert run("audit").exit_code == 0
    assert (place / "token.key").exists()
    assert not (place / "postgres" / "postmaster.pid").exists()
