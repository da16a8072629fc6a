from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, final

from cext._transaction import Transaction

@final
class Admission:
    def __init__(
        self,
        *,
        kinds: dict[str, Mapping[str, tuple[int, bool, bool]]],
        advices: Collection[str],
        repeats: Collection[str],
        sent_at: Callable[[str], Any],
        calendar_of: Callable[[str], Callable[[int], Any]],
        clock: Callable[[], float],
        deadline_s: float,
        key: bytes,
        shards: int,
    ) -> None: ...
    def know(self, terminals: Iterable[Any]) -> None: ...
    def admit(self, message: Any, session: Any, link: Any, header: bytes, received: float) -> Transaction | None: ...
