"""The cards of a `load`: tokens are made here, numbers and mobiles never reach a complaint."""

from collections.abc import Mapping, Sequence
from struct import Struct

from adapters.postgres.connecting import Connection
from adapters.postgres.load_files import Problems, Row, refuse_repeated
from adapters.postgres.load_models import CardRow
from adapters.postgres.queries import named
from adapters.postgres.seeding import CardNumbers
from switch.referral import code_of
from switch.tokens import Tokens

_SQL = named("loading")
_LOT = Struct(">hq")
_COLUMNS = (
    "line", "shard", "id", "token_low", "programme", "kind", "status", "last_four", "expires_on",
    "has_member", "name", "mobile", "birth_date", "gender", "education", "region", "points", "credit", "lots",
    "mobile_shard", "mobile_token", "referral_shard", "referral_code",
)  # fmt: skip
_REFUSALS = {
    "wrong_programme": "this card is in another programme already; a card's programme does not change.",
    "wrong_further": "this card is a further card of some account already.",
    "wrong_mobile": "this mobile belongs to another card of the same programme already.",
}
_CHANGES = ("add_accounts", "change_accounts")
_CONSEQUENCES = (
    "change_linked", "upsert_members", "mark_members", "add_referrals", "remove_old_mobiles", "add_mobiles",
)  # fmt: skip


def refuse_repeated_cards(rows: Sequence[Row], file: str, problems: Problems) -> None:
    """Complain of a card, or of a mobile within a programme, that stands in two lines."""
    numbers = CardNumbers()
    refuse_repeated(((row.line, row.entry.number(numbers)) for row in rows), file, "this card", problems)
    mobiles = ((row.line, (row.entry.programme, row.entry.mobile)) for row in rows if row.entry.mobile)
    refuse_repeated(mobiles, file, "this mobile", problems)


async def store(
    opened: Connection,
    tokens: Tokens,
    rows: Sequence[Row],
    programmes: Mapping[str, int],
    *,
    file: str,
    problems: Problems,
) -> int:
    """Add and change cards, within the caller's transaction; returns how many were."""
    if not rows:
        return 0
    for row in rows:
        if row.entry.programme not in programmes:
            problems.add(file, row.line, "there is no such programme: add its file to programmes/.")
    problems.refuse_any()
    numbers = CardNumbers()
    await opened.execute(_SQL["make_incoming"])
    await opened.copy_records_to_table(
        "incoming",
        records=(_record(row.line, row.entry, tokens, numbers, programmes) for row in rows),
        columns=_COLUMNS,
    )
    await opened.execute(_SQL["analyze_incoming"])
    for query, complaint in _REFUSALS.items():
        for found in await opened.fetch(_SQL[query]):
            problems.add(file, found["line"], complaint)
    problems.refuse_any()
    await opened.execute(_SQL["lock_shards"])
    await opened.execute(_SQL["add_openings"], file)
    changed = 0
    for query in _CHANGES:
        changed += int((await opened.execute(_SQL[query])).rsplit(" ", 1)[1])
    for query in _CONSEQUENCES:
        await opened.execute(_SQL[query])
    return changed


def _record(
    line: int, card: CardRow, tokens: Tokens, numbers: CardNumbers, programmes: Mapping[str, int]
) -> tuple[object, ...]:
    """A row of the table `incoming`, as `_COLUMNS`."""
    number = card.number(numbers)
    token = tokens.card(number)
    mobile = tokens.mobile(card.programme, card.mobile) if card.mobile else None
    referral = code_of(tokens, (token.shard, token.id)) if card.has_member else None
    month = card.expiry_month
    return (
        line,
        token.shard,
        token.id,
        token.low,
        programmes[card.programme],
        card.kind.number,
        card.status.number,
        number[-4:],
        card.expires,
        card.has_member,
        card.name,
        card.mobile,
        card.birth_date,
        card.gender,
        card.education,
        card.region,
        card.points,
        card.credit,
        b"" if month is None else _LOT.pack(month, card.points),
        mobile.shard if mobile else None,
        mobile.bytes if mobile else None,
        referral.shard if referral else None,
        referral.code if referral else None,
    )
