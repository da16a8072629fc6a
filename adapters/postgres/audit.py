"""The audit: does what is kept agree with itself? Invariants I1 to I8 of the ledger, each as a query.

It reads one snapshot, so it may run beside a busy switch. I9, replaying decisions, needs more than SQL.
"""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from adapters.postgres.connecting import Connection, connection
from adapters.postgres.migrations import require_schema
from adapters.postgres.queries import named

WORK_MEMORY = "128MB"

_COMMENT = re.compile(r"^-- ?(.*)$")


@dataclass(frozen=True, slots=True)
class Check:
    """One query: its name, the invariant it belongs to (`I1` …), and what must hold."""

    name: str
    invariant: str
    statement: str
    query: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found: no rows if all is well, else the first of those that break it, under `columns`."""

    check: Check
    seconds: float
    columns: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]

    @property
    def sound(self) -> bool:
        """Whether the invariant holds."""
        return not self.rows


def checks() -> list[Check]:
    """Every check, in order."""
    return [_check(name, text) for name, text in named("audit").items()]


def _check(name: str, text: str) -> Check:
    said = []
    for line in text.splitlines():
        match = _COMMENT.match(line)
        if not match:
            break
        said.append(match[1])
    return Check(name, name.split("_", 1)[0].upper(), " ".join(said), text)


async def audit(url: str, report: Callable[[Finding], None] = lambda _finding: None) -> list[Finding]:
    """Run every check; `report` hears of each as it ends. Raises `MigrationError`, `DatabaseUnreachable`."""
    async with connection(url, application="loyalty-switch audit") as opened:
        await require_schema(opened)
        async with opened.transaction(isolation="repeatable_read", readonly=True):
            await opened.execute(f"SET LOCAL work_mem = '{WORK_MEMORY}'; SET LOCAL jit = off")
            return await examine(opened, report)


async def examine(opened: Connection, report: Callable[[Finding], None] = lambda _finding: None) -> list[Finding]:
    """Run every check within the caller's transaction."""
    findings = []
    for check in checks():
        finding = await _run(opened, check)
        report(finding)
        findings.append(finding)
    return findings


async def _run(opened: Connection, check: Check) -> Finding:
    started = time.perf_counter()
    statement = await opened.prepare(check.query)
    rows = await statement.fetch()
    columns = tuple(attribute.name for attribute in statement.get_attributes())
    return Finding(check, time.perf_counter() - started, columns, tuple(tuple(row) for row in rows))
