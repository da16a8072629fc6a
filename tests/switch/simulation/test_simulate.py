import dataclasses
import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switch.simulation import simulate
from switch.simulation.history import Person
from switch.simulation.reading import BasketReader
from switch.simulation.simulate import Question, RuleSet, Simulation, age_band, shares_of_undoing
from switch.simulation.totals import Pair, Report, Totals
from tests.switch.simulation.worlds import DAY_S, HEAD, RULES, START_S, TIERS, ZONE, programme, world

LIVE = programme()
FAR = 10**11


def rules_of(compiled):
    return RuleSet(compiled.kernel.table, compiled.rule_ids)


def simulated(histories, draft=LIVE, live=LIVE, end_s=FAR):
    question = Question(
        rules_of(draft), {1: rules_of(live)} if live else {}, ZONE, end_s, 20260101, live.tiers if live else ()
    )
    simulation = Simulation(question, BasketReader.of(draft))
    for history in histories:
        simulation.take(history)
    return simulation.report()


def histories(seed, members=4, steps=20, live=LIVE, start_s=0):
    found = []
    for number in range(members):
        person = Person(["female", "male", None][number % 3], f"region {number % 2}")
        born = (0, 19900314, 20150101, 19500101)[number % 4]
        found.append(world(seed + number, steps, live.kernel, number, born).history(start_s, person=person))
    return found


@given(st.integers(0, 10**9))
def test_the_very_programme_gives_what_live_gave(seed):
    found = simulated(histories(seed))
    assert found.whole.live == found.whole.draft
    assert all(pair.live == pair.draft for pair in (*found.rules.values(), *found.segments.values()))
    assert found.broken == 0


@given(st.integers(0, 10**9), st.booleans())
def test_the_rules_parts_add_up_to_the_whole(seed, begins_late):
    draft = programme(HEAD + RULES.replace("multiply: 2", "multiply: 3").replace("10%", "20%") + TIERS)
    found = simulated(histories(seed, start_s=START_S + 30 * DAY_S if begins_late else 0), draft)
    for side in ("live", "draft"):
        whole = getattr(found.whole, side)
        rules = [getattr(pair, side) for pair in found.rules.values()]
        assert sum(rule.points for rule in rules) == whole.points_earned
        assert sum(rule.credit for rule in rules) == whole.credit_granted
        assert sum(rule.discount for rule in rules) == whole.discount
    for dimension in ("age", "gender", "region", "tier"):
        total = Pair()
        for (kind, _), pair in found.segments.items():
            if kind == dimension:
                total.add(pair)
        assert total == found.whole


@given(st.integers(0, 10**9))
def test_the_compiled_loop_and_the_long_way_find_the_same(seed):
    draft = programme(HEAD + RULES.replace("multiply: 2", "multiply: 3").replace("5%", "7%") + TIERS)
    every = [dataclasses.replace(one, rows=without_undoing(one)) for one in histories(seed)]
    at_once = simulated(every, draft)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(simulate, "fold", lambda *_arguments: None)
        assert simulated(every, draft) == at_once


def without_undoing(history):
    return [row for row in history.rows if row.original_seq is None]


@given(st.integers(0, 10**9), st.integers(1, 3))
def test_parts_add_up_to_the_report_of_the_whole(seed, at):
    every = histories(seed)
    whole = simulated(every)
    parts = Report()
    for some in (every[:at], every[at:]):
        parts.add(simulated(some))
    assert parts == whole


def test_a_doubled_rate_gives_doubled_points():
    once = programme(HEAD + "  - {id: base, then: {points: {per: 1, points: 3}}}\n")
    twice = programme(HEAD + "  - {id: base, then: {points: {per: 1, points: 6}}}\n")
    every = []
    for number in range(5):
        made = world(number, 0, once.kernel, number)
        dice = random.Random(number)
        for _ in range(30):
            made.now += DAY_S
            amount = dice.randrange(1, 10**6)
            made.write(1, amount, decide_purchase(made, amount))
        every.append(made.history())
    found = simulated(every, twice, once)
    assert found.whole.live.points_earned > 0
    assert found.whole.draft.points_earned == 2 * found.whole.live.points_earned
    assert found.rules["base"].draft.points == 2 * found.rules["base"].live.points
    assert found.rules["base"].draft.fired == found.rules["base"].live.fired == 150
    assert found.rules["base"].live.members == 5


