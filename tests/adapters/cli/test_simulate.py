"""`simulate` and `uplift` from a journal to what people read, and what they refuse."""

import asyncio
import json

import pytest
from typer.testing import CliRunner

from adapters.cli import app, simulate_screens, simulate_sheets, uplift_sheets
from adapters.cli.simulate_sheets import OTHERS, SEGMENTS_SHOWN, Asked
from switch.programme.budgets import RuleBudget
from switch.simulation.totals import Pair, Report, RulePair, RuleTotals, Totals
from switch.simulation.uplift import Group, Uplift
from tests.adapters.postgres.written_worlds import DOUBLED, TEXT, worlds, write
from tests.switch.simulation.worlds import HEAD, RULES, TIERS, programme

ASKED = Asked("world", "draft.yaml", "2026-08-01", "2026-08-31", 364, 100, 200)
PERIOD = ("--from", "2023-01-01", "--to", "2030-12-31", "--workers", "1")


@pytest.fixture(scope="module")
def journal(database_url):
    asyncio.run(write(database_url, worlds()))
    return database_url


def run(*arguments):
    return CliRunner().invoke(app, arguments)


@pytest.mark.integration
def test_a_draft_is_shown_beside_live(journal, tmp_path):
    draft = tmp_path / "draft.yaml"
    draft.write_text(DOUBLED)
    page, figures = tmp_path / "page.html", tmp_path / "figures.json"
    found = run(
        "simulate",
        "--programme",
        str(draft),
        *PERIOD,
        "--replica",
        journal,
        "--html",
        str(page),
        "--json",
        str(figures),
    )
    assert found.exit_code == 0, found.output
    assert "world: draft.yaml beside live" in found.output
    document = json.loads(figures.read_text())
    live, planned = document["rules"]["base"]["live"], document["rules"]["base"]["draft"]
    assert planned["points"] > live["points"] > 0
    assert document["whole"]["live"]["members"] == 12
    assert document["accounts_left_out"] == 0
    assert (
        sum(pair["draft"]["amount"] for pair in document["segments"]["gender"].values())
        == (document["whole"]["draft"]["amount"])
    )
    text = page.read_text()
    assert f"{planned['points']:,}" in text
    assert text.count("<svg") > 5
    assert "<script" not in text
    assert "://" not in text


@pytest.mark.integration
def test_what_is_not_known_of_members_is_said_everywhere(journal, tmp_path):
    draft, page, figures = tmp_path / "tags.yaml", tmp_path / "page.html", tmp_path / "figures.json"
    more = '  - {id: vips, when: tagged("vip"), then: {points: 3}}\n'
    draft.write_text(HEAD + RULES + more + "tags: [vip]\n" + TIERS)
    asked = ("simulate", "--programme", str(draft), *PERIOD, "--database", journal)
    found = run(*asked, "--html", str(page), "--json", str(figures))
    assert found.exit_code == 0, found.output
    assert "Tags are those that members have today" in found.output
    assert simulate_sheets.TAGS_NOTE in page.read_text()
    assert json.loads(figures.read_text())["not_known"] == [simulate_sheets.TAGS_NOTE]


def test_what_is_not_known_follows_from_both_programmes():
    years = "tier_year: {begins: march}\n"
    by_points, by_visits = TIERS, TIERS.replace("from: {points:", "from: {visits:")
    plain, known, unknown = (programme(HEAD + RULES + text) for text in (TIERS, by_points + years, by_visits + years))
    assert simulate_sheets.not_known(plain, plain) == ()
    assert simulate_sheets.not_known(known, known) == ()
    assert simulate_sheets.not_known(unknown, plain) == (simulate_sheets.TIERS_NOTE,)
    assert simulate_sheets.not_known(unknown, programme(HEAD + RULES)) == ()


@pytest.mark.integration
def test_the_live_programme_makes_no_difference(journal, tmp_path):
    draft, figures = tmp_path / "live.yaml", tmp_path / "figures.json"
    draft.write_text(TEXT)
    found = run("simulate", "--programme", str(draft), *PERIOD, "--database", journal, "--json", str(figures))
    assert found.exit_code == 0, found.output
    document = json.loads(figures.read_text())
    for pair in (document["whole"], *document["rules"].values()):
        assert pair["live"] == pair["draft"]


@pytest.mark.integration
def test_a_rule_is_compared(journal, tmp_path):
    figures = tmp_path / "figures.json"
    found = run(
        "uplift", "--programme", "world", "--rule", "back", *PERIOD, "--database", journal, "--json", str(figures)
    )
    assert found.exit_code == 0, found.output
    assert "NOT RANDOMISED" in found.output
    assert "it takes 30 members" in found.output
    assert json.loads(figures.read_text())["randomised"] is False


