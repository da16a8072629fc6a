"""Whole programmes: what they compile to, and every mistake with its line."""

import hashlib
import pathlib

import pytest

import switch.programme
from cext import _kernel
from cext.programme_table import NO_CAP, Effect, Fact, Opcode
from switch.programme import ProgrammeError
from tests.cext.kernel_cases import account, request

BAZAAR = pathlib.Path(__file__).parents[3] / "examples" / "bazaar" / "programmes" / "bazaar.yaml"

HEAD = """\
programme: shop
owner: KHATAM
currency: 364
timezone: Asia/Tehran
point: {value: 100, expires: 24 months}
"""


def ids(kind, name):
    return {("category", "grocery"): 3, ("merchant", "M1"): 70}[kind, name]


def load(text):
    return switch.programme.load(text, ids=ids)


def then_of(text):
    """The effects of one rule."""
    return load(HEAD + f"rules:\n  - id: a\n    then: {text}\n").kernel.table[3]


def test_bazaar_is_a_point_for_each_hundred_thousand():
    text = BAZAAR.read_text(encoding="utf-8")
    programme = load(text)
    assert (programme.name, programme.owner, programme.currency) == ("bazaar", "KHATAM", 364)
    assert (programme.timezone, programme.point_value, programme.rule_ids) == ("Asia/Tehran", 100, ("base",))
    assert programme.source_hash == hashlib.sha256(text.encode()).hexdigest()
    assert programme.kernel.table == (
        (364, 100, 24, 0),
        (),
        ((0, 0, 0, 0, 1),),
        ((Effect.POINTS_PER, 1, 100_000, NO_CAP),),
    )
    decision = _kernel.decide(programme.kernel, account(_kernel), request(_kernel, 1, 1_250_000))
    assert (decision.points_earned, decision.rule_list) == (12, [0])


@pytest.mark.parametrize(
    ("text", "effects"),
    [
        ("{points: 50}", [(Effect.POINTS_FIXED, 50, 1, NO_CAP)]),
        ("{points: {per: 1000, points: 3}, cap: 9}", [(Effect.POINTS_PER, 3, 1_000, 9)]),
        ("{multiply: 1.25}", [(Effect.MULTIPLY, 5, 4, NO_CAP)]),
        ("{multiply: 3/2}", [(Effect.MULTIPLY, 3, 2, NO_CAP)]),
        ("{multiply: 2}", [(Effect.MULTIPLY, 2, 1, NO_CAP)]),
        ("{multiply: 0.1}", [(Effect.MULTIPLY, 1, 10, NO_CAP)]),
        ("{discount: 20%}", [(Effect.DISCOUNT_RATE, 1, 5, NO_CAP)]),
        ("{discount: 12.5%, cap: 70}", [(Effect.DISCOUNT_RATE, 1, 8, 70)]),
        ("{discount: 1/3}", [(Effect.DISCOUNT_RATE, 1, 3, NO_CAP)]),
        ("{discount: 5000}", [(Effect.DISCOUNT_AMOUNT, 5_000, 1, NO_CAP)]),
        ("{credit: 100%}", [(Effect.CREDIT_RATE, 1, 1, NO_CAP)]),
        ("{credit: 20%, cap: 1_000_000}", [(Effect.CREDIT_RATE, 1, 5, 1_000_000)]),
        ("{credit: 7}", [(Effect.CREDIT_AMOUNT, 7, 1, NO_CAP)]),
        (
            "{credit: 7, discount: 1%, points: 1, multiply: 2}",
            [
                (Effect.DISCOUNT_RATE, 1, 100, NO_CAP),
                (Effect.POINTS_FIXED, 1, 1, NO_CAP),
                (Effect.MULTIPLY, 2, 1, NO_CAP),
                (Effect.CREDIT_AMOUNT, 7, 1, NO_CAP),
            ],
        ),
    ],
)
def test_effects(text, effects):
    assert then_of(text) == tuple(effects)


