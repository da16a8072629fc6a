"""Draws in the database: who takes part, what is sealed, who may do what, and that a result stays."""

import asyncio
import hashlib
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from adapters.postgres import draws
from adapters.postgres.connecting import connection
from adapters.postgres.draw_prizes import read_terms
from adapters.postgres.errors import DrawRefused, LoadingError
from switch.draws import DrawError, Prize, PrizeKind, Terms
from switch.tokens import TokenError, Tokens
from tests.adapters.postgres.ticket_holders import (
    ALL_TICKETS,
    BLOCKED,
    MEMBERS,
    PRIZES,
    SLOT,
    TICKETS,
    counters,
    fill,
    give,
    number_of,
)

POINTS = Prize(PrizeKind.POINTS, 10_000)
TERMS = Terms((Prize(PrizeKind.THING, name_fa="دوچرخه", name_en="a bicycle"), POINTS, Prize(PrizeKind.CREDIT, 5)))
SOURCE = "hash of the first Bitcoin block found after 2026-12-20 09:00 UTC"


@pytest.fixture
def url(fresh_database_url: str, token_key: bytes) -> str:
    fill(fresh_database_url, token_key)
    return fresh_database_url


async def balances(url: str) -> list[asyncpg.Record]:
    async with connection(url) as opened:
        found: list[asyncpg.Record] = await opened.fetch("SELECT * FROM account ORDER BY shard, id")
    return found


@pytest.mark.integration
async def test_whoever_has_tickets_and_is_not_blocked_takes_part(url: str, token_key: bytes) -> None:
    closed = await draws.close(url, "bazaar", "nowruz", TERMS, user="sara")
    assert (closed.announced.members, closed.announced.tickets) == (MEMBERS, ALL_TICKETS)
    listed = await draws.tickets(url, "bazaar", "nowruz")
    assert listed.sha256() == closed.announced.list_sha256
    held = {}
    for serial in (*TICKETS, 6, 7, BLOCKED):
        entry = await draws.tickets_of(url, token_key, "bazaar", "nowruz", number_of(serial))
        if entry is not None:
            assert entry in listed.entries
            held[serial] = entry.tickets
    assert held == TICKETS


@pytest.mark.integration
async def test_a_member_is_found_by_a_mobile_too_and_nothing_else_is_taken(url: str, token_key: bytes) -> None:
    await draws.close(url, "bazaar", "nowruz", TERMS, user="sara")
    by_card = await draws.tickets_of(url, token_key, "bazaar", "nowruz", number_of(2))
    assert by_card is not None
    assert await draws.tickets_of(url, token_key, "bazaar", "nowruz", "0912 000 0002") == by_card
    assert await draws.tickets_of(url, token_key, "bazaar", "nowruz", "09129999999") is None
    with pytest.raises(TokenError):
        await draws.tickets_of(url, token_key, "bazaar", "nowruz", "12345")


@pytest.mark.integration
@pytest.mark.parametrize("column", ["status", "card_status"])
async def test_blocked_and_closed_accounts_stay_out(url: str, token_key: bytes, column: str) -> None:
    async with connection(url) as opened:
        token = Tokens(token_key, 64).card(number_of(5))
        await opened.execute(f"UPDATE account SET {column} = 2 WHERE shard = $1 AND id = $2", token.shard, token.id)
    closed = await draws.close(url, "bazaar", "nowruz", TERMS, user="sara")
    assert (closed.announced.members, closed.announced.tickets) == (MEMBERS - 1, ALL_TICKETS - TICKETS[5])


@pytest.mark.integration
async def test_the_list_names_nobody(url: str, token_key: bytes) -> None:
    await draws.close(url, "bazaar", "nowruz", TERMS, user="sara")
    text = b"".join((await draws.tickets(url, "bazaar", "nowruz")).lines()).decode()
    tokens = Tokens(token_key, 64)
    for serial in TICKETS:
        token = tokens.card(number_of(serial))
        for told in (number_of(serial), number_of(serial)[-9:], str(abs(token.id)), token.bytes.hex()):
            assert told not in text


@pytest.mark.integration
async def test_a_seed_is_the_systems_and_never_the_same(url: str) -> None:
    async with connection(url) as opened:
        await opened.execute("INSERT INTO programme_slot VALUES (1, 9, 'ticket', 'yalda')")
        await opened.execute("UPDATE account SET counters = counters || $1", counters((9, 0, 1)))
    one = await draws.close(url, "bazaar", "nowruz", TERMS, user="sara")
    other = await draws.close(url, "bazaar", "yalda", TERMS, user="sara")
    assert one.announced.commitment != other.announced.commitment
    codes = [
        {entry.member_code for entry in (await draws.tickets(url, "bazaar", name)).entries}
        for name in ("nowruz", "yalda")
    ]
    assert codes[0] & codes[1] == set()
    assert [each.announced.draw for each in await draws.listed_draws(url)] == ["nowruz", "yalda"]
    assert await draws.listed_draws(url, "other") == []


