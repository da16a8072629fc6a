"""Draws: numbering, the sealed seed, winners, and the script by which anyone checks them."""

import datetime as dt
import hashlib
import json
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switch.draws import (
    CODE_KEY_BYTES,
    SEED_BYTES,
    TICKETS_MAX,
    Announcement,
    DrawError,
    Entry,
    Outcome,
    Prize,
    PrizeKind,
    Terms,
    TicketList,
    Winner,
    commitment,
    fair,
    member_code,
    published,
    require_enough,
    require_entropy,
    winners,
)

SCRIPT = Path(__file__).parents[2] / "docs" / "verify_draw.py"
SEED = bytes(range(SEED_BYTES))
AT = dt.datetime(2026, 11, 25, 9, 0, tzinfo=dt.UTC)
BICYCLE = Prize(PrizeKind.THING, name_fa="دوچرخه", name_en="a bicycle")
POINTS = Prize(PrizeKind.POINTS, 10_000)

codes = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", min_size=16, max_size=16)
holdings = st.dictionaries(codes, st.integers(1, 10**12), min_size=1, max_size=30)
seeds = st.binary(min_size=SEED_BYTES, max_size=SEED_BYTES)


def announced(
    listed: TicketList, *, seed: bytes = SEED, prizes: int = 3, repeat: bool = False, source: str = ""
) -> Announcement:
    return Announcement(
        "bazaar", "nowruz", AT, len(listed.entries), listed.tickets, listed.sha256(), commitment(seed),
        Terms((BICYCLE, *(POINTS for _ in range(prizes - 1))), repeat, source),
    )  # fmt: skip


# ── numbering ──


@given(holdings)
def test_ranges_cover_every_number_once_in_the_order_of_the_codes(held: dict[str, int]) -> None:
    listed = TicketList.numbered(held.items())
    assert listed.entries[0].first == 1
    assert all(one.last + 1 == other.first for one, other in zip(listed.entries, listed.entries[1:], strict=False))
    assert {entry.member_code: entry.tickets for entry in listed.entries} == held
    assert listed.tickets == sum(held.values())
    assert [entry.member_code for entry in listed.entries] == sorted(held)


