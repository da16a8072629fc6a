import json
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from adapters.cli import app
from adapters.cli.programme_words import document_of, rules_in_words
from tests.switch.programme.programmes import CUSTOMER, ONE_RULE, load, rules


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["programme", *map(str, arguments)])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "shop.yaml"


def test_a_sound_programme_is_explained(file: Path) -> None:
    file.write_text(ONE_RULE, encoding="utf-8")
    result = run("check", file)
    assert result.exit_code == 0
    assert "shop of KHATAM: currency 364, Asia/Tehran" in result.stdout
    assert "checked against a database only at submit" in result.stdout.replace("\n", " ")
    assert "error" not in result.stdout
    assert "warning" not in result.stdout


def test_warnings_leave_the_exit_code_at_0() -> None:
    result = run("check", CUSTOMER)
    assert result.exit_code == 0
    first, *rest = result.stdout.splitlines()
    costs, rest = rest[:2], rest[2:]
    assert all("warning: rules[" in line and "the cost has no bound" in line for line in costs)
    assert first == f"{CUSTOMER}:21: warning: rules[4].when: this rule can never fire: currency is always 364"
    shown = "\n".join(rest)
    for part in ("barber.reward", "CUT is free", "takes 10 stamps off cut", "1 a year", "events: checkin"):
        assert part in shown


def test_errors_are_told_by_line_and_nothing_else_is(file: Path) -> None:
    file.write_text(ONE_RULE + "    when: amout > 5\nbudgets: 7\n", encoding="utf-8")
    result = run("check", file)
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        f"{file}:9: error: rules[0].when: unknown fact 'amout'; did you mean amount?",
        f"{file}:10: error: budgets: unknown key 'budgets'; did you mean budget?",
    ]


def test_json(file: Path) -> None:
    result = run("check", "--json", CUSTOMER)
    document = json.loads(result.stdout)
    assert result.exit_code == 0
    assert document["file"] == str(CUSTOMER)
    assert {problem["severity"] for problem in document["problems"]} == {"warning"}
    assert document["programme"]["stamps"] == {"cut": 10}
    assert document["programme"]["rules"][1] == {
        "id": "bigger_basket",
        "when": "amount >= grant.goal",
        "gives": ["credit 20%, at most 1,000,000"],
        "limits": ["needs its offer, made if visits >= 5 and mean_gap <= 15, alive for 30 days"],
        "facts": ["visits", "mean_gap", "mean_amount", "amount", "grant.goal"],
    }
    file.write_text("rules: 3\n", encoding="utf-8")
    result = run("check", "--json", file)
    document = json.loads(result.stdout)
    assert result.exit_code == 1
    assert document["programme"] is None
    assert {"line": 1, "severity": "error", "path": "rules", "reason": "should be a valid list"} in document["problems"]


def test_a_file_that_is_no_text(file: Path) -> None:
    file.write_bytes(b"\xff\xfe\x00")
    result = run("check", file)
    assert result.exit_code == 2
    assert "cannot be read as UTF-8 text" in result.stderr
    assert run("check", file.with_name("absent.yaml")).exit_code == 2


def test_brackets_in_a_condition_are_no_markup(file: Path) -> None:
    file.write_text(ONE_RULE + "    when: hour in [8, 9] and weekday in [4]\n", encoding="utf-8")
    assert "hour in [8, 9] and weekday in [4]" in " ".join(run("check", file).stdout.split())


@pytest.mark.parametrize(
    ("then", "words"),
    [
        ("points: 1000", "1,000 points"),
        ("points: 1", "1 point"),
        ("points: {per: 5000, points: 2}", "2 points for each 5,000 paid"),
        ("multiply: 5/3", "points for amounts × 5/3"),
        ("multiply: 1.50", "points for amounts × 1.5"),
        ("discount: 12.345678%", "discount 12.345678%"),
        ("discount: 1/3, cap: 0", "discount 1/3, at most 0"),
        ("credit: 70000", "credit 70,000"),
        ("free: TEA", "TEA is free"),
        ("ticket: {draw: d, count: 3}", "3 tickets of d"),
        ("message: {fa: سلام}", "says “سلام”"),
    ],
)
def test_effects_in_words(then: str, words: str) -> None:
    (rule,) = rules_in_words(load(rules(f"id: a, then: {{{then}}}")))
    assert rule.gives == (words,)


