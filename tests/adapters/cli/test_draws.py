"""`draw close` and what follows: what is printed and written, the exit codes, and that the public can check it."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from adapters.cli import app
from tests.adapters.postgres.ticket_holders import ALL_TICKETS, MEMBERS, PRIZES, TICKETS, fill, number_of

pytestmark = pytest.mark.integration

SCRIPT = Path(__file__).parents[3] / "docs" / "verify_draw.py"
SOURCE = "hash of the first Bitcoin block found after 2026-12-20 09:00 UTC"


@pytest.fixture
def url(fresh_database_url: str, token_key: bytes, monkeypatch: pytest.MonkeyPatch) -> str:
    for name in ("LOYALTY_DATABASE", "LOYALTY_DATA_DIR", "LOYALTY_USER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATABASE_URL", fresh_database_url)
    monkeypatch.setenv("LOYALTY_TOKEN_KEY", token_key.hex())
    fill(fresh_database_url, token_key)
    return fresh_database_url


@pytest.fixture
def prizes(tmp_path: Path) -> Path:
    path = tmp_path / "prizes.yaml"
    path.write_text(PRIZES)
    return path


def run(*arguments: object, typed: str = "", **environment: str) -> Result:
    return CliRunner().invoke(app, ["draw", *map(str, arguments)], input=typed, env={"COLUMNS": "160", **environment})


def close(prizes: Path, user: str = "sara") -> Result:
    return run("close", "bazaar", "nowruz", "--prizes", prizes, "--as", user)


def verify(place: Path) -> subprocess.CompletedProcess[str]:
    files = [str(place / name) for name in ("tickets.csv", "closed.json", "revealed.json")]
    return subprocess.run([sys.executable, "-I", str(SCRIPT), *files], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("value", ["", "000000000000000000012ab9"])
def test_a_draw_from_its_close_to_a_reader_who_checks_it(url: str, prizes: Path, tmp_path: Path, value: str) -> None:
    if value:
        prizes.write_text(f"public_entropy: {SOURCE!r}\n{PRIZES}")
    closed = close(prizes)
    assert closed.exit_code == 0, closed.output
    assert f"nowruz of bazaar is closed: {ALL_TICKETS} tickets of {MEMBERS} members" in closed.stdout
    written = run("tickets", "bazaar", "nowruz", "--csv", tmp_path / "tickets.csv")
    digest = hashlib.sha256((tmp_path / "tickets.csv").read_bytes()).hexdigest()
    assert written.stdout == f"{ALL_TICKETS} tickets of {MEMBERS} members, SHA-256 {digest}\n"
    assert f"list        {digest}\n" in closed.stdout
    assert run("show", "bazaar", "nowruz", "--json", tmp_path / "closed.json").exit_code == 0
    assert json.loads((tmp_path / "closed.json").read_text())["entropy_source"] == (SOURCE if value else "")

    given = ["--public-entropy", value] if value else []
    own = run("reveal", "bazaar", "nowruz", "--as", "sara", *given)
    assert own.exit_code == 2
    assert "somebody else must reveal it" in own.stderr
    revealed = run("reveal", "bazaar", "nowruz", *given, LOYALTY_USER="reza")
    assert revealed.exit_code == 0, revealed.output
    assert revealed.stdout.count("owed") == 5
    assert "owed prizes: 4; no account was changed by the draw" in revealed.stdout
    assert run("show", "bazaar", "nowruz", "--json", tmp_path / "revealed.json").exit_code == 0

    checked = verify(tmp_path)
    assert checked.returncode == 0, checked.stderr
    told = json.loads((tmp_path / "revealed.json").read_text())
    for winner in told["winners"]:
        assert f"{winner['ticket']} " in revealed.stdout
        assert winner["member_code"] in revealed.stdout
        assert f"ticket {winner['ticket']}, member {winner['member_code']}" in checked.stdout
    tampered = (tmp_path / "tickets.csv").read_bytes().replace(b"\n1,", b"\n0,")
    (tmp_path / "tickets.csv").write_bytes(tampered)
    assert verify(tmp_path).returncode == 1


def test_the_seed_is_not_shown_before_the_reveal(url: str, prizes: Path, tmp_path: Path) -> None:
    shown = close(prizes).stdout + run("show", "bazaar", "nowruz").stdout + run("list").stdout
    assert run("show", "bazaar", "nowruz", "--json", tmp_path / "closed.json").exit_code == 0
    shown += (tmp_path / "closed.json").read_text()
    revealed = run("reveal", "bazaar", "nowruz", "--as", "reza")
    assert run("show", "bazaar", "nowruz", "--json", tmp_path / "revealed.json").exit_code == 0
    seed = json.loads((tmp_path / "revealed.json").read_text())["seed"]
    assert seed in revealed.stdout
    assert seed not in shown


def test_what_is_done_stays(url: str, prizes: Path) -> None:
    close(prizes)
    again = close(prizes, "mina")
    assert again.exit_code == 2
    assert "a draw is closed once" in again.stderr
    revealed = run("reveal", "bazaar", "nowruz", "--as", "reza")
    again = run("reveal", "bazaar", "nowruz", "--as", "mina")
    assert (again.exit_code, again.stdout) == (
        0,
        f"nowruz of bazaar was revealed before; nothing is changed\n{revealed.stdout}",
    )
    (line,) = (line for line in run("list", "bazaar").stdout.splitlines() if "nowruz" in line)
    assert "sara" in line
    assert "reza" in line


def test_a_member_is_told_the_code(url: str, prizes: Path, tmp_path: Path) -> None:
    close(prizes)
    run("tickets", "bazaar", "nowruz", "--csv", tmp_path / "tickets.csv")
    told = run("code", "bazaar", "nowruz", typed=f"{number_of(2)}\n")
    assert told.exit_code == 0
    assert number_of(2) not in told.output
    code, _, rest = told.stdout.splitlines()[-1].partition(": tickets ")
    first, last, count = rest.removesuffix(" in all").replace(", ", " to ").split(" to ")
    assert int(count) == TICKETS[2]
    assert f"{first},{last},{code.split()[-1]}\n" in (tmp_path / "tickets.csv").read_text()
    nobody = run("code", "bazaar", "nowruz", typed=f"{number_of(8)}\n")
    assert nobody.exit_code == 1
    assert "has no tickets of this member" in nobody.stderr


def test_mistakes_in_the_prizes_are_told_with_their_lines(url: str, prizes: Path) -> None:
    prizes.write_text("prizes:\n  - {pionts: 1}\n")
    refused = close(prizes)
    assert refused.exit_code == 2
    assert "prizes.yaml:2: prizes.0.pionts is not known here" in refused.stderr
    assert run("list").stdout.count("nowruz") == 0


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("show", "nowhere", "nowruz"), "there is no programme nowhere"),
        (("reveal", "bazaar", "nowruz", "--as", "reza"), "is still open"),
        (("tickets", "bazaar", "cut", "--csv", "x"), "ever gave tickets for cut"),
    ],
)
def test_what_is_not_there_is_said_in_a_sentence(url: str, arguments: tuple[object, ...], complaint: str) -> None:
    refused = run(*arguments)
    assert refused.exit_code == 2
    assert complaint in refused.stderr
    assert "Traceback" not in refused.output


def test_a_file_that_cannot_be_written_is_said(url: str, prizes: Path, tmp_path: Path) -> None:
    close(prizes)
    for command in (("tickets", "--csv"), ("show", "--json")):
        refused = run(command[0], "bazaar", "nowruz", command[1], tmp_path / "no" / "file")
        assert refused.exit_code == 2
        assert "cannot be written: No such file or directory" in refused.stderr
