"""The window of recent keys: nearly every repeat is answered from memory, before the store is asked.

An entry is either the transaction that is under way under that key, or the stored reply of one that this worker itself
saw committed. What it does not know, the journal's unique key decides (architecture.md, 5).
"""

from collections import deque

from switch.transaction import Transaction

RecentKey = tuple[int, int, int]


Answered = tuple[int, bytes]
"""A message answered after its commit: its fingerprint and its stored reply. Plain, as it is made once a message."""


class RecentKeys:
    """Keys under way and the last `limit` keys answered, oldest forgotten first."""

    __slots__ = ("_entries", "_limit", "_order")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._entries: dict[RecentKey, Transaction | Answered] = {}
        # The order of answers is kept apart: a dictionary that loses its oldest key again and again is walked from its
        # emptied front each time.
        self._order: deque[RecentKey] = deque()

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, key: RecentKey) -> Transaction | Answered | None:
        """The transaction under way, or the answer given, under this key."""
        return self._entries.get(key)

    def begin(self, key: RecentKey, transaction: Transaction) -> None:
        """A transaction goes down under this key."""
        self._entries[key] = transaction

    def finish(self, key: RecentKey, answer: Answered) -> None:
        """The commit of this key was seen; its reply may be given again from memory."""
        entries, order = self._entries, self._order
        entries[key] = answer
        order.append(key)
        if len(order) > self._limit:
            oldest = order.popleft()
            # A transaction that has begun again under this key since stays.
            if type(entries.get(oldest)) is tuple:
                del entries[oldest]

    def forget(self, key: RecentKey) -> None:
        """The fate of this key is the journal's to tell."""
        self._entries.pop(key, None)