def test_a_catalogue_a_hold_out_and_tags_in_words() -> None:
    text = rules("id: a, holdout: 10%, then: {points: 1}") + (
        "rewards:\n"
        "  - {code: LIP, points: 500, then: {free: LIPSTICK, cap: 900}, uses: {year: 1},\n"
        "     when: hour > 3 or amount > 7}\n"
        "  - {code: S, points: 1, message: {en: Hi}}\n"
        "  - {code: W, points: 1, message: {en: Hi}, min_age: 18}\n"
        "  - {code: WINE, points: 1, message: {en: Hi}, min_age: 18, when: hour > 3 or amount > 7}\n"
        "tags: [press]\n"
    )
    programme = load(text)
    a, lip, sample, *aged = rules_in_words(programme)
    assert a.limits == ("10% of the members never get it",)
    assert lip.when == "the till asks for LIP and (hour > 3 or amount > 7)"
    assert lip.gives == ("costs 500 points", "LIPSTICK is free, at most 900")
    assert (lip.limits, lip.id) == (("1 a year",), "rewards.LIP")
    assert (sample.when, sample.gives) == ("the till asks for S", ("costs 1 point", "says “Hi”"))
    assert [(rule.when, rule.facts) for rule in aged] == [
        ("the till asks for W and age >= 18", ("age",)),
        ("the till asks for WINE and age >= 18 and (hour > 3 or amount > 7)", ("age", "hour", "amount")),
    ]
    document = document_of(programme)
    assert (document["rewards"], document["tags"]) == ({"LIP": 500, "S": 1, "W": 1, "WINE": 1}, ["press"])


def test_clubs_are_told_with_their_ages(file: Path) -> None:
    clubs = "clubs:\n  - {code: all, name: All}\n  - {code: adults, name: A, min_age: 18, required: [birth_date]}\n"
    file.write_text(ONE_RULE + clubs, encoding="utf-8")
    assert "clubs: all, adults from 18 years" in run("check", file).stdout.splitlines()
    told = json.loads(run("check", file, "--json").stdout)
    assert told["programme"]["clubs"] == ["all", "adults"]


def test_a_choice_before_a_stamp_is_bracketed() -> None:
    stamp = "stamp: {key: k, need: 3, reward: {points: 1}}"
    reward, collect = rules_in_words(load(rules(f"id: a, when: hour > 3 or amount > 7, then: {{{stamp}}}")))
    assert reward.when == '(hour > 3 or amount > 7) and stamps("k") >= 3'
    assert collect.when == '(hour > 3 or amount > 7) and stamps("k") < 3'
    assert collect.gives == ("a stamp on k",)


def test_the_schema_names_every_key_and_refuses_others() -> None:
    result = run("schema")
    assert result.exit_code == 0
    schema = json.loads(result.stdout)
    assert schema["additionalProperties"] is False
    assert schema["required"] == ["programme", "owner", "currency", "timezone", "point", "rules"]
    definitions = schema["$defs"]
    assert set(definitions["Grant"]["properties"]) == {"if", "set", "lives", "message"}
    assert set(definitions["Tier"]["properties"]) == {"id", "from", "multiply"}
    assert definitions["Club"]["properties"]["code"]["pattern"]
    for part in ("Club", "Choice"):
        whole_years, nothing = definitions[part]["properties"]["min_age"]["anyOf"]
        assert (whole_years["type"], whole_years["minimum"], whole_years["maximum"]) == ("integer", 1, 120)
        assert nothing == {"type": "null"}
    assert definitions["Then"]["properties"]["cap"]["description"]
    assert "uses" in definitions["Rule"]["properties"]


def test_what_happens_by_itself_is_told(file: Path) -> None:
    more = (
        "tiers: [{id: silver, from: {points: 3}}]\ntier_year: {begins: march, grace: 60 days}\ntags: [ambassador]\n"
        "referral: {referrer: {points: 500}, ambassador: {points: 1000, credit: 70000}}\n"
    )
    file.write_text(ONE_RULE.replace("24 months", "24 months, notice: 30 days") + more, encoding="utf-8")
    lines = run("check", file).stdout.splitlines()
    assert "tier year: from march, 60 days of grace" in lines
    assert "notice: 30 days before points lapse" in lines
    assert "referral: referrer 500 points, ambassador 1,000 points and 70,000 of credit" in lines
    assert "tags: ambassador" in lines
