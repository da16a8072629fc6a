"""Connections: each way of failing is one sentence, and none shows a password."""

import asyncio

import pytest

from adapters.postgres.connecting import connect, connection, maintenance, place_of
from adapters.postgres.errors import DatabaseError, DatabaseUnreachable


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("postgresql://sara:hunter2@db.example:6432/loyalty", "db.example:6432, database loyalty"),
        ("postgresql:///loyalty?host=/run/postgresql", "/run/postgresql, database loyalty"),
        ("postgresql://db", "db, database (default)"),
        ("postgresql://sara:hunter2@db:port/x", "that URL"),
    ],
)
def test_a_place_is_shown_without_user_and_password(url: str, place: str) -> None:
    assert place_of(url) == place


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://sara:hunter2@127.0.0.1:1/loyalty", "connection refused"),
        ("postgresql://sara:hunter2@no-such-host.invalid/loyalty", "out of reach at no-such-host.invalid"),
        ("postgresql://sara:hunter2@/loyalty?host=/nowhere", "out of reach at /nowhere"),
        ("mysql://sara:hunter2@db/loyalty", "must look like postgresql://"),
        ("hunter2", "must look like postgresql://"),
        ("postgresql://sara:hunter2@db:port/loyalty", "must look like postgresql://"),
    ],
)
async def test_each_failure_is_one_sentence(url: str, said: str) -> None:
    with pytest.raises(DatabaseUnreachable, match=said) as unreachable:
        await connect(url)
    assert "hunter2" not in str(unreachable.value)
    assert unreachable.value.__cause__ is None


async def test_a_server_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.postgres.connecting.CONNECT_TIMEOUT_S", 0.05)
    server = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(DatabaseUnreachable, match="no answer"):
        await connect(f"postgresql://sara@127.0.0.1:{port}/loyalty")
    server.close()


async def test_a_server_that_speaks_something_else_is_given_up() -> None:
    def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(DatabaseUnreachable):
        await connect(f"postgresql://sara@127.0.0.1:{port}/loyalty")
    server.close()


@pytest.mark.integration
async def test_a_database_that_is_not_there(database_url: str) -> None:
    with pytest.raises(DatabaseUnreachable, match=r"no such database.*CREATE DATABASE"):
        await connect(database_url.replace("/test_", "/not_there_"))


@pytest.mark.integration
async def test_a_connection_that_breaks_is_unreachable_too(database_url: str) -> None:
    with pytest.raises(DatabaseUnreachable, match="broke"):
        async with connection(database_url) as opened:
            await opened.fetchval("SELECT pg_terminate_backend(pg_backend_pid())")


@pytest.mark.integration
async def test_a_user_without_the_right_is_told_so(database_url: str) -> None:
    with pytest.raises(DatabaseError, match="may not do this"):
        async with connection(database_url) as opened:
            await opened.execute("SET ROLE pg_monitor; CREATE TABLE public.theirs ()")


@pytest.mark.integration
async def test_a_standby_is_told_from_the_primary(database_url: str) -> None:
    read_only = f"{database_url}&options=-c%20default_transaction_read_only%3Don"
    with pytest.raises(DatabaseError, match="name the primary"):
        async with connection(read_only) as opened:
            await opened.execute("CREATE TABLE theirs ()")


@pytest.mark.integration
async def test_maintenance_takes_turns(database_url: str) -> None:
    order = []

    async def work(name: str, started: asyncio.Event, go_on: asyncio.Event) -> None:
        async with connection(database_url) as opened, maintenance(opened):
            order.append(f"{name} begins")
            started.set()
            await go_on.wait()
            order.append(f"{name} ends")

    first_started, second_started, go_on = asyncio.Event(), asyncio.Event(), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(work("first", first_started, go_on))
        await first_started.wait()
        group.create_task(work("second", second_started, go_on))
        async with connection(database_url) as observer:
            while not await observer.fetchval(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            ):
                pass
        go_on.set()
    assert order == ["first begins", "first ends", "second begins", "second ends"]
