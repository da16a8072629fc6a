"""Tags of members: bits of account.flags, which follow from the slots of the tags (programme_slot)."""

from adapters.postgres.connecting import connection
from adapters.postgres.errors import DatabaseError
from adapters.postgres.migrations import require_schema
from adapters.postgres.queries import named
from adapters.postgres.secrets import tokens_of
from switch.tokens import is_card_number

_SQL = named("jobs")


async def set_tag(url: str, token_key: bytes, programme: str, tag: str, shown: str, *, on: bool) -> bool:
    """Tag the member who shows a card number or a mobile number, or take the tag off; whether that changed anything.

    It is done under the account's shard, and the account's version grows: a batch that read it before is decided again.
    Raises `DatabaseError` if there is no such programme, tag or card, `TokenError` (it is neither) and `TokenKeyError`.
    """
    async with connection(url, application="loyalty-switch member") as opened:
        await require_schema(opened)
        tokens = await tokens_of(opened, token_key)
        number = await opened.fetchval(_SQL["programme"], programme)
        if number is None:
            raise DatabaseError(f"there is no programme {programme}: `loyalty-switch programme list` shows those.")
        bit = await opened.fetchval(_SQL["tag_bit"], number, tag)
        if bit is None:
            raise DatabaseError(f"programme {programme} has no tag {tag}: name it under `tags:` and make that live.")
        token = tokens.card(shown) if is_card_number(shown) else tokens.mobile(programme, shown)
        account = await opened.fetchrow(_SQL["find_card"], token.shard, token.id, token.low, token.bytes, number)
        if account is None:
            raise DatabaseError(f"programme {programme} knows no such card or mobile number.")
        async with opened.transaction():
            await opened.execute(_SQL["hold_shard"], account["shard"])
            done: str = await opened.execute(_SQL["set_flags"], account["shard"], account["id"], bit, on)
        return done == "UPDATE 1"
