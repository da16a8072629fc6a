"""What only the whole programme shows to be wrong."""

import pytest

from switch.programme import ProgrammeError, Severity
from tests.switch.programme.programmes import HEAD, ONE_RULE, load, rules

STAMP = "stamp: {key: cut, need: 9, reward: {points: 1}}"
TIERS = ONE_RULE + "tiers:\n  - {id: a, from: {points: 5}}\n"

ERRORS = [
    (rules(f"id: a, then: {{{STAMP}}}", f"id: b, then: {{{STAMP}}}"), 8, "a stamp card cut is there already"),
    (TIERS + "  - {id: a, from: {points: 7}}\n", 11, "a tier a is there already"),
    (TIERS + "  - {id: b, from: {points: 5}}\n", 11, "b should need more than a"),
    (TIERS + "  - {id: b, from: {visits: 7}}\n", 11, "all tiers should be from the same"),
    (ONE_RULE + "clubs:\n  - {code: a, name: A}\n  - {code: a, name: B}\n", 11, "a club a is there already"),
    (TIERS.replace("{points: 1}", "{tier: b}"), 8, "there is no tier 'b'"),
    (rules("id: a, when: event == 'x' or amount > 5, then: {points: 1}"), 7, "a rule is for events or for purchases"),
    (rules("id: a, when: event != 'x', then: {points: 1}"), 7, "a rule is for events or for purchases"),
    (rules("id: a, when: event == 'x' and amount > 5, then: {points: 1}"), 7, "no purchase and has no amount"),
    (
        rules('id: a, when: \'event == "x" and qty(sku="A") > 5\', then: {points: 1}'),
        7,
        "no purchase and has no qty",
    ),
    *[
        (rules(f"id: a, when: event == 'x', then: {{{then}}}"), 7, reason)
        for then, reason in [
            ("points: {per: 5}", "no amount to give points for"),
            ("discount: 5%", "no amount to take a discount from"),
            ("discount: 5", "no amount to take a discount from"),
            ("free: TEA", "no basket"),
            ("credit: 5%", "no amount to give a share of"),
            ("multiply: 2", "no points for amounts"),
            ("ticket: {draw: d, per: 5}", "no amount to give tickets for"),
            ("stamp: {key: k, need: 3, reward: {free: TEA}}", "no basket"),
        ]
    ],
]


GIFT = "points: 5, message: {en: Hi}"
ERRORS += [
    (
        ONE_RULE + "clubs:\n  - {code: a, name: A}\n  - {code: b, name: B, min_age: 18, required: [name]}\n",
        11,
        "club b has to ask for the birth date to know an age: add birth_date to `required`",
    ),
    (
        ONE_RULE + "clubs:\n  - code: b\n    name: B\n    min_age: 18\n    open: false\n",
        12,
        "club b has to ask for the birth date",
    ),
    *[
        (ONE_RULE + f"{part}, min_age: {age}}}\n", 10, "should be whole years from 1 to 120, such as 18")
        for part in ("clubs:\n  - {code: b, name: B, required: [birth_date]", f"rewards:\n  - {{code: A, {GIFT}")
        for age in ("0", "-1", "121", "999999999999999999", "18.5", "'18'", "18 years", "eighteen", "true", "[1]", "{}")
    ],
    (ONE_RULE + f"rewards:\n  - {{code: A, {GIFT}}}\n  - {{code: A, {GIFT}}}\n", 11, "a reward A is there already"),
    (ONE_RULE + "tags: [press, press]\n", 9, "a tag press is there already"),
    (
        ONE_RULE + f"rewards:\n  - {{code: A, {GIFT}, when: event == 'x'}}\n",
        10,
        "a reward is chosen with a purchase, which has no event",
    ),
]


@pytest.mark.parametrize(("text", "line", "reason"), ERRORS)
def test_errors(text, line, reason):
    with pytest.raises(ProgrammeError) as raised:
        load(text)
    (problem,) = [problem for problem in raised.value.problems if reason in problem.reason]
    assert (problem.line, problem.severity) == (line, Severity.ERROR)


def test_an_event_may_give_all_that_needs_no_amount():
    text = (
        HEAD
        + """\
rules:
  - id: a
    when: event == "x" and visits > 3
    uses: {day: 1}
    then:
      points: 5
      credit: 700
      tier: gold
      message: {en: Hi}
      ticket: {draw: d, count: 2}
      stamp: {key: k, need: 3, reward: {points: 4}}
tiers:
  - {id: gold, from: {points: 5}}
"""
    )
    assert load(text).warnings == ()


def test_an_age_of_a_club_and_of_a_reward():
    clubs = (
        "clubs:\n  - {code: b, name: B, min_age: 1, required: [birth_date]}\n  - {code: c, name: C, min_age: null}\n"
    )
    rewards = f"rewards:\n  - {{code: A, {GIFT}, min_age: 120}}\n  - {{code: B, {GIFT}}}\n"
    programme = load(ONE_RULE + clubs + rewards)
    assert [club.min_age for club in programme.clubs] == [1, None]
    assert {code: reward.min_age for code, reward in programme.rewards.items()} == {"A": 120, "B": None}
    assert [rule.facts for rule in programme.rules] == [(), ("age",), ()]


WARNINGS = [
    (
        ONE_RULE + "rewards:\n  - {code: A, points: 5, message: {en: Hi}, min_age: 18, when: age < 18}\n",
        10,
        "this reward can never be had: what it asks of age contradicts itself",
    ),
    (
        ONE_RULE + "rewards:\n  - {code: A, points: 5, message: {en: Hi}, when: hour > 25}\n",
        10,
        "this reward can never be had: hour is 0 to 23",
    ),
    (rules("id: a, when: amount > 9 and amount < 3, then: {points: 1}"), 7, "this rule can never fire: what it asks"),
    (rules("id: a, when: currency == 840, then: {points: 1}"), 7, "currency is always 364"),
    (rules("id: a, when: 1 == 2, then: {points: 1}"), 7, "it compares two numbers"),
    (rules("id: a, when: tier > 'none', then: {points: 1}"), 7, "tier is always 0"),
    (
        rules("id: a, grant: {if: hour > 25, lives: 3 days}, then: {points: 1}"),
        7,
        "this offer can never be made: hour is 0 to 23",
    ),
    (
        rules("id: a, exclusive: g, then: {points: 1}", "id: b, when: amount > 5, exclusive: g, then: {points: 1}"),
        8,
        "this rule can never fire: a, before it in group g, always does",
    ),
    (
        rules("id: b, exclusive: g, then: {points: 1}", f"id: a, priority: 1, exclusive: g, then: {{{STAMP}}}"),
        7,
        "this rule can never fire: a, before it in group g, always does",
    ),
]


@pytest.mark.parametrize(("text", "line", "reason"), WARNINGS)
def test_warnings(text, line, reason):
    (warning,) = load(text).warnings
    assert (warning.line, warning.severity) == (line, Severity.WARNING)
    assert reason in warning.reason


@pytest.mark.parametrize(
    "first",
    [
        "when: amount > 5, exclusive: g",
        "uses: {day: 1}, exclusive: g",
        "grant: {if: visits > 1, lives: 3 days}, exclusive: g",
        "holdout: 10%, exclusive: g",
        "exclusive: h",
        "when: event == 'x', uses: {day: 1}, exclusive: g",
    ],
)
def test_what_does_not_always_fire_shadows_nothing(first):
    assert load(rules(f"id: a, {first}, then: {{points: 1}}", "id: b, exclusive: g, then: {points: 1}")).warnings == ()
