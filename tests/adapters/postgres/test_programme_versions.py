"""The life of a programme's versions: what each state is open to, who may do what, and what workers are told."""

import asyncio
import datetime as dt

import pytest

from adapters.postgres import programme_versions as versions
from adapters.postgres import reference
from adapters.postgres.connecting import connection
from adapters.postgres.errors import DatabaseError, ProgrammeRefused
from adapters.postgres.loading import load
from switch.programme import ProgrammeError
from tests.wire.conftest import BAZAAR

pytestmark = pytest.mark.integration

TEXT = (BAZAAR / "programmes" / "bazaar.yaml").read_text()
DOUBLE = TEXT.replace("per: 100000", "per: 50000")
TRIPLE = TEXT.replace("per: 100000", "per: 33333")


@pytest.fixture
def url(fresh_database_url: str, token_key: bytes) -> str:
    asyncio.run(load(fresh_database_url, token_key, BAZAAR))
    return fresh_database_url


async def states(url: str) -> list[tuple[int, str]]:
    return [(each.version, each.state) for each in await versions.listed(url, "bazaar")]


async def directory_of(url: str) -> tuple[int, list[int]]:
    async with connection(url) as opened:
        directory = await reference.load(opened)
    return directory.version, [programme.version for programme in directory.programmes]


async def test_a_draft_decides_nothing_until_somebody_else_makes_it_live(url: str) -> None:
    before, live = await directory_of(url)
    assert live == [1]
    assert await versions.submit(url, DOUBLE, maker="sara") == ("bazaar", 2)
    assert await states(url) == [(1, "live"), (2, "draft")]
    with pytest.raises(ProgrammeRefused, match="somebody else must check it"):
        await versions.activate(url, "bazaar", 2, checker="sara")
    with pytest.raises(ProgrammeRefused, match="somebody else must check it"):
        await versions.activate(url, "bazaar", 2, checker="  sara ")
    assert (await directory_of(url))[1] == [1]
    await versions.activate(url, "bazaar", 2, checker="reza")
    assert await states(url) == [(1, "retired"), (2, "live")]
    after, live = await directory_of(url)
    assert live == [2]
    assert after > before
    second = (await versions.listed(url, "bazaar"))[1]
    assert (second.made_by, second.checked_by) == ("sara", "reza")
    assert second.live_at is not None
    assert second.live_at - dt.datetime.now(dt.UTC) < dt.timedelta(minutes=1)
    assert await versions.source(url, "bazaar", 2) == DOUBLE


async def test_one_shadow_at_a_time(url: str) -> None:
    await versions.submit(url, DOUBLE, maker="sara")
    await versions.submit(url, TRIPLE, maker="sara")
    await versions.put_in_shadow(url, "bazaar", 2)
    await versions.put_in_shadow(url, "bazaar", 3)
    assert await states(url) == [(1, "live"), (2, "retired"), (3, "shadow")]
    await versions.activate(url, "bazaar", 3, checker="reza")
    assert await states(url) == [(1, "retired"), (2, "retired"), (3, "live")]


async def test_a_draft_or_a_shadow_can_be_withdrawn_and_a_live_version_cannot(url: str) -> None:
    await versions.submit(url, DOUBLE, maker="sara")
    await versions.withdraw(url, "bazaar", 2)
    assert await states(url) == [(1, "live"), (2, "retired")]
    with pytest.raises(ProgrammeRefused, match="version 1 is live"):
        await versions.withdraw(url, "bazaar", 1)
    with pytest.raises(ProgrammeRefused, match="version 2 is retired"):
        await versions.activate(url, "bazaar", 2, checker="reza")
    # A text that was withdrawn may be submitted again, as a version of its own.
    assert await versions.submit(url, DOUBLE, maker="sara") == ("bazaar", 3)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (TEXT, "has this very text already: version 1, live"),
        (TEXT.replace("owner: KHATAM", "owner: ARYASTORES"), "has another owner"),
        (TEXT.replace("currency: 364", "currency: 840"), "cannot become 840"),
        (TEXT.replace("owner: KHATAM", "owner: NOBODY"), "institution NOBODY"),
    ],
)
async def test_what_is_not_taken(url: str, text: str, reason: str) -> None:
    before = await directory_of(url)
    with pytest.raises(DatabaseError, match=reason):
        await versions.submit(url, text, maker="sara")
    assert await states(url) == [(1, "live")]
    assert await directory_of(url) == before


async def test_a_text_with_mistakes_names_them(url: str) -> None:
    with pytest.raises(ProgrammeError) as caught:
        await versions.submit(url, TEXT.replace("points:", "pionts:"), maker="sara")
    assert caught.value.problems[0].line == TEXT[: TEXT.index("points:")].count("\n") + 1