def decide_purchase(made, amount):
    from cext._kernel import decide

    return decide(made.programme, made.account, made.request(1, amount))


def test_points_that_a_draft_does_not_give_are_not_spent_again():
    every = histories(11, members=12, steps=40)
    poor = programme(re.sub(r"per: 100000", "per: 900000000", HEAD + RULES) + TIERS)
    found = simulated(every, poor)
    assert found.whole.live.points_redeemed > found.whole.draft.points_redeemed
    assert found.whole.draft.declined == 0
    assert found.whole.draft.purchases == found.whole.live.purchases


def test_no_history_is_an_empty_report():
    assert simulated([]) == Report()


def test_another_currency_declines_every_purchase():
    every = histories(3)
    found = simulated(every, programme((HEAD + RULES + TIERS).replace("currency: 364", "currency: 840")))
    assert found.whole.draft.points_earned <= sum(5 for _ in range(found.messages))
    assert found.whole.draft.purchases == 0
    assert found.whole.draft.declined >= found.whole.live.purchases > 0


def test_what_an_unknown_version_gave_is_kept_apart():
    found = simulated(histories(3), live=None)
    assert found.rules[""].live.points == found.whole.live.points_earned
    assert found.rules["base"].live.fired == 0
    assert found.rules["base"].draft.fired > 0


def test_the_period_ends_before_its_end():
    every = histories(3)
    ats = [row.at for history in every for row in history.rows]
    end_s = sorted(ats)[len(ats) // 2]
    assert simulated(every, end_s=end_s).messages == sum(at < end_s for at in ats)
    assert simulated(every, end_s=0) == Report()


def test_an_account_whose_journal_leads_elsewhere_is_left_out():
    sound, broken = histories(3, members=2)
    broken = dataclasses.replace(broken, present=broken.present._replace(lots=b"\x01\x40" + (1).to_bytes(8, "big")))
    rows = [row for row in broken.rows if row.lots_moved]
    assert rows
    found = simulated([sound, broken])
    assert found.broken == 1
    assert found.whole == simulated([sound]).whole


def test_a_transfer_is_carried_over():
    made = world(5, 0, LIVE.kernel)
    made.now += 100
    made.write(1, 5_000_000, decide_purchase(made, 5_000_000))
    account = made.account
    (month, points), *_ = account.lot_list
    moved = month.to_bytes(2, "big") + (-20).to_bytes(8, "big", signed=True)
    row = made.rows[0]._replace(
        seq=2, at=made.now + 50, kind=0, amount=0, points_earned=0, credit_granted=0, discount=0, to_pay=0,
        points_adjusted=-20, lots_moved=moved, rules=None, counters_moved=None, grants_moved=None,
        reserves_moved=None,
    )  # fmt: skip
    made.rows.append(row)
    account.points -= 20
    account.lots = month.to_bytes(2, "big") + (points - 20).to_bytes(8, "big")
    found = simulated([made.history()])
    assert found.messages == 2
    assert found.broken == 0
    assert found.whole.live == found.whole.draft


@pytest.mark.parametrize(
    ("born", "band"),
    [
        (0, "unknown"),
        (20_270_101, "unknown"),
        (20_080_102, "under 18"),
        (20_080_101, "18–24"),
        (19_400_101, "65 and over"),
    ],
)
def test_ages_are_of_the_last_day(born, band):
    assert age_band(born, 20_260_101) == band


def test_an_undoing_is_dealt_out_as_its_original_was():
    from cext.reference.attribution import Given

    assert shares_of_undoing(Given(-3, 0, -9, 0, 0), {4: [2, 0, 9], 7: [4, 0, 0]}) == {4: [-1, 0, -9], 7: [-2, 0, 0]}
    assert shares_of_undoing(Given(-3, 0, 0, 0, 0), {}) == {-1: [-3, 0, 0]}


def test_cost_counts_points_at_their_value():
    assert Totals(discount=10, credit_granted=5, points_earned=3).cost(100) == 315
