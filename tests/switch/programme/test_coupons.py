"""Coupons in the programme language: what asks for one, what may not, and what the kernel is told."""

import pytest

from cext._kernel import PURCHASE, decide
from switch.programme.errors import ProgrammeError
from tests.cext.kernel_cases import account, request
from tests.switch.programme.programmes import HEAD, load

COUPONS = """\
coupons:
  - {id: spring, kind: single, per_member: 2, valid: {from: 2026-11-01, until: 2026-12-31}}
  - {id: welcome, kind: multi, uses: 10}
"""


def programme(*rules: str) -> str:
    return HEAD + COUPONS + "rules:\n" + "".join(f"  - {{{rule}}}\n" for rule in rules)


ASKING = programme(
    'id: a, when: coupon == "spring" and amount >= 1000, then: {points: 5}',
    'id: b, when: coupon == "welcome", then: {points: 7}',
    'id: c, when: coupon != "welcome", then: {points: 11}',
)


def points(compiled, shown: tuple[str, ...], amount: int = 1000, someone=None) -> int:
    import cext._kernel as kernel

    asked = request(kernel, PURCHASE, amount)
    counts = tuple(int(name in shown) for kind, name in compiled.quantities if kind == "coupon")
    asked.carry(event=0, quantities=counts, free_prices=(), has_basket=False, reward=0)
    return decide(compiled.kernel, someone or account(kernel), asked).points_earned


def test_a_rule_fires_for_the_coupons_that_are_shown():
    compiled = load(ASKING)
    assert compiled.quantities == (("coupon", "spring"), ("coupon", "welcome"))
    assert [rule.coupons for rule in compiled.rules] == [("spring",), ("welcome",), ()]
    assert points(compiled, ()) == 11
    assert points(compiled, ("spring",)) == 16
    assert points(compiled, ("spring",), amount=999) == 11
    assert points(compiled, ("welcome",)) == 7
    assert points(compiled, ("spring", "welcome")) == 12


def test_a_member_is_counted_where_a_campaign_bounds_it():
    import cext._kernel as kernel

    compiled = load(ASKING)
    assert [(name, each.slot > 0) for name, each in compiled.campaigns.items()] == [
        ("spring", True),
        ("welcome", False),
    ]
    assert compiled.campaigns["spring"].terms.valid is not None
    assert compiled.campaigns["spring"].terms.valid.holds(20_758)
    assert not compiled.campaigns["spring"].terms.valid.holds(20_757)
    assert compiled.campaigns["spring"].terms.valid.holds(20_818)
    assert not compiled.campaigns["spring"].terms.valid.holds(20_819)
    member = account(kernel)
    assert [points(compiled, ("spring",), someone=member) for _ in range(3)] == [16, 16, 11]
    assert points(compiled, ("welcome",), someone=member) == 7


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        (('id: a, when: coupon == "spring" or amount > 5, then: {points: 1}',), "may not fire without"),
        (('id: a, when: \'coupon in ("spring", "welcome")\', then: {points: 1}',), "may not fire without"),
        (('id: a, when: not coupon != "spring" or hour == 3, then: {points: 1}',), "may not fire without"),
        (
            (
                'id: a, when: coupon == "spring", then: {points: 1}',
                'id: b, when: coupon == "spring" and hour == 3, then: {points: 1}',
            ),
            "a asks for coupon spring too",
        ),
        (
            (
                'id: a, when: coupon == "spring", exclusive: x, then: {points: 1}',
                'id: b, when: coupon == "spring", exclusive: y, then: {points: 1}',
            ),
            "the same `exclusive` group",
        ),
        (('id: a, when: coupon == "spring" and event == "e", then: {points: 1}',), "an event is no purchase"),
        (
            ('id: a, grant: {if: coupon == "spring", lives: 3 days}, then: {points: 1}',),
            "an offer is made by what a member does",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(rules, reason):
    with pytest.raises(ProgrammeError, match=reason):
        load(programme(*rules))


def test_rules_of_one_group_may_ask_for_one_coupon():
    compiled = load(
        programme(
            'id: a, when: coupon == "spring" and amount >= 1000, exclusive: x, then: {points: 5}',
            'id: b, when: coupon == "spring", exclusive: x, then: {points: 1}',
            'id: c, when: coupon == "welcome" and coupon == "spring" and amount < 5, exclusive: x, then: {points: 3}',
        )
    )
    assert [points(compiled, ("spring",), amount) for amount in (1000, 999)] == [5, 1]
    assert compiled.warnings == ()


def test_a_coupon_that_no_rule_asks_for_is_warned_of():
    compiled = load(programme('id: a, when: coupon == "spring", then: {points: 1}'))
    assert ["no rule asks for coupon welcome" in str(warning) for warning in compiled.warnings] == [True]


def test_a_coupon_is_there_once():
    text = HEAD + "coupons: [{id: a, kind: single}, {id: a, kind: single}]\nrules: []\n"
    with pytest.raises(ProgrammeError, match="a coupon a is there already"):
        load(text)
    many = ", ".join(f"{{id: c{number}, kind: single}}" for number in range(65))
    with pytest.raises(ProgrammeError, match="at most 64"):
        load(HEAD + f"coupons: [{many}]\nrules: []\n")
