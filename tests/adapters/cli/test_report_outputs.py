"""CSV that no spreadsheet runs, and a page that needs nothing and believes no text."""

import csv
import datetime as dt
import io
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.cli.report_outputs import BAR_WIDTH, bars_of, csv_text, guarded, html_page, show
from adapters.cli.report_sheets import Chart, Quantity, Sheet
from adapters.postgres.report_figures import Scope

SCOPE = Scope("bazaar", 1, 364, 100, "Asia/Tehran", dt.date(2026, 11, 1), dt.date(2026, 11, 30))
EVIL = "<script>alert(1)</script>\"'&"


def sheet(label: str, value: int = -5) -> Sheet:
    return Sheet(
        "By region",
        SCOPE,
        ("region", "spend", "share"),
        (
            (label, Quantity(value, "money"), Quantity(None, "percent")),
            ("تهران", Quantity(7, "money"), Quantity(1_000, "percent")),
        ),
        (Chart("Spend", "money", ((label, value), ("تهران", 7))),),
        (f"note {label}",),
    )  # fmt: skip


class Page(HTMLParser):
    """What a page is made of."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def parsed(text: str) -> Page:
    page = Page()
    page.feed(text)
    page.close()
    return page


def test_csv_says_programme_and_period_on_each_line() -> None:
    assert csv_text(sheet("قم")) == (
        "programme,from,to,region,spend,share\r\n"
        "bazaar,2026-11-01,2026-11-30,قم,-5,\r\n"
        "bazaar,2026-11-01,2026-11-30,تهران,7,100.0\r\n"
    )


@pytest.mark.parametrize("text", ["=cmd()", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "＝1", "＠x"])
def test_what_would_be_a_formula_is_put_behind_an_apostrophe(text: str) -> None:
    assert guarded(text) == f"'{text}"
    assert f"'{text.strip()[:1]}" in csv_text(sheet(text)) or f"'{text[:1]}" in csv_text(sheet(text))


@pytest.mark.parametrize("text", ["", "قم", "a=b", "18–24", "'=1"])
def test_other_text_stays(text: str) -> None:
    assert guarded(text) == text


@given(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0")))
def test_csv_is_read_back_as_it_was(label: str) -> None:
    rows = list(csv.reader(io.StringIO(csv_text(sheet(label)), newline="")))
    assert len(rows) == 3
    assert rows[1][3] in {label, f"'{label}"}
    assert not rows[1][3].lstrip(" ").startswith(("=", "+", "-", "@"))


def test_a_page_escapes_every_text() -> None:
    page = parsed(html_page(sheet(EVIL)))
    assert "script" not in page.tags
    assert EVIL in page.text
    assert f"note {EVIL}" in page.text
    assert ("aria-label", f"{EVIL}: -5") in page.attributes


def test_a_page_needs_nothing_from_elsewhere() -> None:
    text = html_page(sheet("قم"))
    page = parsed(text)
    assert set(page.tags).isdisjoint({"script", "link", "img", "iframe", "object", "use", "image", "base", "form"})
    assert not any(name in {"src", "href", "xlink:href"} or name.startswith("on") for name, _ in page.attributes)
    assert re.search(r"url\(|@import|https?:", text) is None
    assert "default-src 'none'" in text


def test_a_page_keeps_names_of_the_other_direction_in_their_place() -> None:
    text = html_page(sheet("قم"))
    assert "<bdi>قم</bdi>" in text
    style = text.split("<style>")[1].split("</style>")[0]
    assert re.search(r"(margin|padding|border|text-align)[^;]*\b(left|right)\b", style) is None


def test_bars_are_as_long_as_their_share_of_the_longest() -> None:
    bars = bars_of(Chart("Spend", "money", (("a", 200), ("b", 50), ("c", -10), ("d", 0))))
    assert [bar.width for bar in bars] == [BAR_WIDTH, BAR_WIDTH // 4, 0, 0]
    assert [bar.value for bar in bars] == ["200", "50", "-10", "0"]
    assert [bar.width for bar in bars_of(Chart("Spend", "money", (("a", 0), ("b", -1))))] == [0, 0]


def test_a_page_of_nothing_is_a_page() -> None:
    page = parsed(html_page(Sheet("Spread", SCOPE, ("measure",), (), notes=("Fewer than 5 members",))))
    assert "table" not in page.tags
    assert "Fewer than 5 members" in page.text


def test_the_screen_takes_no_markup_from_names(capsys: pytest.CaptureFixture[str]) -> None:
    show(sheet("[bold]x[/bold]"))
    told = capsys.readouterr().out
    assert "[bold]x[/bold]" in told
    assert "bazaar, business dates 2026-11-01 to 2026-11-30, money in minor units of currency 364" in told
