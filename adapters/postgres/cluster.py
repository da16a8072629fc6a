"""One PostgreSQL data directory and the processes on it: make, start, stop, and what may have gone wrong
before.
"""

import hashlib
import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from adapters.postgres.binaries import ServiceUser
from adapters.postgres.errors import EmbeddedServerError
from adapters.postgres.tuning import configuration

SOCKET_NAME = ".s.PGSQL.5432"
SOCKET_PATH_BYTES_MAX = 100
"""The kernel's bound is 104 to 108 bytes."""
START_TIMEOUT_S = 600
"""Recovery after a crash may read gigabytes of log."""
STOP_TIMEOUT_S = 60
PROGRAM_TIMEOUT_S = START_TIMEOUT_S + 30
LEFTOVER_ATTEMPTS = 50
LEFTOVER_PAUSE_S = 0.2
LEFTOVER_SIGN = "pre-existing shared memory block"
LOG_TAIL_BYTES = 1_500
IMPOSSIBLE_PID = 999_999_999

_OWN_CONFIGURATION = "loyalty.conf"
_START_LOG = "start.log"


WAL_SEGMENT_MB = 2
"""A new segment of the log is filled with zeros and synchronised while commits wait: 16 MB, the usual size, held them
up for 13 to 45 ms each half second under load, 2 MB for about two."""