@pytest.mark.parametrize("user", ["", "   ", "x" * 65, "a\nb"])
async def test_a_user_has_a_name(url: str, user: str) -> None:
    with pytest.raises(ProgrammeRefused, match="a user is"):
        await versions.submit(url, DOUBLE, maker=user)


async def test_what_is_not_there(url: str) -> None:
    with pytest.raises(ProgrammeRefused, match="no programme nowhere"):
        await versions.activate(url, "nowhere", 1, checker="reza")
    with pytest.raises(ProgrammeRefused, match="no version 9"):
        await versions.put_in_shadow(url, "bazaar", 9)


async def test_a_new_programme_begins_as_a_draft(url: str) -> None:
    other = TEXT.replace("programme: bazaar", "programme: other")
    assert await versions.submit(url, other, maker="sara") == ("other", 1)
    assert (await directory_of(url))[1] == [1]
    await versions.activate(url, "other", 1, checker="reza")
    assert (await directory_of(url))[1] == [1, 1]


async def test_partners_come_and_go_with_the_live_version(url: str) -> None:
    with_partner = TEXT + "partners:\n  - {institution: ARYASTORES, role: both, redeem_price: 90}\n"
    await versions.submit(url, with_partner, maker="sara")

    async def participants() -> int:
        async with connection(url) as opened:
            return len((await reference.load(opened)).programmes[0].participants)

    assert await participants() == 1
    await versions.activate(url, "bazaar", 2, checker="reza")
    assert await participants() == 2
    await versions.submit(url, DOUBLE, maker="sara")
    await versions.activate(url, "bazaar", 3, checker="reza")
    assert await participants() == 1


async def test_clubs_come_with_the_live_text(url: str) -> None:
    async def clubs() -> dict[str, tuple[object, ...]]:
        async with connection(url) as opened:
            rows = await opened.fetch(
                "SELECT code, name, open, fee, fee_may_be_owed, required, audience FROM club ORDER BY code"
            )
        return {row["code"]: tuple(row)[1:] for row in rows}

    gold = "  - {code: GOLD, name: Gold, fee: 5000, fee_due: true, required: [name, birth_date, region], min_age: 18}\n"
    await versions.submit(url, DOUBLE + "clubs:\n" + gold, maker="sara")
    # Its number is there for conditions, and nobody joins what nobody has checked.
    assert await clubs() == {"GOLD": ("Gold", False, 0, False, [], "customers")}
    await versions.activate(url, "bazaar", 2, checker="reza")
    live = ("Gold", True, 5_000, True, ["NA", "BD", "RE"], "customers")
    assert await clubs() == {"GOLD": live}
    # A draft changes no terms, and one that is withdrawn opens nothing.
    staff = "  - {code: STAFF, name: Staff, audience: employees}\n"
    await versions.submit(url, DOUBLE + "clubs:\n" + gold.replace("5000", "6000") + staff, maker="sara")
    await versions.put_in_shadow(url, "bazaar", 3)
    assert await clubs() == {"GOLD": live, "STAFF": ("Staff", False, 0, False, [], "employees")}
    await versions.withdraw(url, "bazaar", 3)
    assert (await clubs())["STAFF"][1] is False
    # What the live text leaves out takes nobody any more, and keeps its number and its members.
    await versions.submit(url, DOUBLE + "clubs:\n" + staff, maker="sara")
    await versions.activate(url, "bazaar", 4, checker="reza")
    closed = ("Gold", False, *live[2:])
    assert await clubs() == {"GOLD": closed, "STAFF": ("Staff", True, 0, False, [], "employees")}
    await versions.submit(url, DOUBLE + "clubs:\n" + gold + staff, maker="sara")
    assert (await clubs())["GOLD"] == closed
    await versions.activate(url, "bazaar", 5, checker="reza")
    assert (await clubs())["GOLD"] == live


async def test_tags_are_given_once_for_all_versions(url: str) -> None:
    for count in (2, 1, 16):
        tags = ", ".join(f"t{number}" for number in range(16 - count, 16))
        await versions.submit(url, DOUBLE + f"tags: [{tags}]\n", maker="sara")
    async with connection(url) as opened:
        (programme,) = (await reference.load(opened)).programmes
    kept = {name: slot for (kind, name), slot in programme.slots.items() if kind == "tag"}
    assert (kept["t14"], kept["t15"]) == (4_095, 4_094)
    assert sorted(kept.values()) == list(range(4_080, 4_096))
    with pytest.raises(DatabaseError, match="programme bazaar has had more than 16 tags"):
        await versions.submit(url, DOUBLE + "tags: [one_more]\n", maker="sara")


async def test_of_many_who_submit_at_once_each_gets_a_version(url: str) -> None:
    texts = [TEXT.replace("per: 100000", f"per: {each}") for each in range(1_000, 1_006)]
    taken = await asyncio.gather(*(versions.submit(url, text, maker="sara") for text in texts))
    assert sorted(version for _, version in taken) == [2, 3, 4, 5, 6, 7]
