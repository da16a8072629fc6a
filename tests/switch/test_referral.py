"""Referral codes: the same for ever, read however they are written, told by nobody without the key."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switch.referral import code_of, read_code
from switch.tokens import Tokens

TOKENS = Tokens(bytes(range(32)), 64)
MEMBER = (7, 4359035938563199262)
KNOWN = "21K90WQ0"


def test_a_code_does_not_change_between_releases() -> None:
    assert code_of(TOKENS, MEMBER).code == KNOWN


def test_the_next_attempt_and_another_key_give_other_codes() -> None:
    codes = {code_of(TOKENS, MEMBER, attempt).code for attempt in range(8)}
    codes.add(code_of(Tokens(bytes(32), 64), MEMBER).code)
    assert len(codes) == 9


@given(st.integers(0, 63), st.integers(-(2**63), 2**63 - 1))
def test_every_code_is_read_back_however_it_is_written(shard: int, number: int) -> None:
    made = code_of(TOKENS, (shard, number))
    assert re.fullmatch("[0-9A-HJKMNP-TV-Z]{8}", made.code)
    assert 0 <= made.shard < 64
    written = f" {made.code[:4]}-{made.code[4:]}".lower().replace("0", "o").replace("1", "l")
    assert read_code(TOKENS, written) == made


@pytest.mark.parametrize("text", ["", "ABC", "ABCDEFGHJ", "ABCDEFG!", "ABCDEFGU", "۱۲۳۴۵۶۷۸"])
def test_what_can_be_no_code(text: str) -> None:
    assert read_code(TOKENS, text) is None