@pytest.mark.integration
@pytest.mark.parametrize(("more", "per_cent"), [((), 50), (("--per-cent", "20"), 20)])
def test_a_hold_out_is_known_by_its_rule(journal, tmp_path, more, per_cent):
    figures = tmp_path / "figures.json"
    found = run(
        "uplift", "--programme", "world", "--rule", "tested", *more, *PERIOD, "--database", journal, "--json",
        str(figures),
    )  # fmt: skip
    assert found.exit_code == 0, found.output
    document = json.loads(figures.read_text())
    assert document["per_cent"] == per_cent
    # Whom the kernel held out is whom the comparison expects.
    assert document["sums"]["had"]["members"] > 0
    assert document["sums"]["fired_in_control"] == 0


@pytest.mark.integration
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("uplift", "--programme", "world", "--rule", "none", *PERIOD), "never had a rule none"),
        (("uplift", "--programme", "none", "--rule", "back", *PERIOD), "no programme none is live"),
        (("uplift", "--programme", "world", "--rule", "back", "--from", "2026-02-02", "--to", "2026-02-01"), "before"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_a_sentence(journal, arguments, said):
    found = run(*arguments, "--database", journal)
    assert found.exit_code == 2
    assert said in found.output


@pytest.mark.integration
def test_a_faulty_draft_is_told_line_by_line(journal, tmp_path):
    draft = tmp_path / "draft.yaml"
    draft.write_text(TEXT.replace("per: 100000", "per: many"))
    found = run("simulate", "--programme", str(draft), *PERIOD, "--database", journal)
    assert found.exit_code == 1
    assert "draft.yaml:8" in found.output


def test_days_that_are_none_are_refused(tmp_path):
    draft = tmp_path / "draft.yaml"
    draft.write_text(TEXT)
    found = run("simulate", "--programme", str(draft), "--from", "2026-02-30", "--to", "2026-03-01")
    assert found.exit_code == 2
    assert "2026-02-30" in found.output


def report():
    return Report(
        messages=5,
        broken=2,
        whole=Pair(Totals(members=3, points_earned=10, discount=7), Totals(members=3, points_earned=5)),
        segments={
            ("region", f"<region {n}>"): Pair(Totals(members=1, amount=n), Totals(members=1, amount=n))
            for n in range(40)
        },
        rules={"": RulePair(RuleTotals(points=10)), "base": RulePair(RuleTotals(), RuleTotals(points=5, fired=2))},
    )


def test_each_side_has_its_own_value_of_a_point():
    assert simulate_sheets.cost_of(ASKED, report().whole) == simulate_sheets.Two(1_007, 1_000)


def test_small_segments_are_put_together():
    found = list(simulate_sheets.shown_segments(report(), "region"))
    assert len(found) == SEGMENTS_SHOWN + 1
    assert found[-1][0] == OTHERS
    assert sum(pair.live.amount for _, pair in found) == sum(range(40))


def test_a_page_escapes_what_people_wrote():
    sheets = simulate_sheets.sheets(ASKED, report())
    page = simulate_screens.html_page(ASKED, "<title>", sheets, simulate_sheets.notes(ASKED, report()))
    assert "<region" not in page
    assert "&lt;region 39&gt;" in page
    assert "2 accounts left out" in page


def test_an_empty_report_says_so():
    assert any("No approved message" in note for note in simulate_sheets.notes(ASKED, Report()))
    page = simulate_screens.html_page(ASKED, "none", simulate_sheets.sheets(ASKED, Report()), [])
    assert "none" in page


def test_a_hold_out_is_told_as_one():
    many, few = Group(), Group()
    for n in range(200):
        many.take(n, 1)
        few.take(n // 2, 1)
    held = Uplift(treated=many, control=few, had=many, had_not=few)
    assert uplift_sheets.groups(held, 20) == (many, few)
    assert uplift_sheets.notes(held, 20)[0].startswith("Randomised: 20 %")
    assert not any("No interval" in note for note in uplift_sheets.notes(held, 20))
    spend = uplift_sheets.sheets(held, 20)[0].rows[1]
    assert spend.cells[-1] == "yes"


@pytest.mark.parametrize(
    ("unit", "total", "note"),
    [
        ("points", 900, "Budget of cut: 900 of 900 points in this period."),
        (
            "amount",
            49,
            (
                "Budget of cut: 50 of 49 minor units in this period. It would have run out: "
                "the figures are those of a budget that never ends."
            ),
        ),
    ],
)
def test_what_a_draft_would_have_drawn_of_a_budget_is_said(unit, total, note):
    drawn = Report(messages=1)
    drawn.rules["cut"] = RulePair(draft=RuleTotals(points=700, discount=10, credit=15))
    drawn.rules["cut.reward"] = RulePair(
        draft=RuleTotals(points=200, discount=25), live=RuleTotals(points=5, discount=5)
    )
    budget = RuleBudget("cut", 1, unit, total, 1)
    assert note in simulate_sheets.notes(ASKED, drawn, [budget])


def test_a_budget_that_nothing_was_drawn_of_is_said_as_well():
    assert "Budget of cut: 0 of 5 points in this period." in simulate_sheets.notes(
        ASKED, report(), [RuleBudget("cut", 1, "points", 5, 1)]
    )
