"""What is told of the last movements: it fits, and nothing in it is guessed."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from cext._kernel import Account, Decision
from protocol.tlv import parse
from switch.movements import Movement, Movements
from switch.programme import CompiledProgramme
from switch.programme.why import Reasons
from switch.programme.why_words import Words
from switch.simulation.history import PURCHASES, Row
from switch.simulation.replay import asking
from switch.statement import BYTES_MAX, NEAR_MAX, Statements
from switch.telling import Telling, teller_of
from tests.switch import fakes
from tests.switch.simulation.worlds import ZONE, Quarters, World, programme, read

LIVE = programme()
CODES = {1: 0, 2: 6000, 3: 6500, 4: 200_000, 5: 0, 7: 950_000}
QUARTERS = Quarters(ZONE)


def lived(seed: int, steps: int, live: CompiledProgramme = LIVE) -> tuple[World, list[Account]]:
    """A history, and the account before each of its rows."""
    made = World(live.kernel, random.Random(seed), Account(1, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 19_600, b""))
    before: list[Account] = []
    for _ in range(steps):
        account, rows = made.account.copy(), len(made.rows)
        made.step()
        before += [account] * (len(made.rows) - rows)
    return made, before


def about_holds(made: World, row: Row) -> bool:
    """Whether a row holds, or releases a hold."""
    return row.kind == 0 or (row.original_seq is not None and made.rows[row.original_seq - 1].kind == 0)


def movements(made: World, most: int = 32, live: CompiledProgramme = LIVE) -> Movements:
    """As the store reads them."""
    bought = [row.seq for row in made.rows if row.kind in PURCHASES]
    rows = [
        Movement(
            row._replace(reserves_moved=None),
            CODES[row.kind],
            tier,
            live.rule_ids if bought and row.seq == bought[-1] else None,
        )
        for row, tier in zip(made.rows, made.tiers, strict=True)
        if not about_holds(made, row)
    ]
    return Movements(made.account.copy(), rows[::-1][:most])


def statement(made: World, found: Movements, version: int = 1, live: CompiledProgramme = LIVE) -> list[tuple[str, str]]:
    balance = Decision("00", points_balance=made.account.points, credit_balance=made.account.credit)
    telling = Telling(live, made.account, balance, QUARTERS.at(made.now)[0])
    text = Statements().told(live, version, teller_of(live), telling, found, fakes.TILL, None)
    assert len(text.encode()) <= BYTES_MAX
    return parse(text)


def values(told: list[tuple[str, str]], tag: str) -> list[str]:
    return [value for name, value in told if name == tag]


@settings(deadline=None)
@given(st.integers(0, 10**9), st.integers(1, 40))
def test_of_any_history_the_last_purchase_is_told_as_it_was(seed: int, steps: int) -> None:
    made, before = lived(seed, steps)
    told = statement(made, movements(made))
    assert len(values(told, "MV")) == min(10, len(movements(made).rows))
    bought = [row for row in made.rows if row.kind in PURCHASES]
    if not bought:
        assert values(told, "FR") == values(told, "NR") == []
        return
    last = bought[-1]
    packed = last.rules or b""
    fired = [LIVE.rule_ids[int.from_bytes(packed[at : at + 2], "big")] for at in range(0, len(packed), 2)]
    assert values(told, "FR") == fired
    # What nearly fired is what comes out on the account that the kernel really had.
    why = Reasons(LIVE).of(before[last.seq - 1], asking(last, QUARTERS, read(last.asked or ""), ()))
    assert why is not None
    words = Words(LIVE)
    near = {
        f"{rule.id};{was_needed[0]};{was_needed[1]}"
        for rule in why.near
        if (was_needed := words.compact(rule.hindrances[0])) is not None
    }
    assert set(values(told, "NR")) <= near
    assert len(values(told, "NR")) <= NEAR_MAX


def one_that_nearly(made: World) -> bool:
    return bool(values(statement(made, movements(made)), "NR"))


def with_near() -> World:
    """A history whose last purchase nearly fired some rule, with purchases before it."""
    return next(
        made
        for seed in range(1_000)
        if len((made := lived(seed, 12)[0]).rows) > 4 and one_that_nearly(made) and made.account.visits > 2
    )


def test_the_nearest_come_first() -> None:
    made = with_near()
    near = values(statement(made, movements(made)), "NR")
    assert all(value.count(";") == 2 for value in near)


def test_another_version_is_not_guessed_at() -> None:
    made = with_near()
    told = statement(made, movements(made), version=2)
    assert values(told, "NR") == []
    assert values(told, "FR")


def test_without_the_purchase_before_it_nothing_is_guessed() -> None:
    made = with_near()
    rows = movements(made).rows
    last = next(place for place, each in enumerate(rows) if each.row.kind in PURCHASES)
    told = statement(made, Movements(made.account, rows[: last + 1]))
    assert values(told, "NR") == []
    assert values(told, "FR")


def test_an_account_that_the_rows_do_not_lead_to_is_not_guessed_at() -> None:
    made = with_near()
    found = movements(made)
    found.account.visits = 0
    found.account.spend = 0
    assert values(statement(made, found), "NR") == []


def test_reasons_leave_room_for_movements() -> None:
    many = "".join(
        f"  - {{id: {'r' * 60}{number:03d}, when: amount >= {number + 1}, then: {{points: 1}}}}\n"
        for number in range(20)
    )
    live = programme(
        "programme: world\nowner: BAZAAR\ncurrency: 364\ntimezone: Asia/Tehran\n"
        f"point: {{value: 100, expires: 3 months}}\nrules:\n{many}"
    )
    made, _ = lived(3, 30, live)
    told = statement(made, movements(made, live=live), live=live)
    assert 1 <= len(values(told, "FR")) < 20
    assert values(told, "MV")
