"""Whole programmes: what they compile to, and every mistake with its line."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import switch.programme
from cext import _kernel
from cext.programme_table import FACTS_MAX, NO_CAP, Effect, Fact, Lookup, Opcode
from switch.programme import CatalogueReward, Draw, Offer, ProgrammeError, Severity, StampCard
from switch.programme.holdout import seed_of
from switch.programme.model import Message
from switch.programme.names import SlotsInOrder
from tests.cext.kernel_cases import account, request
from tests.switch.programme.programmes import CUSTOMER, HEAD, ONE_RULE, ROOT, ids, load

BAZAAR = ROOT / "examples" / "bazaar" / "programmes" / "bazaar.yaml"


def test_bazaar_is_a_point_for_each_hundred_thousand():
    text = BAZAAR.read_text(encoding="utf-8")
    programme = load(text)
    assert (programme.name, programme.owner, programme.currency) == ("bazaar", "KHATAM", 364)
    assert (programme.timezone, programme.point_value, programme.rule_ids) == ("Asia/Tehran", 100, ("base",))
    assert programme.source_hash == hashlib.sha256(text.encode()).hexdigest()
    assert programme.kernel.table == (
        (364, 100, 24, 0, 1, 1, 0, 0, 0),
        (),
        ((0, 0, 0, 0, 1, 0, 0, 0, 0),),
        ((Effect.POINTS_PER, 1, 100_000, NO_CAP, 0),),
        *((),) * 5,
    )
    decision = _kernel.decide(programme.kernel, account(_kernel), request(_kernel, 1, 1_250_000))
    assert (decision.points_earned, decision.rule_list) == (12, [0])


@pytest.mark.parametrize(
    ("more", "pending_days", "hold_s"),
    [
        ("", 0, 900),
        ("hold: {}\n", 0, 900),
        ("hold: {lives: 2 hours}\n", 0, 7_200),
        (", pending: 1 day", 1, 900),
        (", pending: 31 days", 31, 900),
    ],
)
def test_the_return_window_and_the_life_of_holds(more, pending_days, hold_s):
    text = ONE_RULE.replace("24 months", f"24 months{more}") if more.startswith(",") else ONE_RULE + more
    programme = load(text)
    assert (programme.kernel.table[0][6], programme.hold_s) == (pending_days, hold_s)


def test_rules_run_by_priority_and_then_as_written():
    programme = load(
        HEAD
        + """\
deficit: allow
rules:
  - {id: late, priority: -1, exclusive: one, then: {points: 1}}
  - {id: first, when: amount > 5, then: {points: 2}}
  - {id: second, when: 'category == "grocery" or hour < 3', exclusive: two, then: {points: 3}}
  - {id: early, when: amount > 7, priority: 9, exclusive: one, then: {points: 4}}
partners:
  - {institution: FUELCO, role: burn, redeem_price: 90}
