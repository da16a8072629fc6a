"""Fakes for the switch's ports: a store in memory that can lose its connection at any point, and plain counters."""

import asyncio
import datetime as dt
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from cext._kernel import Account, Decision, Original
from protocol.message import Message
from switch.budgets import Draw, Share
from switch.coupons import Coupon, CouponKey, token_of
from switch.deciding import LiveProgramme, Programmes
from switch.errors import KeyTaken, StaleAccounts, StoreUnavailable
from switch.institutions import Directory, Institution, Terminal
from switch.movements import Movement
from switch.ports import Batch
from switch.programme import load
from switch.replies import reply_to
from switch.simulation.history import Row as HistoryRow
from switch.tokens import Tokens, luhn_digit
from switch.transaction import (
    AccountKey,
    AccountState,
    FurtherCard,
    JournalKey,
    OriginalRecord,
    StoredAnswer,
    Transaction,
)

SHARDS = 4
KEY = b"k" * 32
TOKENS = Tokens(KEY, SHARDS)
BANK = Institution(1, "581672", "KHATAM", "Asia/Tehran", None, "automatic")
TILL = Terminal(1, "T0000001", "581672", 0, 1, "M00000000000001", 1, 1, "Asia/Tehran", None, "bazaar")
CLOSED_TILL = Terminal(2, "T0000002", "581672", 1, 1, "M00000000000001", 1, 1, "Asia/Tehran", None, "bazaar")
STRANGER = Terminal(3, "T0000003", "999999", 0, 2, "M00000000000002", 1, 2, "Asia/Tehran", None, "other")
BAZAAR = """
programme: bazaar
owner: KHATAM
currency: 364
timezone: Asia/Tehran
point: {value: 100, expires: 24 months}
rules:
  - id: base
    then: {points: {per: 100000}}
"""
NOW = dt.datetime(2026, 11, 23, 9, 30, tzinfo=dt.UTC).timestamp()


def directory() -> Directory:
    return Directory(
        version=1,
        institutions=(BANK,),
        merchants=(),
        terminals=(TILL, CLOSED_TILL, STRANGER),
        programmes=(),
        categories={},
    )


def live_bazaar() -> Programmes:
    return Programmes({1: LiveProgramme(1, 1, load(BAZAAR, ids=lambda _kind, _name: 1), frozenset({1}))})


