"""Why the rules of a programme fired on a journal row or did not: the account as it was then, decided on again.

Nothing is guessed: unless the version that decided then comes to the very row that is there, it is said that the
reasons are not known.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from adapters.postgres.connecting import Connection
from adapters.postgres.queries import named
from adapters.postgres.replaying import compiler, names_of
from cext._kernel import Account, Decision, Request, decide
from cext.programme_table import UNBOUNDED_BUDGETS
from protocol.errors import TlvError
from protocol.tlv import parse
from switch.programme import CompiledProgramme
from switch.programme.errors import ProgrammeError
from switch.programme.why import Reasons
from switch.programme.why_told import Told, told
from switch.programme.why_words import NameOf, Words
from switch.simulation.before import Opening, account_before
from switch.simulation.drawn import budgets_then
from switch.simulation.history import BrokenHistory, Present, Row
from switch.simulation.reading import BasketReader
from switch.simulation.replay import APPROVED, Quarters, asking

_SQL = named("explaining")
_BY_RULES = ("05", "51", "65")
"""Declines that come after the rules were looked at."""
_LOOKING_AT_RULES = (0, 6000, 6500, 950_000)
"""DE3 of purchases, however paid, and of events."""
_LEGS = (
    "points_earned", "points_redeemed", "points_expired", "credit_granted", "credit_spent", "discount", "to_pay",
    "lots_moved", "rules", "counters_moved", "grants_moved",
)  # fmt: skip

NO_RULES = "Rules are looked at on purchases and events only; this message looks at none."
DECLINED = "It was declined before any rule was looked at."
LATER_ENROLLED = "The member enrolled after this message: club, age and the day of joining before that are not kept."
INCOMPLETE = (
    "The reasons are not known: the journal's rows of this account do not lead to the account as it is. "
    "It was used before the journal began, or days of the journal were archived."
)
DIFFERENT = (
    "The reasons are not known: decided again, the message does not come out as it did then. What the rules "
    "looked at (such as birth date or club) has changed since and is not in the journal."
)
TEXT_MISSING = "The reasons are not known: the text of the version that decided cannot be read by this release."


@dataclass(frozen=True, slots=True)
class _Version:
    """What one version of a programme needs to give its reasons."""

    compiled: CompiledProgramme
    reasons: Reasons
    words: Words
    read: BasketReader
    quarters: Quarters


@dataclass(frozen=True, slots=True)
class _Subject:
    """The row that is asked about, and the account before it."""

    row: Row
    mti: int
    response_code: str
    account: Account
    enrolled_later: bool


@dataclass(slots=True)
class Reasoner:
    """Gives reasons over one connection; versions are compiled once."""

    opened: Connection
    _versions: dict[tuple[int, int], _Version | None] = field(default_factory=dict)

    async def why(self, entry: asyncpg.Record) -> Told:
        """The reasons of a row of the query `entries`."""
        if entry["class"] != 2 or entry["processing_code"] not in _LOOKING_AT_RULES:
            return Told(NO_RULES)
        if entry["rc"] not in (APPROVED, *_BY_RULES) or entry["programme_id"] is None:
            return Told(DECLINED)
        version = await self._version(entry["programme_id"], entry["programme_version"])
        if version is None:
            return Told(TEXT_MISSING)
        try:
            subject = await self._subject(entry["shard"], entry["account"], entry["seq"], version.quarters)
        except BrokenHistory:
            return Told(INCOMPLETE)
        return _told(version, subject)

    async def _version(self, programme: int, number: int) -> _Version | None:
        key = (programme, number)
        if key not in self._versions:
            source = await self.opened.fetchval(_SQL["version_source"], programme, number)
            try:
                compiled = (await compiler(self.opened, programme))(source or "")
            except ProgrammeError:
                self._versions[key] = None
            else:
                words = Words(compiled, _name_of(await names_of(self.opened, programme)))
                self._versions[key] = _Version(
                    compiled, Reasons(compiled), words, BasketReader.of(compiled), Quarters(compiled.timezone)
                )
        return self._versions[key]

    async def _subject(self, shard: int, account: int, seq: int, quarters: Quarters) -> _Subject:
        """Raises `BrokenHistory`."""
        found = await self.opened.fetchrow(_SQL["account"], shard, account)
        if found is None:
            raise BrokenHistory
        *present, points, credit = found
        fetched = await self.opened.fetch(_SQL["account_rows"], shard, account, seq)
        approved = [each for each in fetched if each["rc"] == APPROVED]
        tiers = {each["seq"]: each["tier_after"] for each in approved}
        rows = [_row(each) for each in approved]
        before = account_before(Present(*present), rows, tiers, seq, Opening(points, credit), quarters.day)
        subject = next(each for each in fetched if each["seq"] == seq)
        enrolled_later = any(each[-1] for each in approved if each["seq"] > seq)
        if enrolled_later:
            before.club = before.born = 0
        return _Subject(_row(subject), subject["mti"], subject["rc"], before, enrolled_later)


def _row(record: asyncpg.Record) -> Row:
    return Row(*tuple(record)[: len(Row._fields)])


def _told(version: _Version, subject: _Subject) -> Told:
    for left in _budgets_left(version, subject):
        basket = version.read(subject.row.asked or "")
        request = asking(subject.row, version.quarters, basket, left, subject.account.reserves)
        if subject.response_code != APPROVED:
            _wish(request, subject)
        decision = decide(version.compiled.kernel, subject.account.copy(), request)
        if _is_same(subject, decision):
            return _told_of(version, subject, request, decision)
    return Told(DIFFERENT)


def _budgets_left(version: _Version, subject: _Subject) -> Iterator[tuple[int, ...]]:
    """What may have been left of budgets: of a decline, which drew nothing, enough, or else nothing."""
    if subject.response_code != APPROVED:
        yield UNBOUNDED_BUDGETS
    yield budgets_then(version.compiled.kernel, subject.row.rules, subject.row.counters_moved)


def _told_of(version: _Version, subject: _Subject, request: Request, decision: Decision) -> Told:
    why = version.reasons.of(subject.account, request)
    if why is None:
        return Told(DIFFERENT)
    if subject.response_code == APPROVED and why.fired != tuple(
        version.compiled.rule_ids[index] for index in decision.rule_list
    ):
        return Told(DIFFERENT)
    return told(why, version.words, LATER_ENROLLED if subject.enrolled_later else "")


def _wish(request: Request, subject: _Subject) -> None:
    """What a declined message wished, as nothing was spent that could tell it."""
    try:
        wishes = dict(parse(subject.row.asked or ""))
    except TlvError:
        wishes = {}
    request.advice = subject.mti // 10 % 10 == 2
    request.points_wanted = int(wishes.get("PT", -1))
    request.credit_wanted = int(wishes.get("CR", -1))


def _is_same(subject: _Subject, decision: Decision) -> bool:
    if decision.rc != subject.response_code:
        return False
    if subject.response_code != APPROVED:
        return True
    row: Any = subject.row
    return all((getattr(row, leg) or None) == (getattr(decision, leg) or None) for leg in _LEGS)


def _name_of(numbers: dict[tuple[str, str], int]) -> NameOf:
    """The reverse of the numbers; an institution by its name rather than by its code."""
    names: dict[tuple[str, int], str] = {}
    for (kind, name), number in numbers.items():
        names.setdefault((kind, number), name)
    return lambda kind, number: names.get((kind, number))