"""
    )
    assert programme.rule_ids == ("early", "first", "second", "late")
    header, code, rules, effects, *rest = programme.kernel.table
    assert header == (364, 100, 24, 1, 1, 1, 0, 0, 0)
    assert code == (
        (Opcode.FACT_GT, Fact.AMOUNT, 7, -1),
        (Opcode.FACT_GT, Fact.AMOUNT, 5, -1),
        (Opcode.FACT_NE, Fact.CATEGORY, 3, 4),
        (Opcode.FACT_LT, Fact.HOUR, 3, -1),
    )
    assert [row[:5] for row in rules] == [(0, 1, 1, 0, 1), (1, 2, 0, 1, 2), (2, 4, 2, 2, 3), (4, 4, 1, 3, 4)]
    assert effects == tuple((Effect.POINTS_FIXED, n, 1, NO_CAP, 0) for n in (4, 2, 3, 1))
    assert rest == [()] * 5
    assert [partner.institution for partner in programme.partners] == ["FUELCO"]
    assert programme.warnings == ()


def test_the_customers_programme_compiles_as_it_stands():
    programme = switch.programme.load(CUSTOMER.read_text(encoding="utf-8"), ids=lambda _kind, _name: 4)
    assert programme.rule_ids == (
        "base",
        "bigger_basket",
        "come_sooner",
        "barber.reward",
        "barber",
        "once20",
        "year10",
        "bulk",
        "birthday",
        "checkin",
        "nowruz",
    )
    assert programme.quantities == (("category", "parcel"), ("free", "CUT"))
    assert programme.free_skus == ("CUT",)
    assert programme.messages == (Message(fa="تولدتان مبارک", en="Happy birthday"),)
    assert programme.events == {"checkin": 1}
    assert programme.stamps == (StampCard("cut", programme.slots["stamp", "cut"], 10),)
    assert programme.draws == (Draw("nowruz", programme.slots["ticket", "nowruz"]),)
    assert programme.tiers == ("silver", "gold")
    assert programme.grants == (
        Offer("bigger_basket", programme.slots["grant", "bigger_basket"], ("goal",), 30),
        Offer("come_sooner", programme.slots["grant", "come_sooner"], ("within",), 20),
    )
    assert set(programme.slots) == {
        ("stamp", "cut"),
        ("ticket", "nowruz"),
        ("uses", "once20/life"),
        ("uses", "birthday/year"),
        ("uses", "checkin/day"),
        ("grant", "bigger_basket"),
        ("grant", "come_sooner"),
    }
    assert sorted(programme.slots.values()) == [*range(1, 8)]
    by_id = {rule.id: rule for rule in programme.rules}
    assert by_id["bigger_basket"].facts == ("visits", "mean_gap", "mean_amount", "amount", "grant.goal")
    assert by_id["barber.reward"].facts == by_id["barber"].facts == ("category", 'stamps("cut")')
    assert by_id["barber.reward"].rule is by_id["barber"].rule
    never, *costs = sorted(programme.warnings, key=lambda warning: "cost" in warning.reason)
    assert (never.line, never.severity) == (21, Severity.WARNING)
    assert never.reason == "this rule can never fire: currency is always 364"
    assert {warning.path for warning in costs} == {"rules[5].then.discount", "rules[6].then.discount"}


def test_slots_are_those_that_were_given():
    asked = []

    def slots(kind, name):
        asked.append((kind, name))
        return 4_000 + len(set(asked))

    programme = switch.programme.load(CUSTOMER.read_text(encoding="utf-8"), ids=lambda _kind, _name: 4, slots=slots)
    assert set(asked) == set(programme.slots)
    assert {slot for _, slot, *_ in ((0, offer.slot) for offer in programme.grants)} <= set(programme.slots.values())
    assert min(programme.slots.values()) == 4_001
    _, _, _, effects, _, limits, grants, _, _ = programme.kernel.table
    used = {row[4] for row in effects if row[4]} | {row[0] for row in limits} | {row[0] for row in grants}
    assert used == set(programme.slots.values())


@pytest.mark.parametrize("slot", [0, 4_096])
def test_a_slot_outside_the_table_is_refused(slot):
    text = CUSTOMER.read_text(encoding="utf-8")
    with pytest.raises(ProgrammeError, match="more than 4095 stamp cards"):
        switch.programme.load(text, ids=lambda _kind, _name: 4, slots=lambda _kind, _name: slot)


def test_clubs_are_kept():
    clubs = "clubs:\n  - {code: student, name: Students, open: false, fee: 5000, required: [birth_date]}\n"
    (club,) = load(ONE_RULE + clubs).clubs
    assert (club.code, club.name, club.audience, club.open, club.fee, club.required) == (
        "student",
        "Students",
        "customers",
        False,
        5_000,
        ["birth_date"],
    )


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
    (ONE_RULE.replace("24 months", "24 months, pending: 32 days"), 5, "`31 days`, such as `14 days`"),
    (ONE_RULE.replace("24 months", "24 months, pending: 14"), 5, "`31 days`, such as `14 days`"),
    (ONE_RULE + "hold: {lives: 30}\n", 9, "up to `31 days`, such as `30 minutes`"),
    (ONE_RULE + "hold: {lives: 32 days}\n", 9, "up to `31 days`, such as `30 minutes`"),
    (ONE_RULE + "hold: 30 minutes\n", 9, "hold"),
    (ONE_RULE + "hold: {live: 1 day}\n", 9, "did you mean lives?"),
    (ONE_RULE.replace("value: 100", "value: 1.5"), 5, "valid integer"),
    (ONE_RULE.replace("value: 100", "value: 0"), 5, "greater than or equal to 1"),
    (ONE_RULE.replace("value: 100, ", ""), 5, "the key value is required"),
    (ONE_RULE + "deficit: maybe\n", 9, "should be 'allow' or 'forbid'"),
    (ONE_RULE + "budget: 5\n", 9, "unknown key 'budget'"),
    (ONE_RULE + "    budget: 5\n", 9, "valid dictionary"),
    (ONE_RULE + "    budget: {points: 0}\n", 9, "greater than or equal to 1"),
    (ONE_RULE + "    budget: {points: 1000000000000}\n", 9, "less than or equal to 999999999999"),
    (ONE_RULE + "    budget: {points: 10.5}\n", 9, "valid integer"),
    (ONE_RULE + "    budget: {points: 1, amount: 2}\n", 9, "should be points, or amount (minor units)"),
    (ONE_RULE + "    budget: {}\n", 9, "should be points, or amount (minor units)"),
    (ONE_RULE + "    budget: {toman: 5}\n", 9, "unknown key 'toman'"),
    (ONE_RULE + "    budget: {amount: 5}\n", 7, "a budget of amount bounds discount, credit and free (minor units)"),
    (ONE_RULE + "ruels: []\n", 9, "unknown key 'ruels'; did you mean rules?"),
    (ONE_RULE + "<<: {a: 1}\n", 9, "unknown key '<<'"),
    (ONE_RULE + "max_discount: 5000\n", 9, "a percentage such as 20%"),
    (ONE_RULE + "max_discount: 120%\n", 9, "at most 100%"),
    (ONE_RULE + "    priority: 1001\n", 9, "less than or equal to 1000"),
    (ONE_RULE + "    exclusive: [a]\n", 9, "valid string"),
    (ONE_RULE + "    uses: {life: 0}\n", 9, "greater than or equal to 1"),
    (ONE_RULE + "    uses: {week: 1}\n", 9, "unknown key 'week'"),
    (ONE_RULE + "    uses: {}\n", 9, "should say day, month, year or life"),
    (ONE_RULE + "    cap: -1\n", 9, "greater than or equal to 0"),
    (ONE_RULE + "    when: true\n", 9, "valid string"),
    (ONE_RULE + "    when: >\n      amount\n      > > 5\n", 9, "cannot be read"),
    (ONE_RULE + "    when: amount > 5 and hours == 3\n", 9, "did you mean hour?"),
    (ONE_RULE + "    when: category == 'groceries'\n", 9, "there is no category 'groceries'"),
    (ONE_RULE + "    when: amount > days_since_last\n", 9, "money is compared with days"),
    (ONE_RULE + "    when: coupon == 5\n", 9, "coupon is compared with text in quotes"),
    (ONE_RULE + "    when: coupon == 'spring'\n", 9, "there is no coupon 'spring'"),
    (ONE_RULE + "coupons: [{id: a}]\n", 9, "the key kind is required"),
    (ONE_RULE + "coupons: [{id: a, kind: some}]\n", 9, "should be 'single' or 'multi'"),
    (ONE_RULE + "coupons: [{id: a, kind: multi}]\n", 9, "how often a multi-use code is good for"),
    (ONE_RULE + "coupons: [{id: a, kind: single, uses: 2}]\n", 9, "how often a multi-use code is good for"),
    (ONE_RULE + "coupons: [{id: a, kind: multi, uses: 0}]\n", 9, "greater than or equal to 1"),
    (ONE_RULE + "coupons: [{id: a, kind: multi, uses: 9999999999}]\n", 9, "less than or equal to"),
    (ONE_RULE + "coupons: [{id: Ab, kind: single}]\n", 9, "lower-case letters"),
    (ONE_RULE + "coupons: [{id: a, kind: single, per_member: 0}]\n", 9, "greater than or equal to 1"),
    (ONE_RULE + "coupons: [{id: a, kind: single, valid: {}}]\n", 9, "should say from, until or both"),
    (ONE_RULE + "coupons: [{id: a, kind: single, valid: {from: 20261101}}]\n", 9, "a date such as 2026-11-01"),
    (ONE_RULE + "coupons: [{id: a, kind: single, valid: {until: 2026-02-30}}]\n", 9, "a date such as 2026-11-01"),
    (
        ONE_RULE + "coupons: [{id: a, kind: single, valid: {from: 2026-11-02, until: 2026-11-01}}]\n",
        9,
        "from should not be after until",
    ),
    (ONE_RULE + "    holdout: 0%\n", 9, "a whole percentage from 1% to 99%"),
    (ONE_RULE + "    holdout: 100%\n", 9, "a whole percentage from 1% to 99%"),
    (ONE_RULE + "    holdout: 2.5%\n", 9, "a whole percentage from 1% to 99%"),
    (ONE_RULE + "    holdout: 10\n", 9, "a whole percentage from 1% to 99%"),
    (ONE_RULE + "    when: tagged(vip)\n", 9, "there is no tag 'vip'"),
    (ONE_RULE + "tags: [Vip]\n", 9, "lower-case letters"),
    (ONE_RULE + "tags: vip\n", 9, "valid list"),
    (ONE_RULE + f"tags: [{', '.join(f't{number}' for number in range(17))}]\n", 9, "at most 16"),
    (ONE_RULE + "rewards: {LIP: 500}\n", 9, "valid list"),
    (ONE_RULE + "rewards:\n  - LIP\n", 10, "valid dictionary"),
    *[
        (ONE_RULE + f"rewards:\n  - {{{reward}}}\n", 10, reason)
        for reward, reason in [
            ("code: A, points: 5", "should have a message that says what is handed over, or a gift"),
            ("code: A, message: {en: Hi}", "the key points is required"),
            ("points: 5, message: {en: Hi}", "the key code is required"),
            ("code: A B, points: 5, message: {en: Hi}", "should be a code"),
            ("code: 7, points: 5, message: {en: Hi}", "put it in quotes"),
            ("code: A, points: -1, message: {en: Hi}", "greater than or equal to 0"),
            ("code: A, points: 1000000000000, message: {en: Hi}", "less than or equal to 999999999999"),
            ("code: A, points: 5, then: {}", "should be one of free, discount and credit"),
            ("code: A, points: 5, then: {cap: 5}", "should be one of free, discount and credit"),
            ("code: A, points: 5, then: {credit: 5, discount: 5%}", "should be one of free, discount and credit"),
            ("code: A, points: 5, then: {points: 5}", "unknown key 'points'"),
            ("code: A, points: 5, then: {free: 'a;b'}", "should be 1 to 64 characters"),
            ("code: A, points: 5, message: {en: Hi}, uses: {}", "should say day, month, year or life"),
            ("code: A, points: 5, message: {en: Hi}, when: visit > 5", "did you mean visits?"),
            ("code: A, points: 5, message: {en: Hi}, when: amount > grant.goal", "only in a rule that has a grant"),
            ("code: A, points: 5, message: {en: Hi}, exclusive: g", "unknown key 'exclusive'"),
        ]
    ],
    (ONE_RULE + "    when: amount > grant.goal\n", 9, "only in a rule that has a grant"),
    (ONE_RULE + "    grant: {if: visits > 5}\n", 9, "the key lives is required"),
    (ONE_RULE + "    grant: {lives: 3 days}\n", 9, "the key if is required"),
    (ONE_RULE + "    grant: {if: visits > 5, lives: 30}\n", 9, "such as `30 days`"),
    (ONE_RULE + "    grant: {if: visits > 5, lives: 0 days}\n", 9, "such as `30 days`"),
    (ONE_RULE + "    grant: {if: visit > 5, lives: 3 days}\n", 9, "did you mean visits?"),
    (ONE_RULE + "    grant:\n      if: visits > 5\n      set: {a: 2 * visit}\n      lives: 3 days\n", 11, "visits?"),
    (ONE_RULE + "    grant:\n      if: visits > 5\n      set: {a: true}\n      lives: 3 days\n", 11, "valid string"),
    (ONE_RULE + "    grant: {if: grant.a > 5, set: {a: 1}, lives: 3 days}\n", 9, "cannot look at its own numbers"),
    (ONE_RULE + "    grant: {if: event == 'a', lives: 3 days}\n", 9, "which has no event"),
    (ONE_RULE + "    grant: {if: visits > 5, set: {a: 1, b: 1, c: 1, d: 1, e: 1}, lives: 3 days}\n", 9, "at most 4"),
    (ONE_RULE + "    grant: {if: visits > 5, set: {A: 1}, lives: 3 days}\n", 9, "lower-case letters"),
    (ONE_RULE + "  - id: a\n    then: {points: 2}\n", 9, "a rule a is there already"),
    (ONE_RULE + "  - id: b\n", 9, "the key then is required"),
    (ONE_RULE + "  - 7\n", 9, "valid dictionary"),
    (HEAD + "rules: {a: 1}\n", 6, "valid list"),
    (ONE_RULE + "partners:\n  - {institution: A, role: take}\n", 10, "should be 'earn', 'burn' or 'both'"),
    (ONE_RULE + "tiers:\n  - {id: a, from: {}}\n", 10, "one of points, spend or visits"),
    (ONE_RULE + "tiers:\n  - {id: a, from: {points: 1, spend: 1}}\n", 10, "one of points, spend or visits"),
    (ONE_RULE + "tiers:\n  - {id: a, from: {points: 0}}\n", 10, "greater than or equal to 1"),
    (ONE_RULE + "tiers:\n  - {id: none, from: {points: 1}}\n", 10, "stands for members without a tier"),
    (ONE_RULE + "tiers:\n  - {id: a, from: {points: 1}, multiply: 0}\n", 10, "above 0"),
    (ONE_RULE + "clubs:\n  - {code: a, name: A, audience: all}\n", 10, "'customers', 'agents' or 'employees'"),
    (ONE_RULE + "clubs:\n  - {code: a, name: A, required: [shoes]}\n", 10, "should be 'name'"),
    *[
        (ONE_RULE.replace("{points: 1}", then), 8, reason)
        for then, reason in [
            ("{}", "should give points, multiply, discount, credit, free"),
            ("{cap: 5}", "cap has nothing to bound"),
            ("{message: {en: Hi}, cap: 5}", "cap has nothing to bound"),
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
            ("{stamp: {key: cut, reward: {free: A}}}", "the key need is required"),
            ("{stamp: {key: cut, need: 0, reward: {free: A}}}", "greater than or equal to 1"),
            ("{stamp: {key: cut, need: 9}}", "the key reward is required"),
            ("{stamp: {key: cut, need: 9, reward: {}}}", "a reward should give"),
            ("{stamp: {key: cut, need: 9, reward: {message: {en: Hi}}}}", "a reward should give"),
            ("{stamp: {key: cut, need: 9, reward: {multiply: 2}}}", "unknown key 'multiply'"),
            ("{stamp: {key: cut, need: 9, reward: {free: A, credit: 1, cap: 1}}}", "cap bounds one effect"),
            ("{ticket: {draw: n}}", "should say per"),
            ("{ticket: {per: 5}}", "the key draw is required"),
            ("{ticket: {draw: n, count: 0}}", "greater than or equal to 1"),
            ("{free: 'A;B'}", "without a semicolon"),
            ("{free: 7}", "put it in quotes"),
            ("{free: ''}", "1 to 64 characters"),
            ("{message: {}}", "should have a text"),
            ("{message: {de: Hallo}}", "unknown key 'de'"),
            ('{message: {en: "a\\nb"}}', "on one line"),
            ("{tier: gold}", "there is no tier 'gold'"),
            ("{discuont: 1%}", "did you mean discount?"),
        ]
    ],
]


@pytest.mark.parametrize(("text", "line", "reason"), MISTAKES)
def test_mistakes_have_their_line(text, line, reason):
    with pytest.raises(ProgrammeError) as raised:
        load(text)
    found = [problem for problem in raised.value.problems if reason in str(problem)]
    assert [(problem.line, problem.severity) for problem in found] == [(line, "error")], str(raised.value)


def test_a_cap_is_not_given_twice():
    with pytest.raises(ProgrammeError, match="line 7: rules\\[0\\]: cap is given twice"):
        load(ONE_RULE.replace("{points: 1}", "{points: 1, cap: 5}") + "    cap: 5\n")
    with pytest.raises(ProgrammeError, match="cap has nothing to bound"):
        load(ONE_RULE.replace("{points: 1}", "{message: {en: Hi}}") + "    cap: 5\n")


def test_every_mistake_is_told_at_once():
    text = HEAD.replace("364", "0") + "rules:\n  - {id: a, when: amout > 1, then: {pints: 1}}\nclub: 1\n"
    with pytest.raises(ProgrammeError) as raised:
        load(text)
    assert [problem.line for problem in raised.value.problems] == [3, 7, 7, 8]
    assert str(raised.value).splitlines()[0].startswith("line 3: currency: ")


def test_what_a_wrong_file_declares_is_not_held_against_its_conditions():
    condition = 'stamps("cut") > 3 and uses(b) > 1 and tier == "x" and club == "y" and grant.a > visit'
    text = HEAD + f"rules:\n  - {{id: a, when: '{condition}', grant: {{set: {{a: b}}}}, then: {{}}}}\n"
    with pytest.raises(ProgrammeError) as raised:
        load(text)
    reasons = [problem.reason for problem in raised.value.problems]
    assert [reason for reason in reasons if "there is no" in reason] == []
    assert "unknown fact 'visit'; did you mean visits?" in reasons
    assert "unknown fact 'b'" in reasons


def test_an_error_never_quotes_at_length():
    with pytest.raises(ProgrammeError) as raised:
        load(ONE_RULE + "    when: " + "q" * 900 + " > 1\n" + "k" * 900 + ": 1\n")
    assert all(len(str(problem)) < 250 for problem in raised.value.problems)


def test_a_file_full_of_mistakes_is_told_of_in_part():
    keys = "".join(f"k{n}: 1\n" for n in range(9_000))
    with pytest.raises(ProgrammeError) as raised:
        load(ONE_RULE + keys)
    assert len(raised.value.problems) == 100
    many = "".join(f"  - {{id: r{n}, when: uses(q{n}) > 1, then: {{points: 1}}}}\n" for n in range(1_000))
    with pytest.raises(ProgrammeError) as raised:
        load(HEAD + "rules:\n" + many)
    assert len(raised.value.problems) == 100


def test_too_many_conditions_are_refused():
    condition = "1" + "<1" * 490
    rules = "".join(f"  - {{id: r{n}, when: '{condition}', then: {{points: 1}}}}\n" for n in range(60))
    with pytest.raises(ProgrammeError, match="too long together"):
        load(HEAD + "rules:\n" + rules)


@pytest.mark.parametrize(
    ("rule", "count", "reason"),
    [
        ("when: 'qty(sku=\"{n}\") > 1', then: {{points: 1}}", 257, "too many different qty and coupon facts"),
        ("then: {{free: S{n}}}", 257, "too many different free goods"),
        ("grant: {{if: visits > 1, lives: 9 days}}, then: {{points: 1}}", 257, "too many rules have a grant"),
        ("then: {{stamp: {{key: s{n}, need: 1, reward: {{points: 1}}}}}}", 513, "a stamp card counts as two"),
        ("then: {{points: 1, credit: 1, discount: 1, free: A, message: {{en: A}}, multiply: 2}}", 1_024, None),
    ],
)
def test_what_does_not_fit_the_table_is_refused(rule, count, reason):
    rules = "".join(f"  - {{id: r{n}, " + rule.format(n=n) + "}\n" for n in range(count))
    if reason is None:
        assert len(load(HEAD + "rules:\n" + rules).rule_ids) == count
        return
    with pytest.raises(ProgrammeError, match=reason):
        load(HEAD + "rules:\n" + rules)


def test_more_counters_than_an_account_has_are_refused():
    rules = "".join(f"  - {{id: r{n}, uses: {{day: 1, life: 9}}, then: {{points: 1}}}}\n" for n in range(32))
    assert len(load(HEAD + "rules:\n" + rules).slots) == 64
    more = "  - {id: more, then: {ticket: {draw: d, count: 1}}}\n"
    with pytest.raises(ProgrammeError, match="65 counters together, and an account has 64"):
        load(HEAD + "rules:\n" + rules + more)


def test_more_offers_than_an_account_holds_are_a_warning():
    grant = "grant: {if: visits > 1, lives: 9 days}"
    rules = "".join(f"  - {{id: r{n}, {grant}, then: {{points: 1}}}}\n" for n in range(17))
    (warning,) = load(HEAD + "rules:\n" + rules).warnings
    assert "17 rules have a grant" in warning.reason


LINES = CUSTOMER.read_text(encoding="utf-8").splitlines(keepends=True)


@settings(max_examples=150, deadline=None)
@given(
    st.integers(0, len(LINES) - 1),
    st.integers(0, 80),
    st.text(st.sampled_from(" :{}[],\"'>=().0123456789%/-abeginuvtrs_\n"), max_size=6),
    st.integers(0, 6),
)
def test_a_changed_programme_is_read_or_refused(line, column, inserted, dropped):
    changed = LINES[line][:column] + inserted + LINES[line][column + dropped :]
    text = "".join([*LINES[:line], changed, *LINES[line + 1 :]])
    try:
        problems = switch.programme.load(text, ids=ids).warnings
    except ProgrammeError as error:
        problems = error.problems
    assert all(1 <= problem.line <= text.count("\n") + 1 for problem in problems)


CATALOGUE = (
    HEAD
    + """\
