"""Programmes at work: the worked examples of docs/programmes.md, decided by both kernels."""

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import switch.programme
from cext import _kernel
from cext.reference import kernel as reference
from switch.basket import quantities
from switch.programme import CompiledProgramme
from switch.programme.facts import FACTS, REFERRED, SHAPES
from switch.programme.holdout import is_held_out
from switch.programme.model import Then, Uses
from tests.cext.kernel_cases import DAY_S, LEGS, MONTH, NOW, account, request
from tests.switch.programme.programmes import HEAD, ROOT, load

PAGE = (ROOT / "docs" / "programmes.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
TODAY = NOW // DAY_S


def example(word: str) -> CompiledProgramme:
    """The example of the page that has this word in it."""
    (block,) = [block for block in BLOCKS if word in block]
    return load(block if block.startswith("programme:") else HEAD + block)


class Member:
    """One member of a programme, decided for by both kernels side by side."""

    def __init__(self, programme: CompiledProgramme, **fields: Any) -> None:
        self.programme = programme
        fields = {"enrolled_day": TODAY, "club": 0, "born": 0} | fields
        self.kernels = [
            (kernel, kernel.Programme(programme.kernel.table), account(kernel, **fields))
            for kernel in (_kernel, reference)
        ]
        self.rules: list[str] = []

    def buys(self, amount: int, *, day: int = 0, kind: int = 1, **fields: Any) -> Any:
        """Approve a purchase so many days from now; the decision, the same by both."""
        decision = self.decides(amount, day=day, kind=kind, **fields)
        assert decision.rc == "00"
        return decision

    def decides(self, amount: int, *, day: int = 0, kind: int = 1, **fields: Any) -> Any:
        """Decide a message; the decision, the same by both."""
        fields = {"quantities": quantities(None, self.programme.quantities)} | fields
        when = {"now": NOW + day * DAY_S, "local_day": TODAY + day, "local_month": MONTH + day // 30}
        decisions = [
            kernel.decide(programme, someone, request(kernel, kind, amount, **(when | fields)))
            for kernel, programme, someone in self.kernels
        ]
        one, other = decisions
        for what in LEGS:
            assert getattr(one, what) == getattr(other, what), what
        self.rules = [self.programme.rule_ids[index] for index in one.rule_list]
        return one

    def has_event(self, event: str, **fields: Any) -> Any:
        return self.buys(0, kind=7, event=self.programme.events.get(event, 99), **fields)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.split("\n")[2][:20])
def test_every_example_of_the_page_is_sound(block: str) -> None:
    assert load(block if block.startswith("programme:") else HEAD + block).warnings == ()


def test_the_page_tells_of_every_fact() -> None:
    for fact in (*FACTS, REFERRED):
        assert f"| `{fact}`" in PAGE
    for fact in SHAPES:
        assert re.search(rf"^\| `{fact}[(.]", PAGE, re.MULTILINE)


def test_the_page_tells_of_every_effect_and_limit() -> None:
    for effect in set(Then.model_fields) - {"cap"}:
        assert f"| `{effect}: " in PAGE
    for limit in ("uses", "holdout", "exclusive", "priority", "max_discount"):
        assert f"| `{limit}: " in PAGE
    for period in Uses.model_fields:
        assert f"`{period}`" in PAGE


def test_a_first_programme() -> None:
    assert Member(example("corner_shop")).buys(1_250_000).points_earned == 12


def test_points_for_what_is_paid() -> None:
    programme = example("id: friday")
    assert Member(programme).buys(1_250_000, weekday=4).points_earned == 38
    assert Member(programme, visits=1).buys(9_000_000, weekday=4).points_earned == 120


def test_discounts() -> None:
    # NOW is 14 November.
    decision = Member(example("id: birthday\n"), born=1990_11_16).buys(2_000_000)
    assert (decision.discount, decision.to_pay) == (600_000, 1_400_000)


def test_a_use_for_the_year_and_one_for_life() -> None:
    member = Member(example("id: birthday\n"), born=1990_11_16)
    discounts = [member.buys(2_000_000, day=day).discount for day in (0, 1, 2)]
    assert discounts == [600_000, 0, 0]
    # Twelve months on, its year has begun anew; the one for life is gone.
    assert member.buys(2_000_000, day=366).discount == 200_000


def test_credit() -> None:
    assert Member(example("id: cashback")).buys(6_000_000).credit_granted == 280_000


def test_baskets() -> None:
    member = Member(example("three_teas"), born=1990_11_14)
    basket = {"quantities": (3, 49, 0), "has_basket": True, "free_prices": (0,)}
    assert member.buys(1_000_000, **basket).discount == 90_000
    assert member.buys(1_000_000, **(basket | {"quantities": (2, 50, 0)})).discount == 150_000
    assert member.buys(1_000_000, **(basket | {"quantities": (0, 0, 1), "free_prices": (80_000,)})).discount == 80_000
    # Without a basket the whole purchase stands for what is free, up to the cap.
    assert member.buys(1_000_000).discount == 1_000_000
    assert member.buys(5_000_000).discount == 1_500_000


def test_one_of_several() -> None:
    member = Member(example("greeting"))
    assert [member.buys(1_000).discount for _ in range(2)] == [150, 100]
    assert member.buys(1_000, day=365).discount == 0


def test_a_stamp_card() -> None:
    member = Member(example("id: barber"))
    rules = []
    for _ in range(13):
        decision = member.buys(700_000, category=4)
        rules += [(member.rules, decision.discount)]
    stamp, reward = (["barber"], 0), (["barber.reward"], 700_000)
    assert rules == [stamp] * 10 + [reward] + [stamp] * 2
    assert member.buys(700_000, category=3).discount == 0
    assert member.rules == []


def test_an_offer() -> None:
    programme = example("id: bigger_basket")
    # Five visits of 500,000, ten days apart, the last of them ten days ago: this one is the sixth.
    fields = {"visits": 5, "spend": 2_500_000, "first_visit": NOW - 50 * DAY_S, "last_visit": NOW - 10 * DAY_S}
    member = Member(programme, **fields)
    decision = member.buys(500_000)
    assert (decision.credit_granted, len(decision.grants_moved)) == (0, 40)
    # Below the goal; it stays frozen at 2,000,000 whatever this purchase does to the average.
    assert member.buys(1_999_999, day=5).credit_granted == 0
    assert member.buys(2_500_000, day=30).credit_granted == 500_000
    assert member.buys(2_500_000, day=30).credit_granted == 0

    late = Member(programme, **fields)
    late.buys(500_000)
    assert late.buys(2_500_000, day=31).credit_granted == 0


def test_events() -> None:
    programme = example("id: checkin")
    member = Member(programme)
    assert [member.has_event("checkin").points_earned for _ in range(2)] == [50, 0]
    assert member.has_event("checkin", day=1).points_earned == 50
    assert member.has_event("survey").credit_granted == 0
    assert Member(programme, tier=1).has_event("survey").credit_granted == 20_000
    assert member.has_event("unheard-of").rule_list == []
    member.buys(1_000)
    assert member.rules == []


def test_tiers() -> None:
    assert Member(example("FUELCO"), tier=1).buys(1_250_000).points_earned == 15
    member = Member(example("FUELCO"))
    decision = member.buys(100_000_000)
    assert (decision.points_earned, decision.tier_after) == (1_000, 1)
    assert member.buys(1_250_000).points_earned == 15


def test_a_first_purchase_a_joining_bonus_and_a_friend() -> None:
    programme = example("id: joined_today")
    on_the_day = Member(programme).buys(1_000)
    assert (on_the_day.points_earned, on_the_day.credit_granted) == (70, 0)
    later = Member(programme, enrolled_day=TODAY - 1, flags=1)
    decision = later.buys(1_000)
    assert (decision.points_earned, decision.credit_granted) == (20, 100_000)
    assert later.buys(1_000).points_earned == 0


def test_what_was_spent_lately() -> None:
    for day, discount in ((29, 50_000), (30, 0)):
        member = Member(example("id: busy_month"))
        assert [member.buys(amount, day=on).discount for amount, on in ((3_000_000, 0), (2_000_000, 15))] == [0, 0]
        assert member.buys(1_000_000, day=day).discount == discount


def test_rewards_to_choose() -> None:
    programme = example("code: LIP")
    lots = (MONTH + 9).to_bytes(2, "big") + (620).to_bytes(8, "big")
    rich = {"points": 620, "lots": lots}
    basket = {"quantities": (1,), "free_prices": (400_000,), "has_basket": True}
    lip, tenth, sample = (programme.rewards[code].number for code in ("LIP", "TENTH", "SAMPLE"))
    assert programme.quantities == (("chosen", "LIPSTICK"),)
    member = Member(programme, **rich)
    decision = member.buys(1_400_000, reward=lip, **basket)
    assert (decision.points_redeemed, decision.to_pay, decision.points_earned) == (500, 1_000_000, 100)
    assert member.rules == ["base", "rewards.LIP"]
    assert member.decides(1_400_000, reward=lip, **basket).rc == "51"
    paying = Member(programme, **rich).buys(1_400_000, kind=2, reward=lip, **basket)
    assert (paying.points_redeemed, paying.to_pay) == (620, 1_000_000 - 120 * 100)
    assert Member(programme, **rich).decides(1_400_000, reward=lip, has_basket=True).rc == "05"
    assert Member(programme, **rich).decides(1_400_000, reward=lip).rc == "05"
    assert Member(programme, **rich).decides(1_400_000, reward=tenth).rc == "05"
    assert Member(programme, tier=1, **rich).buys(6_000_000, reward=tenth).discount == 400_000
    poor = Member(programme)
    assert poor.buys(1_000, reward=sample).points_redeemed == 0
    assert poor.decides(1_000, reward=sample).rc == "65"


def test_a_hold_out_is_by_the_account_and_the_rule() -> None:
    programme = example("id: spring")
    held = [number for number in range(300) if is_held_out("shop", "spring", 3, number, 10)]
    assert 15 < len(held) < 50
    for number in range(300):
        discount = Member(programme, id=number).buys(2_000_000).discount
        assert discount == (0 if number in held else 240_000)


def test_members_with_a_tag() -> None:
    programme = example("tags: [ambassador, press]")
    assert programme.tags == {"ambassador": 256, "press": 512}
    assert Member(programme, flags=256).buys(1_000_000).credit_granted == 30_000
    assert Member(programme, flags=512 + 1).buys(1_000_000).credit_granted == 0


def test_rounding() -> None:
    assert Member(example("greeting")).buys(33).discount == 4
    assert Member(example("corner_shop")).buys(199_999).points_earned == 1


FULL = (ROOT / "examples" / "bazaar-full" / "programmes" / "bazaar-full.yaml").read_text(encoding="utf-8")
NUMBERS: dict[tuple[str, str], int] = {}
FULL_PROGRAMME = switch.programme.load(FULL, ids=lambda *name: NUMBERS.setdefault(name, len(NUMBERS) + 1))

MESSAGES = st.fixed_dictionaries(
    {
        "day": st.integers(0, 40),
        "amount": st.sampled_from([1, 99_999, 1_000_000, 12_345_678, 60_000_000]),
        "event": st.integers(0, len(FULL_PROGRAMME.events) + 1),
        "hour": st.integers(0, 23),
        "weekday": st.integers(0, 6),
        "day_of_month": st.integers(1, 31),
        "entry_mode": st.sampled_from([1, 2, 7]),
        "category": st.integers(0, len(NUMBERS)),
        "merchant": st.integers(0, len(NUMBERS)),
        "has_basket": st.booleans(),
        "quantities": st.lists(st.integers(0, 60), max_size=4).map(tuple),
        "free_prices": st.lists(st.integers(0, 500_000), max_size=3).map(tuple),
        "points_wanted": st.sampled_from([-1, 0, 3]),
        "reward": st.integers(-1, len(FULL_PROGRAMME.rewards)),
    }
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(MESSAGES, max_size=25),
    st.sampled_from([0, 1990_11_16, 2004_02_29]),
    st.integers(0, len(NUMBERS)),
    st.integers(0, 2),
)
def test_both_kernels_agree_on_the_full_example(
    messages: list[dict[str, Any]], born: int, club: int, tier: int
) -> None:
    member = Member(FULL_PROGRAMME, born=born, club=club, tier=tier)
    # The store keeps time: a later message is never on an earlier day.
    for message in sorted(messages, key=lambda message: message["day"]):
        amount = message.pop("amount")
        kind = 7 if message["event"] else 1
        member.decides(0 if kind == 7 else amount, kind=kind, **message)


def test_uses_and_stamps_as_facts() -> None:
    programme = load(
        HEAD
        + """\
rules:
  - {id: often, then: {points: 1}}
  - {id: third, when: uses("often") == 2, then: {points: 10}}
  - {id: card, when: 'category == "grocery"', then: {stamp: {key: tea, need: 5, reward: {points: 100}}}}
  - {id: last, when: stamps("tea") == 2, then: {points: 1000}}
"""
    )
    member = Member(programme)
    assert [member.buys(1, category=3).points_earned for _ in range(4)] == [1, 1, 1_011, 1]


@pytest.mark.parametrize(
    ("then", "gains"),
    [
        ("ticket: {draw: d, per: 400}", [2, 0]),
        ("ticket: {draw: d, per: 400, count: 3}", [6, 0]),
        ("ticket: {draw: d, count: 3}", [3, 3]),
    ],
)
def test_tickets(then: str, gains: list[int]) -> None:
    programme = load(HEAD + f"rules:\n  - {{id: a, then: {{{then}}}}}\n")
    moved = [Member(programme).buys(amount).counters_moved for amount in (1_000, 399)]
    assert [int.from_bytes(packed[6:14], "big") for packed in moved] == gains


def test_a_message_and_a_tier() -> None:
    programme = load(
        HEAD
        + """\
rules:
  - {id: a, when: amount > 5, then: {tier: gold, message: {en: Hi}}}
tiers:
  - {id: silver, from: {visits: 2}}
  - {id: gold, from: {visits: 9}}
"""
    )
    member = Member(programme)
    assert member.buys(6).tier_after == 2
    assert member.rules == ["a"]
    assert [Member(programme, visits=visits).buys(5).tier_after for visits in (0, 1, 8)] == [0, 1, 2]


def test_a_tier_year() -> None:
    programme = example("tier_year: {begins: march, grace: 60 days}")
    # NOW is in November 2023, but its month is told as September 2021: the year 2021 of the page's programme.
    member = Member(programme, tier_year=2020, tier_points=300, tier=2, tier_kept=2)
    assert member.buys(100_000).tier_after == 1


def test_what_happens_by_itself() -> None:
    programme = example("many_happy_returns")
    assert programme.model.point.notice == 30
    assert set(programme.events) == {"birthday"}
    assert ("tag", "ambassador") in programme.slots
    assert programme.model.referral is not None
    assert programme.model.referral.ambassador is not None
    assert programme.model.referral.ambassador.points == 1000
