"""The token key: made once, kept closed, and told from a wrong one."""

import stat
from pathlib import Path

import pytest

from adapters.postgres.connecting import connection
from adapters.postgres.errors import MigrationError, TokenKeyError
from adapters.postgres.secrets import KEY_FILE, token_key, tokens_of

HEX = "ab" * 32


def test_a_given_key_is_taken(tmp_path: Path) -> None:
    assert token_key(HEX, None) == bytes.fromhex(HEX)
    assert token_key(HEX, tmp_path) == bytes.fromhex(HEX)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("given", ["", "ab" * 15, "ab" * 65, "zz" * 32, "ab" * 31 + "a"])
def test_an_unfit_key_is_refused_without_being_quoted(given: str) -> None:
    with pytest.raises(TokenKeyError, match="LOYALTY_TOKEN_KEY must be 32 to 128 hex digits") as refused:
        token_key(given, None)
    assert not given or given not in str(refused.value)


def test_a_database_of_ones_own_needs_a_key_and_is_told_how_to_make_one() -> None:
    with pytest.raises(TokenKeyError, match=r"LOYALTY_TOKEN_KEY.*token_hex\(32\)"):
        token_key(None, None)


def test_beside_the_embedded_server_it_is_made_once_and_closed(tmp_path: Path) -> None:
    key = token_key(None, tmp_path)
    assert len(key) == 32
    assert token_key(None, tmp_path) == key
    assert stat.S_IMODE((tmp_path / KEY_FILE).stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [KEY_FILE]


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"hello\n", b"ab" * 8])
def test_a_spoilt_file_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    (tmp_path / KEY_FILE).write_bytes(content)
    with pytest.raises(TokenKeyError, match=KEY_FILE):
        token_key(None, tmp_path)
    assert (tmp_path / KEY_FILE).read_bytes() == content


def test_another_process_may_be_faster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "exists", lambda _path: False)
    (tmp_path / KEY_FILE).write_text(HEX)
    assert token_key(None, tmp_path) == bytes.fromhex(HEX)


@pytest.mark.integration
async def test_a_database_knows_its_key(fresh_database_url: str) -> None:
    async with connection(fresh_database_url) as opened:
        assert (await tokens_of(opened, bytes(32))).shards == 64
        assert (await tokens_of(opened, bytes(32))).shards == 64
        with pytest.raises(TokenKeyError, match="not the one that this database was made with"):
            await tokens_of(opened, bytes.fromhex(HEX))
        kept = await opened.fetchval("SELECT value FROM setting WHERE name = 'token_key_check'")
        assert bytes(32).hex() not in kept


@pytest.mark.integration
async def test_without_a_schema_it_says_what_to_do(empty_database_url: str) -> None:
    async with connection(empty_database_url) as opened:
        with pytest.raises(MigrationError, match="loyalty-switch migrate"):
            await tokens_of(opened, bytes(32))