class CountingTelemetry:
    """Everything counted by name."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.codes: Counter[str] = Counter()

    def answered(self, mti: str, response_code: str, institution: str, latency_s: float) -> None:
        self.codes[response_code] += 1

    def batch(self, lane: int, messages: int, read_s: float, commit_s: float) -> None:
        self.counts["batches"] += 1

    def retried(self, lane: int, messages: int) -> None:
        self.counts["retried"] += messages

    def shadowed(self, programme: str, live: Decision, shadow: Decision) -> None:
        self.counts["shadowed"] += 1

    def repeated(self, messages: int = 1) -> None:
        self.counts["repeated"] += messages

    def refused(self, reason: str) -> None:
        self.counts[reason] += 1

    def connections(self, delta: int) -> None:
        self.counts["connections"] += delta

    def gauge_lane_queue(self, lane: int, read: Callable[[], int]) -> None:
        self.counts["gauges"] += 1

    def store(self, event: str) -> None:
        self.counts[event] += 1


class CollectingLink:
    """A till that remembers what it heard."""

    def __init__(self) -> None:
        self.heard: list[Message] = []
        self.dropped = 0

    def accept(self) -> None:
        pass

    def release(self) -> None:
        self.dropped += 1

    def answer(self, message: Message, header: bytes) -> None:
        self.heard.append(message)

    def reply(self, request: Message, decided: dict[int, str | bytes], header: bytes) -> None:
        self.heard.append(reply_to(request, decided))

    def flush(self) -> None:
        pass


@dataclass(slots=True)
class Row:
    """A journal row, as far as the fake keeps it."""

    seq: int
    entry: Transaction
    linked_to: int | None


@dataclass(slots=True)
class MemoryStore:
    """`switch.ports.Store` in memory. `faults` is a script: what the next calls of a name do instead."""

    shards: int = SHARDS
    balances: dict[tuple[int, int], Account] = field(default_factory=dict)
    states: dict[tuple[int, int], tuple[int, int, str]] = field(default_factory=dict)
    further: dict[tuple[int, bytes], FurtherCard] = field(default_factory=dict)
    journal: dict[tuple[int, int, int, int], Row] = field(default_factory=dict)
    seqs: Counter[int] = field(default_factory=Counter)
    coupons: dict[CouponKey, tuple[str, int]] = field(default_factory=dict)
    coupon_uses: dict[tuple[int, int, int, int], list[CouponKey]] = field(default_factory=dict)
    returned: set[tuple[tuple[int, int, int, int], CouponKey]] = field(default_factory=set)
    budgets: dict[tuple[int, int, int], int] = field(default_factory=dict)
    faults: dict[str, list[str]] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    connected: set[int] = field(default_factory=set)
    locked: set[int] = field(default_factory=set)
    held: asyncio.Event | None = None
    """While it is not set, commits wait; what is read meanwhile is in `read_beside`."""
    committing: set[AccountKey] = field(default_factory=set)
    read_beside: set[AccountKey] = field(default_factory=set)

    def open_card(self, serial: int, *, points: int = 0, card_status: int = 0, status: int = 0) -> str:
        """Add a card with its account; returns its PAN."""
        pan = f"603799{serial:09d}"
        pan += luhn_digit(pan)
        token = TOKENS.card(pan)
        # One lot that expires in December 2028: 28 years and 11 months after January 2000.
        lots = (347).to_bytes(2, "big") + points.to_bytes(8, "big") if points else b""
        account = Account(token.shard, token.id, 0, 1, status, points, 0, 0, 0, 0, 0, 0, 0, 20_000, lots)
        self.balances[token.shard, token.id] = account
        self.states[token.shard, token.id] = (token.low, card_status, pan[-4:])
        return pan

    def points(self, pan: str) -> int:
        token = TOKENS.card(pan)
        return self.balances[token.shard, token.id].points

    def _fault(self, call: str) -> str:
        self.calls[call] += 1
        script = self.faults.get(call)
        return script.pop(0) if script else ""

    def _check(self, lane: int) -> None:
        if lane not in self.connected:
            raise StoreUnavailable("not connected")

    async def connect(self, lane: int) -> None:
        if self._fault("connect") == "lost":
            raise StoreUnavailable("refused")
        self.connected.add(lane)

    def terminate(self, lane: int) -> None:
        self.connected.discard(lane)
        self.locked.discard(lane)

    async def accounts(self, lane: int, shards: list[int], ids: list[int]) -> list[AccountState]:
        self._check(lane)
        if self._fault("accounts") == "lost":
            self.terminate(lane)
            raise StoreUnavailable("lost")
        return self._read(list(zip(shards, ids, strict=True)))

    def _read(self, keys: Sequence[AccountKey]) -> list[AccountState]:
        assert not self.committing & set(keys), "an account is read while it is being committed"
        if self.held is not None and not self.held.is_set():
            self.read_beside.update(keys)
        found = []
        for key in keys:
            if key in self.balances:
                low, card_status, last_four = self.states[key]
                found.append(AccountState(self.balances[key].copy(), low, card_status, last_four, 0, (0, 1)))
        return found

    async def further_cards(self, lane: int, shards: list[int], tokens: list[bytes]) -> list[FurtherCard]:
        self._check(lane)
        return [self.further[key] for key in zip(shards, tokens, strict=True) if key in self.further]

    async def answers(self, lane: int, keys: Sequence[JournalKey]) -> list[StoredAnswer]:
        self._check(lane)
        self.calls["answers"] += 1
        found = []
        for key in keys:
            row = self.journal.get((key.shard, key.key, key.terminal, key.message_class))
            if row is not None:
                e = row.entry
                found.append(
                    StoredAnswer(
                        e.key,
                        e.terminal.id,
                        e.message_class,
                        e.fingerprint,
                        e.response_code,
                        e.stored_reply,
                        e.tombstone,
                    )
                )
        return found

    async def original(self, lane: int, transaction: Transaction) -> OriginalRecord | None:
        self._check(lane)
        name = transaction.original_name
        assert name is not None
        row = self.journal.get((transaction.shard, name.key, transaction.terminal.id, name.message_class))
        if row is None:
            return None
        entry = row.entry
        undone = [r for r in self.journal.values() if r.linked_to == row.seq and r.entry.shard == transaction.shard]
        reversal = next((r for r in undone if r.entry.message_class == 4), None)
        d = entry.decision
        amount = sum(r.entry.amount for r in undone)
        original = Original(
            entry.kind, entry.response_code == "00", entry.amount, d.points_earned, d.points_redeemed, d.credit_granted,
            d.credit_spent, d.discount, d.to_pay, d.lots_moved, amount,
            -sum(r.entry.decision.points_earned for r in undone),
            -sum(r.entry.decision.points_redeemed for r in undone),
            -sum(r.entry.decision.credit_granted for r in undone),
            -sum(r.entry.decision.credit_spent for r in undone),
            reversal is not None and amount >= entry.amount,
            b"".join(r.entry.decision.lots_moved for r in undone),
            counters_moved=d.counters_moved,
            refunded_counters=b"".join(r.entry.decision.counters_moved for r in undone),
        )  # fmt: skip
        reply = None if reversal is None else reversal.entry.stored_reply
        used = (row.entry.shard, name.key, entry.terminal.id, name.message_class) in self.coupon_uses
        return OriginalRecord(
            row.seq,
            entry.sent_on,
            entry.account_id,
            original,
            reply,
            entry.tombstone,
            terminal=entry.terminal.id,
            used_coupons=used,
        )

    async def coupons_used(self, lane: int, transaction: Transaction) -> list[CouponKey]:
        self._check(lane)
        name = transaction.original_name
        assert name is not None
        use = (transaction.shard, name.key, transaction.terminal.id, name.message_class)
        return [key for key in self.coupon_uses.get(use, []) if (use, key) not in self.returned]

    async def hold_coupons(self, lane: int, shards: list[int], tokens: list[bytes]) -> list[Coupon]:
        self._check(lane)
        assert self.calls["lock"], "coupons are held after shards"
        wanted = set(zip(shards, tokens, strict=True))
        return [
            Coupon(key, campaign, left, is_withdrawn=False)
            for key, (campaign, left) in self.coupons.items()
            if (key.shard, key.token) in wanted
        ]

    def open_coupon(self, code: str, campaign: str, *, left: int = 1, programme: int = 1) -> CouponKey:
        """Add a coupon; `code` as it is hashed."""
        token = token_of(TOKENS, code)
        key = CouponKey(token.shard, token.bytes, programme)
        self.coupons[key] = (campaign, left)
        return key

    def _move_coupons(self, messages: Sequence[Transaction]) -> None:
        for message in messages:
            assert message.coupons is not None
            name = message.original_name
            for coupon in message.coupons.taken:
                campaign, left = self.coupons[coupon.key]
                self.coupons[coupon.key] = (campaign, left - 1)
                use = (message.shard, message.key, message.terminal.id, message.message_class)
                self.coupon_uses.setdefault(use, []).append(coupon.key)
            for coupon in message.coupons.returned:
                assert name is not None
                campaign, left = self.coupons[coupon.key]
                self.coupons[coupon.key] = (campaign, left + 1)
                use = (message.shard, name.key, message.terminal.id, name.message_class)
                self.returned.add((use, coupon.key))

    async def movements(
        self, lane: int, accounts: Sequence[AccountKey], since: dt.date
    ) -> dict[AccountKey, list[Movement]]:
        self._check(lane)
        if self._fault("movements") == "lost":
            self.terminate(lane)
            raise StoreUnavailable("lost")
        found: dict[AccountKey, list[Movement]] = {key: [] for key in accounts}
        for row in sorted(self.journal.values(), key=lambda row: -row.seq):
            e = row.entry
            if e.account_key in found and e.response_code == "00" and e.message_class != 1 and e.sent_on >= since:
                found[e.account_key].append(_movement(row))
        return found

    async def lock(self, lane: int, shards: list[int]) -> None:
        self._check(lane)
        assert lane not in self.locked, "a lane lets go of what it holds before it holds anything else"
        self.locked.add(lane)
        self.calls["lock"] += 1

    def _draw(self, draws: Sequence[Draw]) -> None:
        if any(self.budgets.get(draw[:3], 0) < draw.drawn for draw in draws):
            raise StaleAccounts("1")
        for draw in draws:
            self.budgets[draw[:3]] -= draw.drawn

    async def commit(self, lane: int, batch: Batch) -> None:
        self._check(lane)
        self.locked.discard(lane)
        fault = self._fault("commit")
        if self.held is not None:
            self.committing = {state.key for state in batch.accounts}
            await self.held.wait()
            self.committing = set()
        if fault == "stale":
            raise StaleAccounts("1")
        if fault == "lost_before":
            self.terminate(lane)
            raise StoreUnavailable("lost before the commit")
        keys = [(e.shard, e.key, e.terminal.id, e.message_class) for e in batch.entries]
        if len(set(keys)) < len(keys) or any(key in self.journal for key in keys):
            raise KeyTaken("journal")
        for state in batch.accounts:
            key = (state.account.shard, state.account.id)
            if self.balances[key].version != state.account.version:
                raise StaleAccounts("1")
        self._draw(batch.draws)
        self._move_coupons(batch.coupons)
        for state in batch.accounts:
            state.account.version += 1
            self.balances[state.account.shard, state.account.id] = state.account
        for key, entry in zip(keys, batch.entries, strict=True):
            self.seqs[entry.shard] += 1
            record = None if entry.tombstone or entry.repeats_reversal else entry.original_record
            linked = None if record is None or entry.response_code != "00" else record.seq
            self.journal[key] = Row(self.seqs[entry.shard], entry, linked)
        if fault == "lost_after":
            self.terminate(lane)
            raise StoreUnavailable("lost after the commit")

    async def budget_shares(self, lane: int, *, hold: bool) -> list[Share]:
        self._check(lane)
        self.calls["held shares" if hold else "shares"] += 1
        return [Share(*place, left) for place, left in sorted(self.budgets.items())]

    async def cut_over(self, institution_id: int, business_date: dt.date) -> dt.date:
        return business_date

    async def directory(self) -> Directory:
        return directory()

    async def directory_version(self) -> int:
        return 1

    async def close(self) -> None:
        self.connected.clear()


def _movement(row: Row) -> Movement:
    e, d = row.entry, row.entry.decision
    request = e.request
    history = HistoryRow(
        row.seq, request.now, e.kind, e.amount, request.currency, request.merchant, request.institution,
        request.category, request.entry_mode, e.programme_version or 0, d.points_earned, d.points_redeemed,
        d.points_expired, d.points_adjusted, d.credit_granted, d.credit_spent, d.discount, d.to_pay, d.lots_moved,
        d.rules, d.counters_moved, d.grants_moved, row.linked_to, e.asked,
    )  # fmt: skip
    return Movement(history, e.processing_code, d.tier_after, ("base",) if d.rules else None)
