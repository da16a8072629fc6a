"""`programme submit` and what follows: what is printed, and the exit codes."""

import asyncio
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from adapters.cli.programme_versions import app
from adapters.postgres.loading import load

pytestmark = pytest.mark.integration

BAZAAR = Path(__file__).parents[3] / "examples" / "bazaar"
TEXT = (BAZAAR / "programmes" / "bazaar.yaml").read_text()


@pytest.fixture
def url(fresh_database_url: str, token_key: bytes, monkeypatch: pytest.MonkeyPatch) -> str:
    for name in ("DATABASE_URL", "LOYALTY_DATABASE", "LOYALTY_DATA_DIR", "LOYALTY_USER"):
        monkeypatch.delenv(name, raising=False)
    asyncio.run(load(fresh_database_url, token_key, BAZAAR))
    return fresh_database_url


@pytest.fixture
def draft(tmp_path: Path) -> Path:
    path = tmp_path / "bazaar.yaml"
    path.write_text(TEXT.replace("per: 100000", "per: 50000"))
    return path


def run(*arguments: object, **environment: str) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env={"COLUMNS": "160", **environment})


def test_from_a_file_to_live(url: str, draft: Path) -> None:
    submitted = run("submit", draft, "--as", "sara", "--database", url)
    assert (submitted.exit_code, submitted.stdout.partition(".")[0]) == (0, "bazaar version 2 is a draft")
    assert run("shadow", "bazaar", 2, "--database", url).exit_code == 0
    own = run("activate", "bazaar", 2, "--as", "sara", "--database", url)
    assert own.exit_code == 2
    assert "somebody else must check it" in own.stderr
    # Who it is may come from the environment.
    live = run("activate", "bazaar", 2, "--database", url, LOYALTY_USER="reza")
    assert (live.exit_code, live.stdout) == (0, "bazaar version 2 is live\n")
    listed = run("list", "--database", url)
    assert listed.exit_code == 0
    lines = [line for line in listed.stdout.splitlines() if "bazaar" in line]
    assert [("retired" in line, "live" in line) for line in lines] == [(True, False), (False, True)]
    assert "sara" in lines[1]
    assert "reza" in lines[1]
    assert run("show", "bazaar", 2, "--database", url).stdout == draft.read_text()


def test_mistakes_are_told_with_their_lines(url: str, draft: Path) -> None:
    draft.write_text(TEXT.replace("points:", "pionts:"))
    refused = run("submit", draft, "--as", "sara", "--database", url)
    assert refused.exit_code == 1
    line = TEXT[: TEXT.index("points:")].count("\n") + 1
    assert f"bazaar.yaml:{line}: rules[0]" in refused.stderr
    assert "did you mean points?" in refused.stderr


def test_a_draft_is_withdrawn(url: str, draft: Path) -> None:
    run("submit", draft, "--as", "sara", "--database", url)
    assert run("withdraw", "bazaar", 2, "--database", url).stdout == "bazaar version 2 is retired\n"
    again = run("withdraw", "bazaar", 2, "--database", url)
    assert again.exit_code == 2
    assert "only a draft or a shadow can be withdrawn" in again.stderr


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("activate", "nowhere", 1, "--as", "reza"), "there is no programme nowhere"),
        (("shadow", "bazaar", 7), "has no version 7"),
        (("show", "bazaar", 7), "has no version 7"),
        (("activate", "bazaar", 1, "--as", "reza"), "version 1 is live"),
    ],
)
def test_what_is_not_there_is_said_in_a_sentence(url: str, arguments: tuple[object, ...], complaint: str) -> None:
    refused = run(*arguments, "--database", url)
    assert refused.exit_code == 2
    assert complaint in refused.stderr
    assert "Traceback" not in refused.output


def test_a_user_must_be_named(url: str, draft: Path) -> None:
    refused = run("submit", draft, "--database", url)
    assert refused.exit_code == 2
    assert "--as" in refused.output


def test_bytes_that_are_no_text_are_refused(url: str, draft: Path) -> None:
    draft.write_bytes(b"\xff\xfe\x00")
    refused = run("submit", draft, "--as", "sara", "--database", url)
    assert refused.exit_code == 1
    assert "bazaar.yaml:1" in refused.stderr
