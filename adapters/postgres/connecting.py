"""Connections outside the hot path, and one clear sentence for each way in which they fail."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit

import asyncpg

from adapters.postgres.errors import DatabaseError, DatabaseUnreachable

CONNECT_TIMEOUT_S = 10.0
MAINTENANCE_LOCK = 0x4C4F59
"""Advisory lock of whatever changes schema or reference data in bulk: `migrate`, `load` and `seed` take
turns.
"""

Connection = asyncpg.Connection


def place_of(url: str) -> str:
    """Where a URL leads, without its user and password: fit for a message."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or (parse_qs(parts.query).get("host") or ["localhost"])[0]
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "that URL"
    return f"{host}{port}, database {parts.path.strip('/') or '(default)'}"


async def connect(
    url: str, *, application: str = "loyalty-switch", session: Mapping[str, str] | None = None
) -> Connection:
    """Open one connection; `session` are PostgreSQL's parameters that it begins with.

    Raises `DatabaseUnreachable`, whatever the reason was.
    """
    settings = {"application_name": application, **(session or {})}
    try:
        return await asyncpg.connect(url, timeout=CONNECT_TIMEOUT_S, server_settings=settings)
    except (OSError, TimeoutError, asyncio.IncompleteReadError) as fault:
        raise DatabaseUnreachable(
            f"PostgreSQL is out of reach at {place_of(url)} ({_reason(fault)}): check that it runs and that "
            "the URL is "
            "right."
        ) from None
    except (asyncpg.InvalidPasswordError, asyncpg.InvalidAuthorizationSpecificationError):
        raise DatabaseUnreachable(
            f"PostgreSQL at {place_of(url)} refuses this user: check the user and the password in the URL."
        ) from None
    except asyncpg.InvalidCatalogNameError:
        raise DatabaseUnreachable(
            f"PostgreSQL has no such database: {place_of(url)}. Make it first (CREATE DATABASE)."
        ) from None
    except asyncpg.PostgresError as fault:
        raise DatabaseUnreachable(f"PostgreSQL at {place_of(url)} refuses the connection: {fault}.") from None
    except (asyncpg.InterfaceError, ValueError):
        raise DatabaseUnreachable(
            "The database URL is not one: it must look like postgresql://user:password@host:5432/database."
        ) from None


def _reason(fault: Exception) -> str:
    if isinstance(fault, TimeoutError):
        return "no answer"
    if isinstance(fault, OSError) and fault.errno and fault.errno > 0:
        return os.strerror(fault.errno).lower()
    return "no such host" if isinstance(fault, OSError) else "the connection was closed"


@asynccontextmanager
async def connection(
    url: str, *, application: str = "loyalty-switch", session: Mapping[str, str] | None = None
) -> AsyncIterator[Connection]:
    """A connection for the length of a `with`; what breaks or forbids it meanwhile is a `DatabaseError`."""
    opened = await connect(url, application=application, session=session)
    try:
        yield opened
    except (asyncpg.PostgresConnectionError, asyncpg.AdminShutdownError, ConnectionError) as fault:
        raise DatabaseUnreachable(f"The connection to {place_of(url)} broke: {fault}. Run the command again.") from None
    except asyncpg.InsufficientPrivilegeError as fault:
        raise DatabaseError(f"The database user may not do this ({fault}): use the owner of the database.") from None
    except asyncpg.ReadOnlySQLTransactionError:
        raise DatabaseError(f"{place_of(url)} is read-only, as a standby is: name the primary server.") from None
    finally:
        # A close that waits may hang on a server that is gone (asyncpg #1356).
        try:
            await opened.close(timeout=CONNECT_TIMEOUT_S)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            opened.terminate()


@asynccontextmanager
async def maintenance(opened: Connection) -> AsyncIterator[None]:
    """Hold the maintenance lock for the length of a `with`; waits for whoever holds it."""
    await opened.execute("SELECT pg_advisory_lock($1)", MAINTENANCE_LOCK)
    try:
        yield
    finally:
        if not opened.is_closed():
            await opened.execute("SELECT pg_advisory_unlock($1)", MAINTENANCE_LOCK)
