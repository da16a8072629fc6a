"""The key of the card tokens: where it comes from, and whether it is the one the data was made with."""

import asyncio
import os
import secrets
import tempfile
from pathlib import Path

from adapters.postgres.connecting import Connection, connection
from adapters.postgres.errors import TokenKeyError
from adapters.postgres.migrations import require_schema
from switch.tokens import KEY_BYTES_MAX, KEY_BYTES_MIN, Tokens

KEY_FILE = "token.key"
KEY_BYTES = 32
VARIABLE = "LOYALTY_TOKEN_KEY"

_HOW_TO_MAKE = "python3 -c 'import secrets; print(secrets.token_hex(32))'"


def token_key(given: str | None, data_dir: Path | None) -> bytes:
    """The key: the one that is given as hex digits, else the one beside the embedded server's data, made if
    need be.

    `data_dir` is None for a database of one's own: there the key must be given, because whoever keeps it
    beside the cards' tokens has kept the cards. Raises `TokenKeyError`.
    """
    if given is not None:
        return _parse(given, VARIABLE)
    if data_dir is None:
        raise TokenKeyError(
            f"With a database of your own the key of the card tokens must be given in {VARIABLE}: 64 hex "
            "digits that you "
            f"keep safe and never change ({_HOW_TO_MAKE})."
        )
    path = data_dir / KEY_FILE
    try:
        if not path.exists():
            _make(path)
        return _parse(path.read_text(encoding="ascii").strip(), str(path))
    except (OSError, UnicodeDecodeError) as fault:
        reason = getattr(fault, "strerror", None) or "not text"
        raise TokenKeyError(f"The key of the card tokens cannot be read from {path} ({reason}).") from None


def _parse(text: str, source: str) -> bytes:
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if not KEY_BYTES_MIN <= len(key) <= KEY_BYTES_MAX:
        raise TokenKeyError(f"{source} must be {2 * KEY_BYTES_MIN} to {2 * KEY_BYTES_MAX} hex digits ({_HOW_TO_MAKE}).")
    return key


def _make(path: Path) -> None:
    """Write a new key, whole or not at all; if another process was faster, its key stays."""
    descriptor, name = tempfile.mkstemp(prefix=".token-", dir=path.parent)
    unfinished = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(KEY_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        unfinished.chmod(0o600)
        try:
            path.hardlink_to(unfinished)
        except FileExistsError:
            return
        directory = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    finally:
        unfinished.unlink()


def check(url: str, key: bytes) -> int:
    """Make sure that `key` is this database's, noting it at the first use; returns the number of shards.

    Raises `TokenKeyError`, `MigrationError` (the database was not migrated) and `DatabaseUnreachable`.
    """

    async def check_over_own_connection() -> int:
        async with connection(url) as opened:
            return (await tokens_of(opened, key)).shards

    return asyncio.run(check_over_own_connection())


async def tokens_of(opened: Connection, key: bytes) -> Tokens:
    """The tokens of this database by `key`. Raises `TokenKeyError` if it is not the key that the data was
    made with.
    """
    await require_schema(opened)
    shards = await opened.fetchval("SELECT value::integer FROM setting WHERE name = 'shards'")
    tokens = Tokens(key, shards)
    value = tokens.check_value()
    await opened.execute(
        "INSERT INTO setting (name, value) VALUES ('token_key_check', $1) ON CONFLICT (name) DO NOTHING",
        value,
    )
    if await opened.fetchval("SELECT value FROM setting WHERE name = 'token_key_check'") != value:
        raise TokenKeyError(
            "The key of the card tokens is not the one that this database was made with: no card would be "
            "found. Set "
            f"{VARIABLE} to that key, or put its file {KEY_FILE} back beside the data."
        )
    return tokens
