"""The audit and the replay, of one run's accounts only: so that what is found is the run's own doing.

The audit's own queries are asked, over tables of the same names that hold but the run's rows: PostgreSQL looks for a
table among the temporary ones first. What needs the whole ledger (I7, the index of I4) is left to the audit at the end
of the whole test, and I7 is checked by every step.
"""

from collections.abc import Mapping, Sequence

from adapters.postgres.audit import examine
from adapters.postgres.connecting import connection
from switch.tokens import Token
from tests.replays import Replayer

WHOLE_LEDGER_ONLY = frozenset({"i4_index", "i7_gaps", "i7_last"})


async def audit_run(url: str, tokens: Sequence[Token], span: Mapping[int, tuple[int, int]]) -> list[str]:
    """What the audit says of these accounts and of the rows (after, up to) of their shards; nothing if all is well."""
    places = ([token.shard for token in tokens], [token.id for token in tokens])
    rows = (list(span), [first for first, _ in span.values()], [last for _, last in span.values()])
    async with connection(url) as opened, opened.transaction():
        legs = await opened.fetchval("SELECT pg_get_viewdef('leg'::regclass)")
        await opened.execute(
            "CREATE TEMP TABLE journal ON COMMIT DROP AS SELECT * FROM public.journal LIMIT 0;"
            "CREATE TEMP TABLE account ON COMMIT DROP AS SELECT * FROM public.account LIMIT 0"
        )
        await opened.execute(
            "INSERT INTO journal SELECT j.*"
            "  FROM unnest($1::smallint[], $2::bigint[], $3::bigint[]) AS r (shard, first, last)"
            "  JOIN public.journal AS j ON j.shard = r.shard AND j.seq > r.first AND j.seq <= r.last",
            *rows,
        )
        await opened.execute(
            "INSERT INTO account SELECT a.* FROM unnest($1::smallint[], $2::bigint[]) AS r (shard, id)"
            " JOIN public.account AS a ON a.shard = r.shard AND a.id = r.id",
            *places,
        )
        await opened.execute(f"CREATE TEMP VIEW leg AS {legs}")
        findings = await examine(opened)
        await opened.execute("DROP VIEW leg")
    return [str(f) for f in findings if not f.sound and f.check.name not in WHOLE_LEDGER_ONLY]


async def replay_run(replayer: Replayer, tokens: Sequence[Token]) -> list[str]:
    """I9 of these accounts: each row decided again by the version that decided it."""
    found = []
    for shard in sorted({token.shard for token in tokens}):
        accounts = {token.id for token in tokens if token.shard == shard}
        found += await replayer.differences((shard, shard + 1), accounts)
    return found
