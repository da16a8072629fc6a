"""Why rules fire: on every example programme the reasons come to what the kernel decides."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cext import _kernel
from cext.programme_table import TARGET_FALSE, UNBOUNDED_BUDGETS
from cext.reference import kernel as reference
from switch.programme.why import (
    BudgetUsedUp,
    GroupTaken,
    HeldOut,
    LimitReached,
    NoOffer,
    NotChosen,
    OtherOccasion,
    Reasons,
    Unmet,
)
from switch.programme.why_told import Outcome, told
from switch.programme.why_words import Words
from tests.cext.kernel_cases import DAY_S, MONTH, NOW, TODAY, account, pack_counters, pack_grants, request
from tests.cext.kernel_strategies import accounts, requests
from tests.switch.programme.programmes import load, rules
from tests.switch.programme.test_examples import EXAMPLES
from tests.switch.programme.test_examples import load as load_file

PROGRAMMES = [load_file(path) for path in EXAMPLES]
PERIODS = {"day": TODAY, "month": MONTH, "year": MONTH // 12, "life": 0}
PURCHASE, EVENT = 1, 7


def reasons(programme, *, kind=PURCHASE, amount=180_000, member=(), **asked):
    """The reasons of each row by its id."""
    moment = {"now": NOW, "local_day": TODAY, "local_month": MONTH}
    why = Reasons(programme).of(
        account(_kernel, **{"enrolled_day": TODAY, **dict(member)}),
        request(_kernel, kind, amount, **(moment | asked)),
    )
    return {rule.id: rule for rule in why.rules}


def slot(programme, kind, name):
    return programme.slots[kind, name]


def test_a_comparison_that_failed_is_the_reason():
    programme = load(rules("id: a, when: amount >= 200000 and visits == 0, then: {points: 1}"))
    found = reasons(programme)["a"]
    (hindrance,) = found.hindrances
    assert isinstance(hindrance, Unmet)
    assert (found.fired, found.nearly) == (False, True)
    assert Words(programme).hindrance(hindrance) == "amount was 180,000; needs ≥ 200,000"
    assert [check.held for check in found.checks] == [False, True]


def test_an_empty_budget_is_the_reason_if_it_alone_is():
    programme = load(rules("id: a, when: visits == 0, then: {points: 5}, budget: {points: 100}"))
    assert reasons(programme, budgets=(1,))["a"].fired
    found = reasons(programme, budgets=(0,))["a"]
    assert (found.hindrances, found.nearly) == ((BudgetUsedUp(),), True)
    assert Words(programme).hindrance(found.hindrances[0]) == "its budget, which all members share, is used up"
    (visited,) = reasons(programme, budgets=(0,), member={"visits": 1, "last_visit": NOW})["a"].hindrances
    assert isinstance(visited, Unmet)


def test_two_reasons_are_not_nearly():
    programme = load(rules("id: a, when: amount >= 200000 and visits > 0, then: {points: 1}"))
    assert (reasons(programme)["a"].nearly, len(reasons(programme)["a"].hindrances)) == (False, 2)


def test_a_limit_that_is_reached_is_the_reason():
    programme = load(rules("id: a, uses: {day: 2, life: 5}, then: {points: 1}"))
    day, life = slot(programme, "uses", "a/day"), slot(programme, "uses", "a/life")
    held = pack_counters(*sorted([(day, TODAY, 2), (life, 0, 4)]))
    assert reasons(programme, member={"counters": held})["a"].hindrances == (LimitReached("day", 2, 2),)
    yesterday = pack_counters(*sorted([(day, TODAY - 1, 2), (life, 0, 4)]))
    assert reasons(programme, member={"counters": yesterday})["a"].fired


def test_a_limit_of_one_is_used_up_by_a_rule_before_it_in_the_same_message():
    programme = load(
        rules(
            "id: a, exclusive: g, when: visits == 0, then: {points: 1}",
            "id: b, exclusive: g, then: {points: 2}",
            "id: c, exclusive: h, then: {points: 3}",
        )
    )
    found = reasons(programme)
    assert found["b"].hindrances == (GroupTaken("g", "a"),)
    assert found["c"].fired
    assert reasons(programme, member={"visits": 1, "last_visit": NOW})["b"].fired


@pytest.mark.parametrize(
    ("held", "reason", "words"),
    [
        ((), NoOffer(), "the member had no open offer of this rule; needs one"),
        ((TODAY - 1, 0, 900), NoOffer(TODAY - 1), "the offer had ended on 2023-11-13; needs an open one"),
        (
            (TODAY + 1, 1, 900),
            NoOffer(TODAY + 1, used=True),
            "the offer was used already; a new one can be made after 2023-11-15",
        ),
    ],
)
def test_without_the_offer_that_is_the_one_reason(held, reason, words):
    programme = load(
        rules(
            "id: a, grant: {if: visits > 1, set: {goal: 2 * mean_amount}, lives: 9 days}, "
            "when: amount >= grant.goal, then: {credit: 5%}"
        )
    )
    of_rule = slot(programme, "grant", "a")
    grants = pack_grants((of_rule, *held)) if held else b""
    found = reasons(programme, member={"grants": grants})["a"]
    assert found.hindrances == (reason,)
    assert Words(programme).hindrance(reason) == words
    open_one = pack_grants((of_rule, TODAY, 0, 180_000))
    assert reasons(programme, member={"grants": open_one})["a"].fired
    assert [
        Words(programme).hindrance(h) for h in reasons(programme, amount=1, member={"grants": open_one})["a"].hindrances
    ] == ["amount was 1; needs ≥ grant.goal = 180,000"]


def test_rules_for_events_are_never_near_on_a_purchase():
    programme = load(rules('id: a, when: event == "checkin", then: {points: 1}', "id: b, then: {points: 2}"))
    on_purchase = reasons(programme)["a"]
    assert OtherOccasion(wants_event=True) in on_purchase.hindrances
    assert not on_purchase.nearly
    on_event = reasons(programme, kind=EVENT, amount=0, event=1)
    assert on_event["a"].fired
    assert on_event["b"].hindrances == (OtherOccasion(wants_event=False),)


def test_free_goods_that_are_not_in_the_basket_are_the_reason():
    programme = load(rules("id: a, then: {free: CAKE}"))
    found = reasons(programme, quantities=(0,), has_basket=True)["a"]
    assert [Words(programme).hindrance(each) for each in found.hindrances] == ["CAKE was not in the basket; needs one"]
    assert reasons(programme, quantities=(1,), has_basket=True)["a"].fired


def test_names_stand_for_numbers_as_far_as_they_are_known():
    programme = load(
        rules("""id: a, when: 'category == "haircut" and weekday in ("friday", "sunday")', then: {points: 1}""")
    )
    category, weekday = reasons(programme, category=3, weekday=0)["a"].hindrances
    words = Words(programme)
    assert words.hindrance(category) == "category was 3; needs = haircut"
    assert words.hindrance(weekday) == "weekday was monday; needs = friday or = sunday"
    assert words.compact(weekday) == ("weekday=monday", "weekday==friday|weekday==sunday")
    known = Words(programme, lambda kind, number: {("category", 3): "grocery"}.get((kind, number)))
    assert known.hindrance(category) == "category was grocery; needs = haircut"


def test_what_would_tell_a_birth_date_is_not_told():
    programme = load(rules("id: a, when: days_to_birthday <= 3 and age + 1 > 90, then: {points: 1}"))
    born = {"born": 19_900_101}
    why = Reasons(programme).of(
        account(_kernel, enrolled_day=TODAY, **born),
        request(_kernel, PURCHASE, 180_000, now=NOW, local_day=TODAY, local_month=MONTH),
    )
    everything = repr(told(why, Words(programme)))
    assert "…" in everything
    assert "48" not in everything
    assert "33" not in everything
    assert "34" not in everything
    for hindrance in why.rules[0].hindrances:
        assert Words(programme).compact(hindrance)[0].endswith("=?")


def test_a_fact_that_is_not_there_yet_is_said_so():
    programme = load(rules("id: a, when: mean_amount > 500, then: {points: 1}"))
    (hindrance,) = reasons(programme)["a"].hindrances
    words = Words(programme)
    assert words.hindrance(hindrance) == "mean_amount was not there yet; needs mean_amount > 500"
    assert words.compact(hindrance) == ("mean_amount=none", "mean_amount>500")


def test_facts_are_told_once_with_their_units():
    programme = load(
        rules(
            "id: a, when: amount >= 5 and visits > 1, then: {points: 1}",
            "id: b, when: days_since_last < 9 and amount > 7, then: {stamp: {key: cut, need: 4, reward: {points: 1}}}",
        )
    )
    why = Reasons(programme).of(
        account(_kernel, enrolled_day=TODAY),
        request(_kernel, PURCHASE, 1_234, now=NOW, local_day=TODAY, local_month=MONTH),
    )
    said = told(why, Words(programme))
    assert said.facts == (
        ("amount", "1,234 minor units"),
        ("visits", "0"),
        ("days_since_last", "not there yet"),
        ('stamps("cut")', "0"),
    )
    assert [(rule.id, rule.outcome) for rule in said.rules] == [
        ("a", Outcome.NEARLY),
        ("b.reward", Outcome.NOT),
        ("b", Outcome.NEARLY),
    ]


def test_numbers_that_no_kernel_works_on_have_no_reasons():
    programme = load(rules("id: a, then: {points: 1}"))
    member = account(_kernel, visits=2**62)
    assert Reasons(programme).of(member, request(_kernel, PURCHASE, 1)) is None


@st.composite
def counters_of(draw, programme):
    rows = []
    for (kind, name), place in programme.slots.items():
        if kind != "grant" and draw(st.booleans()):
            number = PERIODS[name.rpartition("/")[2]] if kind == "uses" else PERIODS["life"]
            rows.append((place, max(0, number - draw(st.sampled_from([0, 0, 0, 1]))), draw(st.integers(1, 12))))
    return pack_counters(*sorted(rows)[:64])


@st.composite
def grants_of(draw, programme):
    rows = []
    for offer in programme.grants:
        if draw(st.booleans()):
            values = [draw(st.integers(0, 500_000)) for _ in offer.values]
            rows.append((offer.slot, TODAY + draw(st.integers(-1, 9)), draw(st.sampled_from([0, 0, 1])), *values))
    return pack_grants(*sorted(rows)[:16])


@st.composite
def messages(draw):
    """An example programme, and a member and a message whose numbers its conditions mention."""
    programme = draw(st.sampled_from(PROGRAMMES))
    mentioned = sorted({constant for _, _, constant, _ in programme.kernel.table[1]} | {0, 1})
    number = st.builds(lambda at, by: max(0, at + by), st.sampled_from(mentioned), st.integers(-1, 1))
    member = draw(accounts(wild=False)) | {
        "status": 0,
        "visits": draw(st.integers(0, 12)),
        "spend": draw(number),
        "last_visit": NOW - draw(st.integers(0, 90)) * DAY_S,
        "club": draw(number),
        "tier": draw(st.integers(0, len(programme.tiers))),
        "counters": draw(counters_of(programme)),
        "grants": draw(grants_of(programme)),
    }
    asked = draw(requests(wild=False)) | {
        "kind": draw(st.sampled_from([PURCHASE, PURCHASE, EVENT])),
        "amount": max(1, draw(number)),
        "currency": programme.currency,
        "original": None,
        "now": NOW,
        "local_day": TODAY,
        "local_month": MONTH,
        "hour": draw(st.integers(0, 23)),
        "weekday": draw(st.integers(0, 6)),
        "category": draw(number),
        "merchant": draw(number),
        "institution": draw(number),
        "points_wanted": -1,
        "credit_wanted": -1,
        "event": draw(st.integers(0, len(programme.events))),
        "quantities": tuple(draw(st.lists(st.integers(0, 60), max_size=len(programme.quantities)))),
    }
    return programme, member, asked


@settings(max_examples=400, deadline=None)
@given(messages())
def test_the_reasons_come_to_what_the_kernel_decides(inputs):
    programme, member, asked = inputs
    decision = reference.decide(
        reference.Programme(programme.kernel.table), account(reference, **member), request(reference, **asked)
    )
    why = Reasons(programme).of(account(_kernel, **member), request(_kernel, **asked))
    if decision.rc == "00":
        assert why.fired == tuple(programme.rule_ids[index] for index in decision.rule_list)
    words = Words(programme)
    for rule in why.rules:
        assert rule.fired == (not rule.hindrances)
        assert all(words.hindrance(each) for each in rule.hindrances)
        assert all(words.comparison(check) for check in rule.checks)
        for each in filter(None, map(words.compact, rule.hindrances)):
            assert all(";" not in part for part in each)


@settings(max_examples=200, deadline=None)
@given(messages())
def test_what_one_comparison_lacked_is_what_it_takes(inputs):
    """Let the one comparison that a rule lacked always hold, and the rule fires."""
    programme, member, asked = inputs
    asked["budgets"] = UNBOUNDED_BUDGETS
    why = Reasons(programme).of(account(_kernel, **member), request(_kernel, **asked))
    near = [rule for rule in why.near if isinstance(rule.hindrances[0], Unmet) and len(rule.checks) == 1]
    header, code, rows, *rest = programme.kernel.table
    for rule in near:
        index = programme.rule_ids.index(rule.id)
        start, end, *others = rows[index]
        patched = (*rows[:index], (start, start, *others), *rows[index + 1 :])
        decision = reference.decide(
            reference.Programme((header, code, patched, *rest)),
            account(reference, **member),
            request(reference, **asked),
        )
        if decision.rc == "00":
            assert index in decision.rule_list
        assert code[end - 1][3] == TARGET_FALSE


CATALOGUE = (
    rules("id: a, then: {points: 1}")
    + "rewards:\n"
    + "  - {code: LIP, points: 5, then: {free: LIPSTICK}, when: visits > 2}\n"
    + "  - {code: CAP, points: 5, message: {en: A cap}, uses: {life: 1}}\n"
)


def test_a_reward_is_near_only_if_the_till_asked_for_it():
    programme = load(CATALOGUE)
    lip, cap = (programme.rewards[code].number for code in ("LIP", "CAP"))
    not_asked = reasons(programme)
    assert NotChosen() in not_asked["rewards.LIP"].hindrances
    assert not_asked["rewards.CAP"].hindrances == (NotChosen(),)
    assert not not_asked["rewards.CAP"].nearly
    words = Words(programme)
    assert words.hindrance(NotChosen()) == "the till did not ask for it"
    assert words.compact(NotChosen()) is None
    asked = reasons(programme, reward=lip, quantities=(0,), has_basket=True, member={"visits": 3})["rewards.LIP"]
    assert [words.hindrance(each) for each in asked.hindrances] == ["LIPSTICK was not in the basket; needs one"]
    assert asked.nearly
    assert [words.comparison(each) for each in asked.checks] == [
        "chosen at the till: yes",
        "visits 3 > 2",
        'qty(chosen="LIPSTICK") 0 ≥ 1',
    ]
    used = pack_counters((slot(programme, "uses", "rewards.CAP/life"), 0, 1))
    assert reasons(programme, reward=cap, member={"counters": used})["rewards.CAP"].hindrances == (
        LimitReached("life", 1, 1),
    )
    assert reasons(programme, reward=cap)["rewards.CAP"].fired


def test_who_is_held_out_is_told_so_and_not_the_place():
    programme = load(rules("id: a, holdout: 99%, then: {points: 1}"))
    found = Reasons(programme).of(account(_kernel, id=1), request(_kernel, PURCHASE, 5))
    (rule,) = found.rules
    assert (rule.hindrances, rule.nearly, found.facts) == ((HeldOut(),), True, ())
    words = Words(programme)
    assert words.hindrance(HeldOut()) == "the member is held out of this rule, for as long as it is measured"
    assert [words.comparison(each) for each in rule.checks] == ["not held out: no"]
    assert words.compact(HeldOut()) is None, "a till tells nobody that others get more"


def test_what_is_true_or_not_is_told_as_yes_or_no():
    text = rules("id: a, when: referred, then: {points: 1}", "id: b, when: not tagged(vip), then: {points: 1}")
    programme = load(text + "tags: [vip]\n")
    found = reasons(programme, member={"flags": 256})
    words = Words(programme)
    assert [words.hindrance(*found[rule].hindrances) for rule in "ab"] == [
        "referred was no; needs yes",
        'tagged("vip") was yes; needs no',
    ]
    assert [words.comparison(*found[rule].checks) for rule in "ab"] == ["referred: no", 'tagged("vip"): yes']
    why = Reasons(programme).of(account(_kernel, flags=1), request(_kernel, PURCHASE, 5))
    assert [(look.name, words.value(look, value)) for look, value in why.facts] == [
        ("referred", "yes"),
        ('tagged("vip")', "no"),
    ]