@pytest.mark.integration
async def test_the_seed_is_sealed_until_somebody_else_reveals_it(url: str) -> None:
    closed = await draws.close(url, "bazaar", "nowruz", TERMS, user="sara")
    assert (closed.outcome, closed.revealed_by) == (None, None)
    assert [each.state for each in closed.prizes] == ["open"] * 3
    for user in ("sara", " sara "):
        with pytest.raises(DrawRefused, match="somebody else must reveal it"):
            await draws.reveal(url, "bazaar", "nowruz", user=user)
    assert await draws.show(url, "bazaar", "nowruz") == closed
    revealed, is_new = await draws.reveal(url, "bazaar", "nowruz", user="reza")
    assert is_new
    assert revealed.announced == closed.announced
    assert (revealed.closed_by, revealed.revealed_by) == ("sara", "reza")
    assert revealed.outcome is not None
    assert hashlib.sha256(revealed.outcome.seed).hexdigest() == closed.announced.commitment


@pytest.mark.integration
async def test_prizes_are_owed_and_no_account_is_touched(url: str) -> None:
    await draws.close(url, "bazaar", "nowruz", TERMS, user="sara")
    before = await balances(url)
    revealed, _ = await draws.reveal(url, "bazaar", "nowruz", user="reza")
    assert await balances(url) == before
    assert [(each.number, each.prize, each.state) for each in revealed.prizes] == [
        (number, prize, "owed") for number, prize in enumerate(TERMS.prizes, 1)
    ]
    listed = await draws.tickets(url, "bazaar", "nowruz")
    assert revealed.outcome is not None
    for each in revealed.prizes:
        assert each.winner is not None
        assert listed.holder(each.winner.ticket).member_code == each.winner.member_code
        assert each.card_last_four is not None
    assert len({each.winner for each in revealed.prizes}) == 3


@pytest.mark.integration
async def test_a_result_stays(url: str) -> None:
    await draws.close(url, "bazaar", "nowruz", replace(TERMS, entropy_source=SOURCE), user="sara")
    first, _ = await draws.reveal(url, "bazaar", "nowruz", user="reza", public_entropy="00ab")
    assert await draws.reveal(url, "bazaar", "nowruz", user="mina", public_entropy="00ab") == (first, False)
    assert await draws.reveal(url, "bazaar", "nowruz", user="sara") == (first, False)
    with pytest.raises(DrawRefused, match="with another public value; that stays"):
        await draws.reveal(url, "bazaar", "nowruz", user="mina", public_entropy="00ac")
    assert await draws.show(url, "bazaar", "nowruz") == first


@pytest.mark.integration
async def test_of_many_who_reveal_at_once_all_get_one_result(url: str) -> None:
    await draws.close(url, "bazaar", "nowruz", TERMS, user="sara")
    results = await asyncio.gather(*(draws.reveal(url, "bazaar", "nowruz", user=f"user {n}") for n in range(6)))
    assert sorted(is_new for _, is_new in results) == [False] * 5 + [True]
    assert len({draw for draw, _ in results}) == 1


@pytest.mark.integration
async def test_a_draw_is_closed_once_whoever_is_first(url: str, token_key: bytes) -> None:
    results = await asyncio.gather(
        *(draws.close(url, "bazaar", "nowruz", TERMS, user=f"user {n}") for n in range(4)), return_exceptions=True
    )
    (closed,) = (each for each in results if isinstance(each, draws.Draw))
    assert sum(isinstance(each, DrawRefused) for each in results) == 3
    # Tickets that are earned afterwards don't count, and the list stays as it is.
    async with connection(url) as opened:
        await give(opened, Tokens(token_key, 64).card(number_of(6)), counters((SLOT, 0, 50)))
    with pytest.raises(DrawRefused, match="a draw is closed once"):
        await draws.close(url, "bazaar", "nowruz", TERMS, user="mina")
    assert (await draws.tickets(url, "bazaar", "nowruz")).tickets == closed.announced.tickets == ALL_TICKETS


@pytest.mark.integration
@pytest.mark.parametrize(
    ("source", "value", "complaint"), [(SOURCE, "", "must be given"), ("", "00ab", "none can be mixed in now")]
)
async def test_a_public_value_belongs_where_one_was_announced(
    url: str, source: str, value: str, complaint: str
) -> None:
    closed = await draws.close(url, "bazaar", "nowruz", replace(TERMS, entropy_source=source), user="sara")
    with pytest.raises(DrawError, match=complaint):
        await draws.reveal(url, "bazaar", "nowruz", user="reza", public_entropy=value)
    assert await draws.show(url, "bazaar", "nowruz") == closed


@pytest.mark.integration
async def test_a_list_that_was_changed_is_not_drawn_from(url: str) -> None:
    closed = await draws.close(url, "bazaar", "nowruz", TERMS, user="sara")
    async with connection(url) as opened:
        await opened.execute("UPDATE draw_ticket SET last = last + 10 WHERE last = $1", ALL_TICKETS)
    with pytest.raises(DrawError, match="not the one whose SHA-256 was published"):
        await draws.reveal(url, "bazaar", "nowruz", user="reza")
    assert await draws.show(url, "bazaar", "nowruz") == closed


