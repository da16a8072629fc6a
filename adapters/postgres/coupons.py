"""Coupons: made in bulk, listed, withdrawn. The codes leave in a file, once; the database keeps keyed hashes."""

import datetime as dt
import os
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from adapters.postgres.connecting import Connection, connection
from adapters.postgres.errors import CouponRefused
from adapters.postgres.migrations import require_schema
from adapters.postgres.queries import named
from adapters.postgres.secrets import tokens_of
from adapters.postgres.users import user_of
from switch.coupons import CODE_CHARACTERS_MAX, CODE_CHARACTERS_MIN, normalised, random_code, token_of
from switch.programme import load
from switch.programme.model import Coupon
from switch.tokens import Tokens

CODES_MAX = 1_000_000
"""Codes that are made at once."""
CHUNK = 10_000
SINGLE = "single"

_SQL = named("coupons")
_COLUMNS = ("shard", "token", "programme", "batch", "uses", "uses_left")


@dataclass(frozen=True, slots=True)
class CouponBatch:
    """Codes that were made together: `uses` they are good for in all, `used` of them; `withdrawn` counts codes."""

    number: int
    programme: str
    campaign: str
    kind: str
    codes: int
    made_by: str
    made_at: dt.datetime
    uses: int
    used: int
    withdrawn: int


@asynccontextmanager
async def _opened(url: str) -> AsyncIterator[Connection]:
    async with connection(url, application="loyalty-switch coupons") as opened:
        await require_schema(opened)
        yield opened


async def generate(
    url: str,
    key: bytes,
    programme: str,
    campaign: str,
    *,
    count: int,
    out: Path,
    maker: str,
    code: str | None = None,
    report: Callable[[int], None] = lambda _done: None,
) -> int:
    """Make codes of a campaign of the live version, and write them to a new file that only its owner may read.

    `code` is the chosen code of a multi-use campaign. `report` hears how many are kept. The file is complete before
    the codes are good: what breaks in between leaves codes that are none, never good ones that nobody has. Returns the
    batch's number. Raises `CouponRefused`.
    """
    user = user_of(maker, CouponRefused)
    if not 1 <= count <= CODES_MAX:
        raise CouponRefused(f"--count is 1 to {CODES_MAX:,}.")
    async with _opened(url) as opened:
        tokens = await tokens_of(opened, key)
        async with opened.transaction():
            number, terms = await _terms(opened, programme, campaign)
            codes = await _codes(opened, number, terms, count, code)
            batch: int = await opened.fetchval(_SQL["add_batch"], number, campaign, terms.kind, len(codes), user)
            with _written(out, codes):
                await _keep(opened, tokens, codes, (number, batch, terms.uses or 1), report)
    return batch


async def _terms(opened: Connection, programme: str, campaign: str) -> tuple[int, Coupon]:
    row = await opened.fetchrow(_SQL["programme"], programme)
    if row is None:
        raise CouponRefused(f"no programme {programme} is live: `loyalty-switch programme list` shows those there are.")
    campaigns = load(row["source"], ids=lambda _kind, _name: 1).campaigns
    if campaign not in campaigns:
        known = ", ".join(campaigns) or "none"
        raise CouponRefused(f"the live version of {programme} has no coupon {campaign} (it has: {known}).")
    return row["id"], campaigns[campaign].terms


async def _codes(opened: Connection, number: int, terms: Coupon, count: int, code: str | None) -> list[str]:
    if terms.kind == SINGLE:
        if code is not None:
            raise CouponRefused(f"coupon {terms.id} is for single use: its codes are made up, so that none is guessed.")
        codes: set[str] = set()
        while len(codes) < count:
            codes.add(random_code())
        return sorted(codes)
    if count != 1:
        raise CouponRefused(f"coupon {terms.id} has one code for all: leave --count out.")
    if code is not None and normalised(code) is None:
        raise CouponRefused(
            f"a code is {CODE_CHARACTERS_MIN} to {CODE_CHARACTERS_MAX} letters and digits, such as SPRING10."
        )
    if await opened.fetchval(_SQL["code_in_use"], number, terms.id):
        raise CouponRefused(f"coupon {terms.id} has its code already: withdraw that first.")
    return [code or random_code()]


@contextmanager
def _written(out: Path, codes: Sequence[str]) -> Iterator[None]:
    """The file is there for what follows, and goes if that fails."""
    _write(out, codes)
    try:
        yield
    except BaseException:
        out.unlink()
        raise


def _write(out: Path, codes: Sequence[str]) -> None:
    """A new file, readable by its owner only, on the disk when this returns."""
    try:
        descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise CouponRefused(f"{out} is there already: codes are written to a new file.") from None
    except OSError as fault:
        raise CouponRefused(f"{out} cannot be written: {fault.strerror}.") from None
    try:
        with os.fdopen(descriptor, "w", encoding="ascii", newline="\n") as file:
            file.writelines(f"{code}\n" for code in codes)
            file.flush()
            os.fsync(file.fileno())
    except OSError as fault:
        out.unlink()
        raise CouponRefused(f"{out} cannot be written: {fault.strerror}.") from None


async def _keep(
    opened: Connection, tokens: Tokens, codes: Sequence[str], of: tuple[int, int, int], report: Callable[[int], None]
) -> None:
    programme, batch, uses = of
    try:
        for start in range(0, len(codes), CHUNK):
            plain = [normalised(code) for code in codes[start : start + CHUNK]]
            made = [token_of(tokens, code) for code in plain if code is not None]
            await opened.copy_records_to_table(
                "coupon",
                columns=_COLUMNS,
                records=[(token.shard, token.bytes, programme, batch, uses, uses) for token in made],
            )
            report(start + len(made))
    except asyncpg.UniqueViolationError:
        raise CouponRefused("this code, or one that looks like it, was used by this programme before.") from None


async def listed(url: str, programme: str | None = None) -> list[CouponBatch]:
    """Every batch of a programme, or of all, in the order of making."""
    async with _opened(url) as opened:
        return [CouponBatch(**dict(row)) for row in await opened.fetch(_SQL["batches"], programme)]


async def withdraw_batch(url: str, programme: str, batch: int, *, user: str) -> int:
    """Take the codes of a batch out of use; returns how many were not yet. Raises `CouponRefused`."""
    by = user_of(user, CouponRefused)
    async with _opened(url) as opened:
        row = await opened.fetchrow(_SQL["withdraw_batch"], programme, batch, by)
        if row is None or not row["found"]:
            raise CouponRefused(f"programme {programme} has no batch {batch}: `loyalty-switch coupons list`.")
        withdrawn: int = row["withdrawn"]
        return withdrawn


async def withdraw_code(url: str, key: bytes, programme: str, code: str, *, user: str) -> int:
    """Take one code out of use; returns 0 if it was already. Raises `CouponRefused`, whose text has no code."""
    by = user_of(user, CouponRefused)
    plain = normalised(code)
    async with _opened(url) as opened:
        tokens = await tokens_of(opened, key)
        row = None
        if plain is not None:
            token = token_of(tokens, plain)
            row = await opened.fetchrow(_SQL["withdraw_code"], programme, token.shard, token.bytes, by)
        if row is None or not row["found"]:
            raise CouponRefused(f"programme {programme} has no such code.")
        withdrawn: int = row["withdrawn"]
        return withdrawn
