"""`coupons generate`, `list`, `withdraw`: files, exit codes, one sentence for what is wrong."""

import asyncio
import stat
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest
from typer.testing import CliRunner, Result

from adapters.cli import app
from adapters.postgres.connecting import connection

pytestmark = pytest.mark.integration

PROGRAMME = """
programme: bazaar
owner: KHATAM
currency: 364
timezone: Asia/Tehran
point: {value: 100, expires: 24 months}
coupons:
  - {id: spring, kind: single}
  - {id: welcome, kind: multi, uses: 500}
rules:
  - {id: a, when: coupon == "spring", then: {points: 1}}
  - {id: b, when: coupon == "welcome", then: {points: 1}}
"""


@pytest.fixture
def url(loaded: Callable[[str], str]) -> str:
    return loaded(PROGRAMME)


def run(*arguments: object, typed: str = "") -> Result:
    return CliRunner().invoke(app, ["coupons", *map(str, arguments)], input=typed, env={"COLUMNS": "160"})


def generate(out: Path, campaign: str = "spring", *more: object, user: str = "sara") -> Result:
    return run("generate", "bazaar", campaign, "--out", out, "--as", user, *more)


def rows(url: str, query: str) -> list[asyncpg.Record]:
    async def fetch() -> list[asyncpg.Record]:
        async with connection(url) as opened:
            return await opened.fetch(query)

    return asyncio.run(fetch())


def test_codes_are_written_once_and_listed(url: str, tmp_path: Path) -> None:
    out = tmp_path / "codes.txt"
    made = generate(out, "spring", "--count", 25_000)
    assert made.exit_code == 0, made.output
    assert "batch 1: 25,000 codes of spring" in made.stdout
    codes = out.read_text().splitlines()
    assert len(set(codes)) == 25_000
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert codes[0] not in made.output
    ((count, shards),) = rows(url, "SELECT count(*), count(DISTINCT shard) FROM coupon")
    assert (count, shards) == (25_000, 64)
    again = generate(out)
    assert again.exit_code == 2
    assert "is there already" in again.stderr
    assert out.read_text().splitlines() == codes
    listed = run("list", "bazaar").stdout
    assert "25,000" in listed
    assert "sara" in listed


def test_a_code_for_many_is_chosen_once(url: str, tmp_path: Path) -> None:
    assert generate(tmp_path / "one", "welcome", "--code", "WELCOME10").exit_code == 0
    assert (tmp_path / "one").read_text() == "WELCOME10\n"
    second = generate(tmp_path / "two", "welcome")
    assert second.exit_code == 2
    assert "has its code already" in second.stderr
    withdrawn = run("withdraw", "bazaar", "--as", "reza", typed="welcome-1o\n")
    assert withdrawn.exit_code == 0, withdrawn.output
    assert "1 code withdrawn" in withdrawn.stdout
    reused = generate(tmp_path / "two", "welcome", "--code", "welcome10")
    assert reused.exit_code == 2
    assert "was used by this programme before" in reused.stderr
    assert not (tmp_path / "two").exists()
    assert generate(tmp_path / "two", "welcome", "--code", "WELCOME11").exit_code == 0
    assert [tuple(row) for row in rows(url, "SELECT uses_left, withdrawn_by FROM coupon ORDER BY batch")] == [
        (500, "reza"),
        (500, None),
    ]


def test_a_batch_is_withdrawn_once(url: str, tmp_path: Path) -> None:
    generate(tmp_path / "codes", "spring", "--count", 30)
    assert "30 codes withdrawn" in run("withdraw", "bazaar", "--batch", 1, "--as", "reza").stdout
    assert "0 codes withdrawn" in run("withdraw", "bazaar", "--batch", 1, "--as", "maryam").stdout
    assert {row[0] for row in rows(url, "SELECT withdrawn_by FROM coupon")} == {"reza"}


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("spring", "--count", 0), "--count is 1 to 1,000,000"),
        (("spring", "--count", 1_000_001), "--count is 1 to 1,000,000"),
        (("spring", "--code", "SPRING"), "so that none is guessed"),
        (("welcome", "--count", 2), "one code for all"),
        (("welcome", "--code", "ABC"), "4 to 32 letters and digits"),
        (("welcome", "--code", "خوش آمدید"), "4 to 32 letters and digits"),
        (("welcome", "--code", "A" * 5_000), "4 to 32 letters and digits"),
        (("summer",), "has no coupon summer (it has: spring, welcome)"),
    ],
)
def test_what_cannot_be_made_is_said(url: str, tmp_path: Path, arguments: tuple[object, ...], reason: str) -> None:
    refused = generate(tmp_path / "codes", *arguments)
    assert refused.exit_code == 2
    assert reason in refused.stderr.replace("\n", " ")
    assert not (tmp_path / "codes").exists()
    assert rows(url, "SELECT 1 FROM coupon_batch") == []


def test_who_and_what_must_be_there(url: str, tmp_path: Path) -> None:
    assert "a user is 1 to 64" in generate(tmp_path / "codes", user=" ").stderr
    assert "cannot be written" in generate(tmp_path / "nowhere" / "codes").stderr
    other = run("generate", "nothing", "spring", "--out", tmp_path / "codes", "--as", "sara")
    assert "no programme nothing is live" in other.stderr
    assert "has no batch 9" in run("withdraw", "bazaar", "--batch", 9, "--as", "sara").stderr
    unknown = run("withdraw", "bazaar", "--as", "sara", typed="7D4K-0QXW\n")
    assert unknown.exit_code == 2
    assert "has no such code" in unknown.stderr
    assert "7D4K" not in unknown.output