@given(holdings, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_is_of_no_account(held: dict[str, int], random: Any) -> None:
    rows = list(held.items())
    random.shuffle(rows)
    assert TicketList.numbered(rows) == TicketList.numbered(held.items())


@given(holdings, st.data())
def test_every_ticket_has_its_holder(held: dict[str, int], data: st.DataObject) -> None:
    listed = TicketList.numbered(held.items())
    ticket = data.draw(st.integers(1, listed.tickets))
    holder = listed.holder(ticket)
    assert holder.first <= ticket <= holder.last
    for entry in listed.entries:
        assert listed.holder(entry.first) == listed.holder(entry.last) == entry


@pytest.mark.parametrize(
    "entries",
    [
        (Entry(2, 3, "A"),),
        (Entry(1, 0, "A"),),
        (Entry(1, 2, "A"), Entry(4, 5, "B")),
        (Entry(1, 2, "A"), Entry(2, 5, "B")),
        (Entry(1, 2, "B"), Entry(3, 5, "A")),
        (Entry(1, 2, "A"), Entry(3, 5, "A")),
        (Entry(1, TICKETS_MAX + 1, "A"),),
    ],
)
def test_a_list_that_is_none_is_refused(entries: tuple[Entry, ...]) -> None:
    with pytest.raises(DrawError):
        TicketList(entries)


def test_a_member_twice_or_without_tickets_is_refused() -> None:
    with pytest.raises(DrawError, match="a member twice"):
        TicketList.numbered([("A", 1), ("A", 2)])
    with pytest.raises(DrawError, match="an empty range"):
        TicketList.numbered([("A", 0)])


def test_the_digest_is_of_the_published_file() -> None:
    listed = TicketList.numbered([("B" * 16, 2), ("A" * 16, 1)])
    file = b"".join(listed.lines())
    assert file == b"first,last,member_code\n1,1,AAAAAAAAAAAAAAAA\n2,3,BBBBBBBBBBBBBBBB\n"
    assert listed.sha256() == hashlib.sha256(file).hexdigest()


# ── codes ──


def test_a_code_tells_nothing_without_the_key_and_differs_from_draw_to_draw() -> None:
    key, other = bytes(CODE_KEY_BYTES), bytes([1] * CODE_KEY_BYTES)
    # HMAC-SHA256 of "5/100" under 32 zero bytes, its first 80 bits in base32; by OpenSSL.
    assert member_code(key, 5, 100) == "6ZAAG5EE6MCWL6GU"
    assert member_code(key, 5, 100) != member_code(other, 5, 100)
    assert len({member_code(key, shard, account) for shard in range(20) for account in range(-20, 20)}) == 800


def test_shard_and_account_are_not_run_together() -> None:
    key = bytes(CODE_KEY_BYTES)
    assert member_code(key, 1, 23) != member_code(key, 12, 3)


# ── chance ──


@given(st.integers(1, 300), st.integers(1, 300))
def test_of_all_numbers_as_many_fall_on_one_ticket_as_on_another(tickets: int, numbers: int) -> None:
    fallen = Counter(fair(number, tickets, numbers) for number in range(numbers))
    rejected = fallen.pop(None, 0)
    assert rejected < tickets
    assert rejected == numbers % tickets
    if numbers >= tickets:
        assert fallen == dict.fromkeys(range(1, tickets + 1), numbers // tickets)


def test_over_many_seeds_every_ticket_wins_about_as_often() -> None:
    """Seeds are fixed, 700 for each of 7 tickets; 130 is more than five standard deviations."""
    listed = TicketList.numbered([("A", 1), ("B", 4), ("C", 2)])
    seeds_tried = [hashlib.sha256(str(number).encode()).digest() for number in range(4_900)]
    first, second = Counter[int](), Counter[str]()
    for seed in seeds_tried:
        one, other = winners(announced(listed, seed=seed, prizes=2), listed, seed)
        first[one.ticket] += 1
        if one.member_code == "A":
            second[other.member_code] += 1
    assert set(first) == set(range(1, 8))
    assert all(abs(count - 700) < 130 for count in first.values())
    # After A is out, B's four tickets stand against C's two.
    assert abs(second["B"] - 2 * second["C"]) < 130
    assert set(second) == {"B", "C"}


# ── winners ──


@given(holdings, seeds, st.integers(1, 40), st.booleans())
def test_winners_hold_their_tickets_and_nobody_wins_twice_unless_told(
    held: dict[str, int], seed: bytes, prizes: int, repeat: bool
) -> None:
    listed = TicketList.numbered(held.items())
    told = announced(listed, seed=seed, prizes=prizes, repeat=repeat)
    if not repeat and prizes > len(held):
        with pytest.raises(DrawError, match="prizes and only"):
            winners(told, listed, seed)
        return
    drawn = winners(told, listed, seed)
    assert [winner.prize for winner in drawn] == list(range(1, prizes + 1))
    assert all(listed.holder(winner.ticket).member_code == winner.member_code for winner in drawn)
    if not repeat:
        assert len({winner.member_code for winner in drawn}) == prizes
    assert winners(told, TicketList.numbered(reversed(held.items())), seed) == drawn


def test_when_all_members_win_all_of_them_do() -> None:
    """One member has nearly all the tickets: the others' prizes must not take for ever."""
    listed = TicketList.numbered([("A", 1), ("B", 10**17), ("C", 1)])
    assert {winner.member_code for winner in winners(announced(listed), listed, SEED)} == {"A", "B", "C"}


def test_winners_never_change() -> None:
    """A draw that was published must give the same winners in every later release."""
    listed = TicketList.numbered((member_code(bytes(CODE_KEY_BYTES), 1, number), number) for number in range(1, 101))
    told = announced(listed, source="a block's hash")
    assert listed.sha256() == "fc89d8803595168881ad579d14d9e81bd72b920849943100a0a6072b4881d193"
    assert winners(told, listed, SEED, "00000000000000000001") == (
        Winner(1, 3027, "PQGRKB6X3K3A33IR"),
        Winner(2, 419, "63TJUGKUF36TO3SE"),
        Winner(3, 2716, "O45MPHCOJV7RBTIN"),
    )


def test_winners_depend_on_seed_list_draw_and_public_value() -> None:
    listed = TicketList.numbered([("A", 10**15), ("B", 10**15), ("C", 10**15)])
    more = TicketList.numbered([("A", 10**15), ("B", 10**15), ("C", 10**15 + 1)])
    other = bytes(reversed(SEED))
    told = announced(listed, source="an index")
    tickets = {
        winners(told, listed, SEED, "1")[0].ticket,
        winners(told, listed, SEED, "2")[0].ticket,
        winners(announced(listed), listed, SEED)[0].ticket,
        winners(announced(more), more, SEED)[0].ticket,
        winners(announced(listed, seed=other), listed, other)[0].ticket,
        winners(replace(announced(listed), draw="yalda"), listed, SEED)[0].ticket,
        winners(replace(announced(listed), programme="other"), listed, SEED)[0].ticket,
    }
    assert len(tickets) == 7


def test_another_list_or_seed_than_the_announced_one_is_refused() -> None:
    listed = TicketList.numbered([("A", 1), ("B", 1), ("C", 1)])
    with pytest.raises(DrawError, match="list is not the one"):
        winners(announced(listed), TicketList.numbered([("A", 2), ("B", 1), ("C", 1)]), SEED)
    with pytest.raises(DrawError, match="seed is not the one"):
        winners(announced(listed), listed, bytes(SEED_BYTES))
    with pytest.raises(DrawError, match="seed is not the one"):
        winners(announced(listed, seed=SEED[:-1]), listed, SEED[:-1])


def test_no_tickets_no_draw() -> None:
    with pytest.raises(DrawError, match="nobody has a ticket"):
        require_enough(TicketList(()), Terms((POINTS,), repeat=True))


@pytest.mark.parametrize(
    ("source", "value", "complaint"),
    [
        ("a block's hash", "", "must be given: a block's hash"),
        ("", "00ab", "none can be mixed in now"),
        ("an index", "2,134,567", "digits and lower-case letters"),
        ("an index", "00AB", "digits and lower-case letters"),
        ("an index", " 1", "digits and lower-case letters"),
        ("an index", "1|2", "digits and lower-case letters"),
        ("an index", "۱۲", "digits and lower-case letters"),
        ("an index", "1" * 201, "digits and lower-case letters"),
    ],
)
def test_a_public_value_is_given_where_one_was_announced_in_one_spelling(
    source: str, value: str, complaint: str
) -> None:
    with pytest.raises(DrawError, match=complaint):
        require_entropy(Terms((POINTS,), entropy_source=source), value)


@pytest.mark.parametrize("value", ["000000000000000000012ab9", "2134567.8", "2026-12-20-1.5"])
def test_public_values_that_are_taken(value: str) -> None:
    require_entropy(Terms((POINTS,), entropy_source="an index"), value)
    require_entropy(Terms((POINTS,)), "")


# ── what is published, and the script that checks it ──


def test_nothing_of_the_outcome_is_published_at_the_close() -> None:
    listed = TicketList.numbered([("A", 1), ("B", 1), ("C", 1)])
    told = announced(listed)
    closed = published(told, None)
    revealed = published(told, Outcome(AT, SEED, "", winners(told, listed, SEED)))
    assert SEED.hex() not in json.dumps(closed)
    assert {"seed", "winners", "public_entropy", "revealed_at"} == revealed.keys() - closed.keys()
    assert {name: revealed[name] for name in closed} == closed
    assert closed["prizes"][:2] == [
        {"prize": 1, "thing": {"fa": "دوچرخه", "en": "a bicycle"}},
        {"prize": 2, "points": 10_000},
    ]


@pytest.fixture
def check(tmp_path: Path) -> Any:
    """Runs the very script that the public gets; returns its exit code and what it said."""

    def run(tickets: bytes, closed: dict[str, Any], revealed: dict[str, Any]) -> tuple[int, str]:
        paths = [tmp_path / name for name in ("tickets.csv", "closed.json", "revealed.json")]
        paths[0].write_bytes(tickets)
        paths[1].write_text(json.dumps(closed))
        paths[2].write_text(json.dumps(revealed))
        done = subprocess.run(
            [sys.executable, "-I", str(SCRIPT), *map(str, paths)], capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout + done.stderr

    return run


LISTED = TicketList.numbered((member_code(bytes(CODE_KEY_BYTES), 1, number), number) for number in range(1, 41))
FILE = b"".join(LISTED.lines())


def records(*, repeat: bool = False, source: str = "", value: str = "", prizes: int = 5) -> tuple[dict[str, Any], ...]:
    told = announced(LISTED, prizes=prizes, repeat=repeat, source=source)
    drawn = winners(told, LISTED, SEED, value)
    return published(told, None), published(told, Outcome(AT, SEED, value, drawn))


@pytest.mark.parametrize(
    "given", [{}, {"repeat": True, "prizes": 60}, {"source": "a hash", "value": "00ab"}, {"prizes": 40}]
)
def test_the_script_finds_the_same_winners(check: Any, given: dict[str, Any]) -> None:
    closed, revealed = records(**given)
    code, said = check(FILE, closed, revealed)
    assert code == 0, said
    for winner in revealed["winners"]:
        assert f"prize {winner['prize']}: ticket {winner['ticket']}, member {winner['member_code']}\n" in said


def test_the_script_finds_a_list_that_was_tampered_with(check: Any) -> None:
    closed, revealed = records()
    first, rest = FILE.split(b"\n", 1)
    fewer = first + b"\n" + rest.split(b"\n", 1)[1]
    for tampered in (fewer, FILE.replace(b"\n1,", b"\n01,"), FILE + b"821,830,ZZZZZZZZZZZZZZZZ\n"):
        assert tampered != FILE
        code, said = check(tampered, closed, revealed)
        assert (code, "NOT TRUE: this ticket list is the published one" in said) == (1, True)


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        ("1,2,A\n4,5,B", "no gap and no overlap"),
        ("1,2,A\n2,5,B", "no gap and no overlap"),
        ("1,2,A\n3,2,B", "whoever is listed has a ticket"),
        ("1,2,A\n3,5,A", "each member stands in the list once"),
        ("1,2,A\n3,6,B", "as many tickets as was told"),
    ],
)
def test_the_script_finds_a_published_list_that_is_not_fair(check: Any, lines: str, complaint: str) -> None:
    file = f"first,last,member_code\n{lines}\n".encode()
    closed, revealed = records()
    told = {"list_sha256": hashlib.sha256(file).hexdigest(), "members": 2, "tickets": 5}
    code, said = check(file, closed | told, revealed | told)
    assert (code, complaint in said) == (1, True), said


def test_the_script_finds_another_seed(check: Any) -> None:
    closed, revealed = records()
    code, said = check(FILE, closed, revealed | {"seed": bytes(SEED_BYTES).hex()})
    assert (code, said) == (1, "NOT TRUE: this seed is the one that was sealed\n")


def test_the_script_finds_another_winner(check: Any) -> None:
    closed, revealed = records()
    entry = next(each for each in LISTED.entries if each.first not in [w["ticket"] for w in revealed["winners"]])
    false = [*revealed["winners"]]
    false[2] = {"prize": 3, "ticket": entry.first, "member_code": entry.member_code}
    for told in (false, revealed["winners"][:-1], [*revealed["winners"], false[2]]):
        code, said = check(FILE, closed, revealed | {"winners": told})
        assert (code, "NOT TRUE: the winners are" in said) == (1, True)


@pytest.mark.parametrize(
    ("name", "value"),
    [("commitment", commitment(bytes(SEED_BYTES))), ("list_sha256", "00" * 32), ("repeat", True), ("prizes", [])],
)
def test_the_script_finds_what_was_changed_after_the_close(check: Any, name: str, value: object) -> None:
    closed, revealed = records()
    code, said = check(FILE, closed, revealed | {name: value})
    assert (code, said) == (1, f"NOT TRUE: it was changed after it was closed: {name}\n")


def test_the_script_finds_a_public_value_that_was_not_announced(check: Any) -> None:
    closed, revealed = records()
    code, said = check(FILE, closed, revealed | {"public_entropy": "00ab"})
    assert (code, "just where one was announced" in said) == (1, True)
    closed, revealed = records(source="a hash", value="00ab")
    assert check(FILE, closed, revealed | {"public_entropy": ""})[0] == 1
    assert check(FILE, closed, revealed | {"public_entropy": "00ac"})[0] == 1


@settings(max_examples=15, deadline=None)
@given(held=st.dictionaries(codes, st.integers(1, 6), min_size=3, max_size=8), seed=seeds, repeat=st.booleans())
def test_script_and_module_agree(
    tmp_path_factory: pytest.TempPathFactory, held: dict[str, int], seed: bytes, repeat: bool
) -> None:
    listed = TicketList.numbered(held.items())
    told = announced(listed, seed=seed, repeat=repeat)
    place = tmp_path_factory.mktemp("draw")
    (place / "tickets.csv").write_bytes(b"".join(listed.lines()))
    (place / "closed.json").write_text(json.dumps(published(told, None)))
    outcome = Outcome(AT, seed, "", winners(told, listed, seed))
    (place / "revealed.json").write_text(json.dumps(published(told, outcome)))
    files = [str(place / name) for name in ("tickets.csv", "closed.json", "revealed.json")]
    done = subprocess.run([sys.executable, "-I", str(SCRIPT), *files], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
