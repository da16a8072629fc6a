"""Tier years, notice, referral and tags in a programme's text: what is taken and what is refused, by line."""

import pytest

from switch.programme.errors import ProgrammeError
from tests.switch.programme.programmes import HEAD, ONE_RULE, load

TIERS = "tiers: [{id: silver, from: {points: 3}}]\n"


def test_a_tier_year_becomes_the_table_s_header() -> None:
    assert load(ONE_RULE).kernel.table[0][6:] == (0, 0, 0)
    assert load(ONE_RULE + TIERS + "tier_year: {begins: december}\n").kernel.table[0][7:] == (12, 0)
    assert load(ONE_RULE + TIERS + "tier_year: {begins: march, grace: 366 days}\n").kernel.table[0][7:] == (3, 366)


def test_tags_have_slots_and_do_not_count_as_counters() -> None:
    names = [f"t{number}" for number in range(16)]
    programme = load(ONE_RULE + f"tags: [{', '.join(names)}]\n")
    assert [name for kind, name in programme.slots if kind == "tag"] == names


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("tier_year: {begins: march}\n", "line 9: tier_year: there are no tiers that a year could be for"),
        (TIERS + "tier_year: {}\n", "the key begins is required"),
        (TIERS + "tier_year: {begins: 3}\n", "tier_year.begins: should be 'january'"),
        (TIERS + "tier_year: {begins: March}\n", "tier_year.begins: should be 'january'"),
        (TIERS + "tier_year: {begins: may, grace: 367 days}\n", "tier_year.grace: should be less than or equal to 366"),
        (TIERS + "tier_year: {begins: may, grace: 0 days}\n", "tier_year.grace: should be `1 day`"),
        (TIERS + "tier_year: {begins: may, grace: 9999999999 days}\n", "tier_year.grace: should be `1 day`"),
        (TIERS + "tier_year: {begins: may, grase: 5 days}\n", "unknown key 'grase'; did you mean grace"),
        (TIERS + "tier_year: may\n", "tier_year"),
        ("referral: {}\n", "should say what the referrer, the member or the ambassador gets"),
        ("referral: {member: {}}\n", "should give points, credit or both"),
        ("referral: {member: {points: 0}}\n", "referral.member.points"),
        ("referral: {member: {points: -5}}\n", "referral.member.points"),
        ("referral: {member: {points: 9999999999999}}\n", "referral.member.points"),
        ("referral: {member: {points: 20%}}\n", "referral.member.points"),
        ("referral: {friend: {points: 5}}\n", "unknown key 'friend'"),
        ("referral: {ambassador: {points: 5}}\n", "nobody can be an ambassador: add `tags: [ambassador]`"),
        ("tags: [a, a]\n", "tags[1]: a tag a is there already"),
        ("tags: [A]\n", "tags[0]: should be a name"),
        (f"tags: [{', '.join(f't{number}' for number in range(17))}]\n", "tags"),
    ],
)
def test_what_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ProgrammeError) as refused:
        load(ONE_RULE + text)
    assert reason in str(refused.value)


@pytest.mark.parametrize("notice", ["0 days", "93 days", "30", "soon", "-1 days"])
def test_a_notice_that_is_none(notice: str) -> None:
    text = HEAD.replace("24 months", f"24 months, notice: {notice}") + "rules:\n  - {id: a, then: {points: 1}}\n"
    with pytest.raises(ProgrammeError, match=r"point\.notice"):
        load(text)
