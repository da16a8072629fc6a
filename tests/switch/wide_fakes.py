"""A wide store in memory that can lose its connection at any point."""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from switch.errors import KeyTaken, StaleAccounts, StoreUnavailable
from switch.referral import ReferralCode
from switch.tokens import Token
from switch.transaction import AccountKey, OriginalName, StoredAnswer, Transaction
from switch.wide_ports import AccountRow, Club, Effects, Party, TransferRecord


@dataclass(slots=True)
class MemoryWideStore:
    """`switch.wide_ports.WideStore` in memory. `faults` is a script: what the next calls of a name do instead."""

    parties: dict[Token, Party] = field(default_factory=dict)
    clubs: dict[str, Club] = field(default_factory=dict)
    codes: dict[ReferralCode, AccountKey] = field(default_factory=dict)
    journal: dict[tuple[int, int, int], StoredAnswer] = field(default_factory=dict)
    transfers: dict[tuple[int, int, int], TransferRecord] = field(default_factory=dict)
    forgotten_mobiles: dict[Token, dt.datetime] = field(default_factory=dict)
    committed: list[Effects] = field(default_factory=list)
    faults: dict[str, list[str]] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    connected: bool = False
    held: list[int] = field(default_factory=list)

    def _meet(self, call: str) -> str:
        self.calls[call] += 1
        script = self.faults.get(call)
        fault = script.pop(0) if script else ""
        if fault == "lost":
            self.connected = False
            raise StoreUnavailable("lost")
        if fault == "stale":
            raise StaleAccounts("1")
        if fault == "broken":
            raise ZeroDivisionError
        return fault

    def _check(self) -> None:
        if not self.connected:
            raise StoreUnavailable("not connected")

    async def connect(self) -> None:
        self._meet("connect")
        self.connected = True

    def terminate(self) -> None:
        self.connected = False
        self.calls["terminate"] += 1

    async def answer(self, transaction: Transaction, shards: Iterable[int]) -> StoredAnswer | None:
        self._check()
        self._meet("answer")
        assert list(shards)
        return self.journal.get(transaction.recent_key)

    async def lock(self, shards: Sequence[int]) -> None:
        self._check()
        assert list(shards) == sorted(set(shards))
        self._meet("lock")
        self.held = list(shards)

    async def party(self, card: Token) -> Party | None:
        self._check()
        self._meet("party")
        return self.parties.get(card)

    async def club(self, programme: int, code: str) -> Club | None:
        return self.clubs.get(code)

    async def fee_owed(self, member: AccountKey) -> int:
        return 0

    async def card_shards(self, account: AccountKey) -> set[int]:
        return set()

    async def forgotten(self, mobile: Token) -> dt.datetime | None:
        return self.forgotten_mobiles.get(mobile)

    async def virtual_cards(self, programme: int) -> bool:
        return True

    async def known_of(self, member: AccountKey) -> frozenset[str]:
        return frozenset()

    async def referrer(self, programme: int, code: ReferralCode) -> AccountKey | None:
        return self.codes.get(code)

    async def transfer(self, account: AccountKey, name: OriginalName, institution: int) -> TransferRecord | None:
        self._check()
        return self.transfers.get((*account, name.key))

    async def is_taken(self, code: ReferralCode) -> bool:
        return code in self.codes

    async def commit(self, transaction: Transaction, effects: Effects, at_us: int) -> None:
        self._check()
        fault = self._meet("commit")
        if transaction.recent_key in self.journal:
            raise KeyTaken("journal")
        e = transaction
        self.journal[e.recent_key] = StoredAnswer(
            e.key, e.terminal.id, e.message_class, e.fingerprint, e.response_code, e.stored_reply, False
        )
        self.committed.append(effects)
        for change in effects.changes:
            self._change(change.before, change.points, change.lots, change.member)
        if effects.referral is not None and effects.member is not None:
            self.codes[effects.referral] = effects.member.account
        if fault == "lost_after":
            self.connected = False
            raise StoreUnavailable("lost after the commit")

    def _change(self, before: AccountRow, points: int | None, lots: bytes | None, member: int | None) -> None:
        for token, party in list(self.parties.items()):
            if party.account.key == before.key:
                after = replace(
                    before,
                    version=before.version + 1,
                    points=before.points if points is None else points,
                    lots=before.lots if lots is None else lots,
                    member=before.member if member is None else member,
                )
                self.parties[token] = replace(party, account=after)

    async def rollback(self) -> None:
        self.calls["rollback"] += 1
        self.held = []