@pytest.mark.integration
@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("draw SET revealed_at = now(), revealed_by = 'sara', public_entropy = ''", "closer_does_not_reveal"),
        ("draw SET revealed_at = now(), revealed_by = 'reza'", "revealed_as_a_whole"),
        ("draw SET revealed_at = now(), revealed_by = 'reza', public_entropy = '00ab'", "entropy_as_announced"),
        (
            r"draw SET seed = '\x0000000000000000000000000000000000000000000000000000000000000000'",
            "commitment_is_of_seed",
        ),
        ("draw_prize SET state = 'owed'", "owed_to_a_winner"),
        ("draw_prize SET ticket = 1, winner = 1", "owed_to_a_winner"),
        ("draw_prize SET amount = 0", "amount_or_name"),
        ("draw_prize SET amount = 1", "amount_or_name"),
        ("draw_prize SET name_fa = ''", "amount_or_name"),
    ],
)
async def test_the_database_itself_refuses(url: str, change: str, constraint: str) -> None:
    await draws.close(url, "bazaar", "nowruz", TERMS, user="sara")
    async with connection(url) as opened:
        with pytest.raises(asyncpg.CheckViolationError, match=constraint):
            await opened.execute(f"UPDATE {change}")


@pytest.mark.integration
@pytest.mark.parametrize(
    ("programme", "draw", "complaint"),
    [
        ("nowhere", "nowruz", "there is no programme nowhere"),
        ("bazaar", "cut", "ever gave tickets for cut"),
        ("bazaar", "nowruz", "is still open"),
    ],
)
async def test_what_is_not_there_is_said(url: str, programme: str, draw: str, complaint: str) -> None:
    for step in (draws.show(url, programme, draw), draws.tickets(url, programme, draw),
                 draws.reveal(url, programme, draw, user="reza")):  # fmt: skip
        with pytest.raises(DrawRefused, match=complaint):
            await step
    if draw != "nowruz" or programme == "nowhere":
        with pytest.raises(DrawRefused, match=complaint):
            await draws.close(url, programme, draw, TERMS, user="sara")


@pytest.mark.integration
async def test_a_draw_needs_tickets_and_enough_members(url: str) -> None:
    with pytest.raises(DrawError, match="7 prizes and only 6 members"):
        await draws.close(url, "bazaar", "nowruz", Terms((POINTS,) * 7), user="sara")
    with pytest.raises(DrawRefused, match="a user is"):
        await draws.close(url, "bazaar", "nowruz", TERMS, user=" ")
    async with connection(url) as opened:
        await opened.execute("UPDATE account SET counters = ''")
    with pytest.raises(DrawError, match="nobody has a ticket"):
        await draws.close(url, "bazaar", "nowruz", TERMS, user="sara")
    assert await draws.listed_draws(url) == []


# ── prizes.yaml ──


def test_prizes_are_counted_out(tmp_path: Path) -> None:
    file = tmp_path / "prizes.yaml"
    file.write_text(PRIZES)
    assert read_terms(file) == Terms(
        (
            Prize(PrizeKind.THING, name_fa="دوچرخه", name_en="a bicycle"),
            POINTS,
            POINTS,
            Prize(PrizeKind.CREDIT, 5_000_000),
        )
    )
    file.write_text(f"repeat: true\npublic_entropy: {SOURCE!r}\nprizes: [{{points: 1}}]\n")
    assert read_terms(file) == Terms((Prize(PrizeKind.POINTS, 1),), repeat=True, entropy_source=SOURCE)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("prizes: []", "prizes.yaml:1: prizes "),
        ("prizes:\n  - {points: 1, credit: 2}", "prizes.yaml:2: prizes.0 a prize is either points, credit or a thing"),
        ("prizes:\n  - {count: 2}", "prizes.yaml:2: prizes.0 a prize is either"),
        ("prizes:\n  - {points: 0}", "prizes.yaml:2: prizes.0.points must be"),
        ("prizes:\n  - {points: true}", "prizes.yaml:2: prizes.0.points must be"),
        ("prizes:\n  - {pionts: 1}", "prizes.yaml:2: prizes.0.pionts is not known here"),
        ("prizes:\n  - {thing: {en: a car}}", "prizes.yaml:2: prizes.0.thing.fa is missing"),
        ("prizes:\n  - {points: 1, count: 600}\n  - {points: 2, count: 600}", "at most 1000 prizes"),
        ("prizes: [{points: 1}]\npublic_entropy: ' x'", "prizes.yaml:2: public_entropy must be one line"),
        ("prizes: [", "prizes.yaml:1: not valid YAML"),
    ],
)
def test_mistakes_are_told_with_their_lines(tmp_path: Path, text: str, complaint: str) -> None:
    file = tmp_path / "prizes.yaml"
    file.write_text(text)
    with pytest.raises(LoadingError) as caught:
        read_terms(file)
    assert complaint in str(caught.value)