class Cluster:
    """A data directory. Not safe for use by two processes at once: the caller sees to that."""

    def __init__(self, data: Path, programs: Path, user: ServiceUser) -> None:
        self.data = data
        self.programs = programs
        self.user = user
        self.lz4 = False

    @property
    def exists(self) -> bool:
        """Whether there is data."""
        return (self.data / "PG_VERSION").exists()

    @property
    def major(self) -> int:
        """The major version that the data was made by."""
        return int((self.data / "PG_VERSION").read_text().split(".")[0])

    @property
    def pid(self) -> int | None:
        """The process id of the server on this data; None if none runs."""
        pid = self._noted_pid()
        return pid if pid is not None and self._serves_this_data(pid) else None

    @property
    def socket_directory(self) -> Path:
        """Where the socket lies: in the data directory, unless its path is too long for a socket."""
        if len(os.fsencode(self.data / SOCKET_NAME)) <= SOCKET_PATH_BYTES_MAX:
            return self.data
        digest = hashlib.sha256(os.fsencode(self.data)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"loyalty-switch-{digest}"

    def make(self) -> None:
        """Make the data directory (`initdb`)."""
        self._make_closed(self.data)
        self._run(
            "initdb",
            [
                "--auth=trust",
                "--encoding=UTF8",
                "--locale=C",
                "--username=postgres",
                f"--wal-segsize={WAL_SEGMENT_MB}",
                "-D",
                str(self.data),
            ],
            f"Cannot make a PostgreSQL data directory in {self.data}",
        )
        with (self.data / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.write(f"\ninclude_if_exists = '{_OWN_CONFIGURATION}'\n")

    def start(self) -> None:
        """Start the server and wait until it answers; nothing if it runs."""
        if self.pid is not None:
            return
        self._forget_dead_pid()
        socket_directory = self.socket_directory
        if socket_directory != self.data:
            self._make_closed(socket_directory)
        self._configure(socket_directory)
        log = ""
        for _ in range(LEFTOVER_ATTEMPTS):
            (self.data / _START_LOG).unlink(missing_ok=True)
            started = time.time()
            if self._try_start() == 0:
                return
            log = self._log_tail(since=started - 1.0)
            # A server that was killed leaves its sessions behind for a moment; they end by themselves.
            if LEFTOVER_SIGN not in log:
                break
            time.sleep(LEFTOVER_PAUSE_S)
        raise EmbeddedServerError(f"PostgreSQL does not start on {self.data}. Its log ends with:\n{log}")

    def stop(self) -> None:
        """Stop the server if it runs: sessions are broken off, what was committed is kept."""
        if self.pid is not None:
            self._run(
                "pg_ctl",
                ["-w", "-m", "fast", "-t", str(STOP_TIMEOUT_S), "-D", str(self.data), "stop"],
                f"PostgreSQL on {self.data} does not stop",
            )

    def make_database(self, name: str) -> None:
        """Make a database unless it exists."""
        if name not in self._psql("SELECT datname FROM pg_database").split():
            self._psql(f'CREATE DATABASE "{name}"')

    def _psql(self, statement: str) -> str:
        return self._run(
            "psql",
            ["-XAtq", "-h", str(self.socket_directory), "-U", "postgres", "-d", "postgres", "-c", statement],
            f"PostgreSQL on {self.data} does not answer",
        )

    def _configure(self, socket_directory: Path) -> None:
        quoted = str(socket_directory).replace("'", "''")
        text = configuration(self.data, lz4=self.lz4) + f"unix_socket_directories = '\"{quoted}\"'\n"
        path = self.data / _OWN_CONFIGURATION
        path.write_text(text, encoding="utf-8")
        self._give_to_user(path, 0o600)

    def _try_start(self) -> int:
        arguments = [
            "-w",
            "-t",
            str(START_TIMEOUT_S),
            "-l",
            str(self.data / _START_LOG),
            "-D",
            str(self.data),
            "start",
        ]
        return self._execute("pg_ctl", arguments)[0]

    def _noted_pid(self) -> int | None:
        try:
            return int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            return None

    def _serves_this_data(self, pid: int) -> bool:
        """Whether a process is the server that its note says. Process ids are used again, above all in
        containers.
        """
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            pass
        command = Path(f"/proc/{pid}/cmdline")
        if not Path("/proc/self").exists():
            return True
        try:
            return os.fsencode(self.data) in command.read_bytes().split(b"\0")
        except OSError:
            return False

    def _forget_dead_pid(self) -> None:
        """A server that was killed leaves notes of its process id; PostgreSQL refuses to start while
        something has it.

        That may be another process by now, or the dead server itself where nobody buries it (a container
        without init). The notes stay but for the number: by them PostgreSQL makes sure that no session of the
        killed server is at work.
        """
        for path in (self.data / "postmaster.pid", self.socket_directory / f"{SOCKET_NAME}.lock"):
            if path.exists():
                rest = path.read_text().split("\n", 1)[1:]
                path.write_text("\n".join([str(IMPOSSIBLE_PID), *rest]))

    def _log_tail(self, since: float) -> str:
        """The end of what was logged, by a server that was started at `since` (epoch seconds)."""
        logs = [self.data / _START_LOG, *(self.data / "log").glob("*.log")]
        written = sorted((path.stat().st_mtime, path) for path in logs if path.exists())
        text = "".join(
            path.read_bytes()[-LOG_TAIL_BYTES:].decode(errors="replace") for at, path in written if at >= since
        )
        return text.strip()[-LOG_TAIL_BYTES:] or "(nothing was logged)"

    def _make_closed(self, directory: Path) -> None:
        """A directory that only the server's user (and root) may enter."""
        directory.mkdir(exist_ok=True)
        owner = os.geteuid() if self.user.uid is None else self.user.uid
        if directory.is_symlink() or directory.stat().st_uid not in (owner, os.geteuid()):
            raise EmbeddedServerError(f"{directory} belongs to somebody else: remove it.")
        self._give_to_user(directory, 0o700)

    def _give_to_user(self, path: Path, mode: int) -> None:
        path.chmod(mode)
        if self.user.uid is not None and self.user.gid is not None:
            os.chown(path, self.user.uid, self.user.gid)

    def _run(self, program: str, arguments: Sequence[str], what_failed: str) -> str:
        code, output, errors = self._execute(program, arguments)
        if code:
            raise EmbeddedServerError(f"{what_failed}: {errors or output or f'{program} ended with code {code}'}")
        return output

    def _execute(self, program: str, arguments: Sequence[str]) -> tuple[int, str, str]:
        """Run a program as the server's user; returns its exit code and what it said.

        Not through pipes: the server would inherit them, and reading them would wait for its end.
        """
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
            try:
                code = subprocess.run(  # noqa: S603
                    [self.programs / program, *arguments],
                    check=False,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=errors,
                    cwd="/",
                    env={**environment, "LC_ALL": "C"},
                    start_new_session=True,
                    timeout=PROGRAM_TIMEOUT_S,
                    **self.user.as_arguments(),  # type: ignore[call-overload]
                ).returncode
            except (OSError, subprocess.SubprocessError) as fault:
                raise EmbeddedServerError(f"Cannot run PostgreSQL's {program}: {fault}.") from None
            output.seek(0)
            errors.seek(0)
            return code, output.read().strip(), errors.read().strip()