def test_rules_run_by_priority_and_then_as_written():
    programme = load(
        HEAD
        + """\
deficit: allow
rules:
  - {id: late, priority: -1, exclusive: one, then: {points: 1}}
  - {id: first, when: amount > 5, then: {points: 2}}
  - {id: second, when: 'category == "grocery" or hour < 3', exclusive: two, then: {points: 3}}
  - {id: early, priority: 9, exclusive: one, then: {points: 4}}
partners:
  - {institution: FUELCO, role: burn, redeem_price: 90}
"""
    )
    assert programme.rule_ids == ("early", "first", "second", "late")
    assert programme.kernel.table == (
        (364, 100, 24, 1),
        (
            (Opcode.FACT_GT, Fact.AMOUNT, 5, -1),
            (Opcode.FACT_NE, Fact.CATEGORY, 3, 3),
            (Opcode.FACT_LT, Fact.HOUR, 3, -1),
        ),
        ((0, 0, 1, 0, 1), (0, 1, 0, 1, 2), (1, 3, 2, 2, 3), (3, 3, 1, 3, 4)),
        tuple((Effect.POINTS_FIXED, n, 1, NO_CAP) for n in (4, 2, 3, 1)),
    )
    assert [partner.institution for partner in programme.partners] == ["FUELCO"]


ONE_RULE = HEAD + "rules:\n  - id: a\n    then: {points: 1}\n"

MISTAKES = [
    # what is wrong → the line, and words of the reason
    ("", 1, "should be a valid dictionary"),
    ("- 1\n", 1, "should be a valid dictionary"),
    (HEAD, 1, "the key rules is required"),
    (ONE_RULE.replace("programme: shop", "programme: Shop!"), 1, "lower-case letters"),
    (ONE_RULE.replace("programme: shop", "programme: 7"), 1, "programme: should be a valid string"),
    (ONE_RULE.replace("KHATAM", "581672"), 2, "put it in quotes"),
    (ONE_RULE.replace("KHATAM", "'a b'"), 2, "should be a code"),
    (ONE_RULE.replace("364", '"364"'), 3, "valid integer"),
    (ONE_RULE.replace("364", "036"), 3, "valid integer"),
    (ONE_RULE.replace("364", "1000"), 3, "less than or equal to 999"),
    (ONE_RULE.replace("364", "true"), 3, "valid integer"),
    (ONE_RULE.replace("Asia/Tehran", "Asia"), 4, "time zone"),
    (ONE_RULE.replace("Asia/Tehran", "../../etc/passwd"), 4, "time zone"),
    (ONE_RULE.replace("Asia/Tehran", "3.5"), 4, "time zone"),
    (ONE_RULE.replace("24 months", "36 months"), 5, "24 months"),
    (ONE_RULE.replace("24 months", "24"), 5, "24 months"),
    (ONE_RULE.replace("24 months", "2 years"), 5, "24 months"),
    (ONE_RULE.replace("value: 100", "value: 1.5"), 5, "valid integer"),
    (ONE_RULE.replace("value: 100", "value: 0"), 5, "greater than or equal to 1"),
    (ONE_RULE.replace("value: 100, ", ""), 5, "the key value is required"),
    (ONE_RULE + "deficit: maybe\n", 9, "should be 'allow' or 'forbid'"),
    (ONE_RULE + "tiers: []\n", 9, "tiers is not supported yet"),
    (ONE_RULE + "budget: 5\n", 9, "budget is not supported yet"),
    (ONE_RULE + "ruels: []\n", 9, "unknown key 'ruels'; did you mean rules?"),
    (ONE_RULE + "<<: {a: 1}\n", 9, "unknown key '<<'"),
    (ONE_RULE + "    uses: {life: 1}\n", 9, "uses is not supported yet"),
    (ONE_RULE + "    grant: {if: visits >= 5}\n", 9, "grant is not supported yet"),
    (ONE_RULE + "    cap: 5\n", 9, "cap belongs into `then`"),
    (ONE_RULE + "    priority: 1001\n", 9, "less than or equal to 1000"),
    (ONE_RULE + "    exclusive: [a]\n", 9, "valid string"),
    (ONE_RULE + "    when: true\n", 9, "valid string"),
    (ONE_RULE + "    when: >\n      amount\n      > > 5\n", 9, "cannot be read"),
    (ONE_RULE + "    when: amount > 5 and hours == 3\n", 9, "did you mean hour?"),
    (ONE_RULE + "    when: category == 'groceries'\n", 9, "there is no category 'groceries'"),
    (ONE_RULE + "  - id: a\n    then: {points: 2}\n", 9, "a rule a is there already"),
    (ONE_RULE + "  - id: b\n", 9, "the key then is required"),
    (ONE_RULE + "  - 7\n", 9, "valid dictionary"),
    (HEAD + "rules: {a: 1}\n", 6, "valid list"),
    (ONE_RULE + "partners:\n  - {institution: A, role: take}\n", 10, "should be 'earn', 'burn' or 'both'"),
    *[
        (ONE_RULE.replace("{points: 1}", then), 8, reason)
        for then, reason in [
            ("{}", "should give points, multiply, discount or credit"),
            ("{cap: 5}", "should give points, multiply, discount or credit"),
            ("{points: 1, credit: 1, cap: 5}", "cap bounds one effect"),
            ("{points: 1, cap: -1}", "greater than or equal to 0"),
            ("{points: 0}", "greater than or equal to 1"),
            ("{points: 1.5}", "valid integer"),
            ("{points: [1]}", "valid integer"),
            ("{points: {points: 1}}", "the key per is required"),
            ("{points: {per: 0}}", "greater than or equal to 1"),
            ("{points: {per: 10, each: 1}}", "unknown key 'each'"),
            ("{multiply: 0}", "above 0 and at most 1000"),
            ("{multiply: -2}", "should be a rate"),
            ("{multiply: 1/0}", "the denominator is zero"),
            ("{multiply: 1001}", "above 0 and at most 1000"),
            ("{multiply: 1e3}", "should be a rate"),
            ("{multiply: 25%}", "should be a rate"),
            ("{multiply: true}", "should be a rate"),
            ("{multiply: ٣}", "should be a rate"),
            ("{discount: 0%}", "above 0% and at most 100%"),
            ("{discount: 101%}", "above 0% and at most 100%"),
            ("{discount: 4/3}", "above 0% and at most 100%"),
            ("{discount: 0.2}", "a percentage such as 20%"),
            ("{discount: 0}", "an amount should be 1"),
            ("{discount: true}", "a percentage such as 20%"),
            ("{credit: 1000000000000}", "an amount should be 1"),
            ("{stamp: {key: cut}}", "stamp is not supported yet"),
            ("{free: CUT}", "free is not supported yet"),
            ("{message: {en: Hi}}", "message is not supported yet"),
            ("{tier: gold}", "tier is not supported yet"),
            ("{ticket: {draw: n}}", "ticket is not supported yet"),
            ("{discuont: 1%}", "did you mean discount?"),
        ]
    ],
]


