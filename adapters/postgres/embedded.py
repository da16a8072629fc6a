"""The embedded PostgreSQL: a real server from a wheel, kept between runs, reached through a socket in a
closed directory.

Processes share one server. Each holds a shared lock while it uses it; whoever lets go last stops it. A
process that is killed lets go as well, since locks die with their process: the server then goes on, and the
next process joins it. The socket trusts whoever reaches it, so it lies in a directory that only the server's
user (and root) may enter. There is no TCP.
"""

import fcntl
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO
from urllib.parse import quote

from adapters.postgres.binaries import first_closed_parent, has_lz4, major_version, programs, service_user
from adapters.postgres.cluster import Cluster
from adapters.postgres.errors import EmbeddedServerError

ROOT_PLACE = Path("/var/lib/loyalty-switch")
DATABASE = "loyalty"
_DATA = "postgres"
_UNFINISHED = "postgres.unfinished"


def default_place() -> Path:
    """Where data and key are kept: `LOYALTY_DATA_DIR`, else /var/lib/loyalty-switch as root, else the user's
    data.
    """
    chosen = os.environ.get("LOYALTY_DATA_DIR")
    if chosen:
        return Path(chosen).expanduser()
    if os.geteuid() == 0:
        return ROOT_PLACE
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "loyalty-switch"
    data_home = os.environ.get("XDG_DATA_HOME")
    return (Path(data_home) if data_home else Path.home() / ".local" / "share") / "loyalty-switch"


class EmbeddedServer:
    """A running server that this process uses. Made by `start`; `with` lets go of it at the end."""

    def __init__(self, place: Path, cluster: Cluster, use: IO[str]) -> None:
        self._place = place
        self._cluster = cluster
        self._use: IO[str] | None = use

    def __enter__(self) -> "EmbeddedServer":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"EmbeddedServer({str(self._place)!r})"

    @property
    def place(self) -> Path:
        """The directory that holds all of it: PostgreSQL's data, and the token key
        (adapters.postgres.secrets).
        """
        return self._place

    @property
    def url(self) -> str:
        """The URL of the switch's database."""
        return self.url_of(DATABASE)

    @property
    def pid(self) -> int | None:
        """The server's process id; None if it does not run."""
        return self._cluster.pid

    def url_of(self, database: str) -> str:
        """The URL of another database on this server."""
        host = quote(str(self._cluster.socket_directory), safe="/")
        return f"postgresql://postgres@/{quote(database, safe='')}?host={host}&port=5432"

    def stop(self) -> bool:
        """Let go of the server, and stop it unless another process uses it. Returns whether it stopped."""
        if self._use is None:
            return False
        with _one_at_a_time(self._place):
            use, self._use = self._use, None
            with use:
                try:
                    fcntl.flock(use, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    return False
                self._cluster.stop()
                return True

    def shut_down(self) -> None:
        """Stop the server whoever uses it: sessions are broken off, what was committed is kept."""
        with _one_at_a_time(self._place):
            self._cluster.stop()

    def start_up(self) -> None:
        """Start the server again after `shut_down`, or after it was killed; nothing if it runs."""
        with _one_at_a_time(self._place):
            self._cluster.start()


def start(data_dir: Path | None = None) -> EmbeddedServer:
    """Start the embedded server, or join it if it runs; make it if there is none.

    `data_dir` is the place that holds all of it (default: `default_place`). Raises `EmbeddedServerError`.
    """
    place = (default_place() if data_dir is None else data_dir).absolute()
    user = service_user()
    _make_place(place, closed_to_others=user.uid is None)
    closed = first_closed_parent(place / _DATA) if user.uid is not None else None
    if closed is not None:
        raise EmbeddedServerError(
            f"As root the data must lie where the system user of PostgreSQL can reach it, but {closed} is "
            "closed to "
            f"others (and is left so): choose another place with LOYALTY_DATA_DIR, such as {ROOT_PLACE}."
        )
    with _one_at_a_time(place):
        cluster = Cluster(place / _DATA, programs(user, place), user)
        if not cluster.exists:
            _make(cluster, place / _UNFINISHED)
        _check_version(cluster)
        cluster.start()
        cluster.make_database(DATABASE)
        use = _open_lock(place / ".use.lock")
        fcntl.flock(use, fcntl.LOCK_SH)
        return EmbeddedServer(place, cluster, use)


def _make_place(place: Path, *, closed_to_others: bool) -> None:
    try:
        for directory in reversed([place, *place.parents]):
            if not directory.exists():
                directory.mkdir()
                directory.chmod(0o700 if closed_to_others and directory == place else 0o755)
        if not os.access(place, os.W_OK | os.X_OK):
            raise PermissionError
    except OSError as fault:
        raise EmbeddedServerError(
            f"Cannot write in {place} ({fault.strerror or 'permission denied'}): choose another place with "
            "LOYALTY_DATA_DIR, or name a server with --database."
        ) from None


@contextmanager
def _one_at_a_time(place: Path) -> Iterator[None]:
    """Whoever starts or stops the server does so alone."""
    with _open_lock(place / ".start.lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _open_lock(path: Path) -> IO[str]:
    """A lock file that nobody else may open, and so hold."""
    return open(path, "a", encoding="ascii", opener=lambda name, flags: os.open(name, flags, 0o600))


def _make(cluster: Cluster, unfinished: Path) -> None:
    """Make the data directory; it appears whole or not at all, wherever this is killed."""
    if cluster.data.exists() and any(cluster.data.iterdir()):
        raise EmbeddedServerError(
            f"{cluster.data} holds something that is no PostgreSQL data: move it away, or choose another "
            "place with "
            "LOYALTY_DATA_DIR."
        )
    shutil.rmtree(unfinished, ignore_errors=True)
    Cluster(unfinished, cluster.programs, cluster.user).make()
    unfinished.rename(cluster.data)


def _check_version(cluster: Cluster) -> None:
    made_by, ours = cluster.major, major_version(cluster.programs)
    if made_by != ours:
        raise EmbeddedServerError(
            f"The data in {cluster.data} was made by PostgreSQL {made_by}, and this installation brings "
            f"{ours}: install "
            "the release that it was made with and dump it (pg_dump), move the directory away, and load the "
            "dump."
        )
    cluster.lz4 = has_lz4(cluster.programs)
