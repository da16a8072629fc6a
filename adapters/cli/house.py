"""Carries the house's own messages: the wide lane of a switch, for as long as one message takes."""

from time import time

from adapters.cli.databases import Opened
from adapters.cli.running import compiled_programmes, configure_logging
from adapters.postgres import reference
from adapters.postgres.connecting import connection
from adapters.postgres.errors import MemberRefused
from adapters.postgres.members import Asked
from adapters.postgres.wide import PostgresWideStore
from monitoring.metrics import Metrics
from switch.deciding import Decider
from switch.house import Answer, Owner, carry, leaving_message
from switch.tokens import Tokens
from switch.wide_deciding import WideDecider
from switch.wide_requests import Leaving


async def leave(opened: Opened, asked: Asked, leaving: Leaving) -> Answer:
    """Let somebody leave; returns what a till would hear. Raises `MemberRefused` if the programme is not live."""
    configure_logging()
    async with connection(opened.url, application="loyalty-switch member") as reading:
        programmes = compiled_programmes(await reference.load(reading))
    live = programmes.live.get(asked.programme)
    if live is None:
        raise MemberRefused(f"programme {asked.programme_name} is not live: activate a version of it first.")
    owner = Owner(
        asked.institution,
        asked.acquirer,
        asked.timezone,
        asked.business_date,
        asked.programme_name,
        live.kernel.currency,
    )
    store = PostgresWideStore(opened.url)
    decider = WideDecider(Decider(programmes), store, Tokens(opened.token_key, opened.shards))
    transaction, answer = leaving_message(leaving, asked.card, owner, time())
    try:
        await carry(transaction, store=store, decider=decider, telemetry=Metrics(), wall_clock=time)
    finally:
        store.terminate()
    return answer