rules:
  - {id: base, priority: -5, then: {points: {per: 1000000}}}
rewards:
  - {code: B, points: 7, then: {free: TEA, cap: 9}, message: {en: Tea}, when: visits > 2, uses: {year: 1}}
  - {code: A, points: 0, message: {en: A sample}, uses: {life: 1}}
tags: [press, vip]
"""
)


def test_rewards_are_rules_of_their_own_behind_all_others():
    programme = load(CATALOGUE)
    assert programme.rule_ids == ("base", "rewards.B", "rewards.A")
    assert programme.rewards == {"A": CatalogueReward(1, 0), "B": CatalogueReward(2, 7, "TEA")}
    _, code, rules, effects, lookups, limits, *_ = programme.kernel.table
    assert code == (
        (Opcode.FACT_EQ, Fact.REWARD, 2, -1),
        (Opcode.FACT_GT, Fact.VISITS, 2, -1),
        (Opcode.FACT_GE, FACTS_MAX, 1, -1),
        (Opcode.FACT_EQ, Fact.REWARD, 1, -1),
    )
    assert lookups == ((Lookup.QUANTITY, 0, 0),)
    assert programme.quantities == (("chosen", "TEA"),)
    assert effects[1:] == (
        (Effect.PRICE, 7, 1, NO_CAP, 0),
        (Effect.FREE_ITEM, 0, 1, 9, 0),
        (Effect.MESSAGE, 0, 1, NO_CAP, 0),
        (Effect.PRICE, 0, 1, NO_CAP, 0),
        (Effect.MESSAGE, 1, 1, NO_CAP, 0),
    )
    assert [row[2] for row in rules] == [0, 0, 0], "they belong to no exclusive group"
    assert limits == (
        (programme.slots["uses", "rewards.B/year"], 2 - 1, 1),
        (programme.slots["uses", "rewards.A/life"], 0, 1),
    )
    _, tea, _ = programme.rules
    assert (tea.choice, tea.facts) == (programme.model.rewards[0], ("visits",))
    assert (tea.rule.then.free, tea.rule.bound, tea.rule.then.message) == ("TEA", 9, Message(en="Tea"))


def test_tags_keep_their_bits_when_others_come_and_go():
    assert load(CATALOGUE).tags == {"press": 256, "vip": 512}
    known = {("tag", "vip"): 4_095, ("tag", "press"): 4_080}
    slots = SlotsInOrder()
    programme = switch.programme.load(CATALOGUE, ids=ids, slots=lambda *of: known.get(of) or slots(*of))
    assert programme.tags == {"press": 2**23, "vip": 256}


@pytest.mark.parametrize("slot", [0, 1, 4_079, 4_096])
def test_a_tag_with_a_slot_that_is_none_of_tags_is_refused(slot):
    with pytest.raises(ProgrammeError, match="more than 16 tags, those of earlier versions counted in"):
        switch.programme.load(CATALOGUE, ids=ids, slots=lambda kind, _name: slot if kind == "tag" else 1)


def test_a_hold_out_narrows_a_rule_its_offer_and_its_stamps():
    programme = load(
        HEAD
        + """\
rules:
  - {id: plain, holdout: 5%, then: {points: 1}}
  - {id: offer, holdout: 20%, grant: {if: visits > 1, lives: 3 days}, then: {points: 1}}
  - {id: card, holdout: 30%, then: {stamp: {key: k, need: 3, reward: {points: 9}}}}
"""
    )
    _, code, rules, _, lookups, _, grants, *_ = programme.kernel.table
    least = {"plain": 5, "offer": 20, "card": 30}
    place = {
        FACTS_MAX + lookups.index((Lookup.HOLDOUT, seed_of("shop", rule), 0)): rule
        for rule in ("plain", "offer", "card")
    }

    def held(start, end):
        rows = [row for row in code[start:end] if row[1] in place]
        assert all(row[0] == Opcode.FACT_GE and row[2] == least[place[row[1]]] for row in rows)
        return [place[row[1]] for row in rows]

    assert [held(*row[:2]) for row in rules] == [["plain"], ["offer"], ["card"], ["card"]]
    assert held(*grants[0][1:3]) == ["offer"]