@pytest.mark.parametrize(("text", "line", "reason"), MISTAKES)
def test_mistakes_have_their_line(text, line, reason):
    with pytest.raises(ProgrammeError) as raised:
        load(text)
    found = [problem for problem in raised.value.problems if reason in str(problem)]
    assert [problem.line for problem in found] == [line], str(raised.value)


def test_every_mistake_is_told_at_once():
    text = HEAD.replace("364", "0") + "rules:\n  - {id: a, when: amout > 1, then: {pints: 1}}\nclub: 1\n"
    with pytest.raises(ProgrammeError) as raised:
        load(text)
    assert [problem.line for problem in raised.value.problems] == [3, 7, 7, 8]
    assert str(raised.value).splitlines()[0].startswith("line 3: currency: ")


def test_an_error_never_quotes_at_length():
    with pytest.raises(ProgrammeError) as raised:
        load(ONE_RULE + "    when: " + "q" * 900 + " > 1\n" + "k" * 900 + ": 1\n")
    assert all(len(str(problem)) < 250 for problem in raised.value.problems)


def test_too_many_conditions_are_refused():
    condition = "1" + "<1" * 490
    rules = "".join(f"  - {{id: r{n}, when: '{condition}', then: {{points: 1}}}}\n" for n in range(60))
    with pytest.raises(ProgrammeError, match="too long together"):
        load(HEAD + "rules:\n" + rules)
