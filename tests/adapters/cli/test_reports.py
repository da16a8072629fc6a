"""`report`: from the command line to a table, a file or a page; and what it never tells."""

import asyncio
import csv
import datetime as dt
import io
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from adapters.cli import app
from adapters.postgres.report_figures import Dimension
from tests.adapters.postgres.sales import FIRST, LAST, PEOPLE, open_sales, refund, sell

pytestmark = [pytest.mark.integration, pytest.mark.handwritten_journal]

NOWHERE = "postgresql://someone:hunter2@127.0.0.1:1/loyalty"
REPORTS = (("overview",), ("rfm",), ("spread",), *(("by", "--dimension", dimension) for dimension in Dimension))
MONTH = ("--from", FIRST, "--to", LAST)
PRIVATE = ("Private Name", "989120000000", "4242", "1991-11-30")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "LOYALTY_DATABASE", "LOYALTY_DATA_DIR", "LOYALTY_REPLICA"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def sales_url(database_url: str) -> str:
    """Every member bought for 1,000; the first gave 400 of another 1,000 back."""

    async def write() -> None:
        opened = await open_sales(database_url)
        for person in PEOPLE:
            await sell(opened, person, FIRST, 1_000, points_earned=10)
        bought = await sell(opened, PEOPLE[0], LAST, 1_000, points_earned=10, merchant=3)
        await refund(opened, PEOPLE[0], LAST, 400, bought, points_earned=-4)
        await opened.close()

    asyncio.run(write())
    return database_url


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["report", *(str(argument) for argument in arguments)])


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_the_overview_as_a_table(sales_url: str) -> None:
    told = run("overview", "bazaar", *MONTH, "--database", sales_url)
    assert told.exit_code == 0
    lines = {" ".join(line.split()) for line in told.stdout.splitlines()}
    assert {
        "members 8",
        "active members 8",
        "visits 9",
        "spend 8,600 minor units",
        "mean basket 955 minor units",
        "points issued 90 points",
        "points clawed back 4 points",
        "liability 8,600 minor units",
    } <= lines


def test_a_spread_as_csv_on_standard_output(sales_url: str) -> None:
    told = run("spread", "bazaar", *MONTH, "--csv", "-", "--database", sales_url)
    rows = {row["measure"]: row for row in rows_of(told.stdout)}
    assert rows["highest"]["spend of a member"] == "1600"
    assert rows["highest"]["basket"] == "1000"
    assert rows["share of the top 10 %"]["spend of a member"] == "18.6"
    assert rows["count"]["from"] == "2026-11-01"


def test_small_groups_go_into_other_unless_told_otherwise(sales_url: str) -> None:
    told = run("by", "bazaar", "--dimension", "gender", *MONTH, "--csv", "-", "--database", sales_url)
    assert [(row["gender"], row["members"]) for row in rows_of(told.stdout)] == [("other", "8")]
    told = run("by", "bazaar", "--dimension", "gender", *MONTH, "--smallest", 1, "--csv", "-", "--database", sales_url)
    groups = {row["gender"]: (row["members"], row["spend"]) for row in rows_of(told.stdout)}
    assert groups == {"female": ("3", "3600"), "male": ("3", "3000"), "unknown": ("2", "2000")}


def test_a_members_own_words_are_no_formula(sales_url: str, tmp_path: Path) -> None:
    file = tmp_path / "education.csv"
    told = run(
        "by", "bazaar", "--dimension", "education", *MONTH, "--smallest", 1, "--csv", file, "--database", sales_url
    )  # fmt: skip
    assert (told.exit_code, told.stdout) == (0, "")
    assert f"wrote {file}" in told.stderr
    assert file.read_bytes().startswith(b"\xef\xbb\xbfprogramme,")
    labels = {row["education"] for row in rows_of(file.read_text(encoding="utf-8-sig"))}
    assert labels == {"school", "'=cmd()", "doctorate", "unknown"}


def test_segments_as_a_page_and_a_file_at_once(sales_url: str, tmp_path: Path) -> None:
    page, file = tmp_path / "rfm.html", tmp_path / "rfm.csv"
    told = run("rfm", "bazaar", *MONTH, "--html", page, "--csv", file, "--smallest", 1, "--database", sales_url)
    assert told.exit_code == 0
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert sum(int(row["members"]) for row in rows_of(file.read_text(encoding="utf-8-sig"))) == 8


@pytest.mark.parametrize("report", REPORTS, ids=lambda report: report[-1])
def test_no_report_tells_who_somebody_is(report: tuple[str, ...], sales_url: str, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    command, *options = report
    smallest = () if command == "overview" else ("--smallest", 1)
    told = run(command, "bazaar", *options, *MONTH, *smallest, "--html", page, "--csv", "-", "--database", sales_url)
    shown = run(command, "bazaar", *options, *MONTH, *smallest, "--database", sales_url)
    assert (told.exit_code, shown.exit_code) == (0, 0)
    for text in (told.stdout, shown.stdout, page.read_text(encoding="utf-8")):
        assert not any(word in text for word in PRIVATE)


def test_a_replica_is_read_instead(sales_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    told = run("overview", "bazaar", "--replica", sales_url, "--database", NOWHERE)
    assert told.exit_code == 0
    monkeypatch.setenv("LOYALTY_REPLICA", sales_url)
    assert run("overview", "bazaar", "--database", NOWHERE).exit_code == 0
    monkeypatch.setenv("LOYALTY_REPLICA", NOWHERE)
    told = run("overview", "bazaar", "--database", sales_url)
    assert told.exit_code == 2
    assert "127.0.0.1:1, database loyalty (connection refused)" in told.stderr
    assert "hunter2" not in told.output


def test_a_period_that_ends_before_it_begins_is_one_sentence(sales_url: str) -> None:
    told = run("overview", "bazaar", "--from", LAST, "--to", FIRST, "--database", sales_url)
    assert told.exit_code == 2
    assert told.stderr == "the period ends on 2026-11-01, before it begins on 2026-11-30: check --from and --to.\n"


def test_a_programme_that_is_not_there_is_one_sentence(sales_url: str) -> None:
    told = run("rfm", "nowhere", "--database", sales_url)
    assert (told.exit_code, len(told.stderr.splitlines())) == (2, 1)
    assert "there is no programme nowhere" in told.stderr


def test_a_period_without_sales_has_nothing_to_show(sales_url: str) -> None:
    quiet = dt.date(2020, 1, 1)
    told = run("spread", "bazaar", "--from", quiet, "--to", quiet, "--database", sales_url)
    assert told.exit_code == 0
    assert "Fewer than 5 members in this period" in told.stdout


def test_a_file_that_cannot_be_written_is_one_sentence(sales_url: str, tmp_path: Path) -> None:
    told = run("overview", "bazaar", "--csv", tmp_path / "no" / "file.csv", "--database", sales_url)
    assert told.exit_code == 2
    assert "cannot be written: no such file or directory" in told.stderr


def test_a_dimension_that_is_not_one_is_refused(sales_url: str) -> None:
    told = run("by", "bazaar", "--dimension", "mobile", "--database", sales_url)
    assert told.exit_code == 2
    assert "region" in told.stderr
