"""How late the event loop runs its timers: what a blocking call or a full processor does to everyone."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

PROBE_EVERY_S: Final = 0.5
PROBES_KEPT: Final = 30
"""15 s of probes: the usual time between two scrapes, so that none of them is missed."""


class LoopLag:
    """Sets a timer again and again and keeps how much too late it came."""

    def __init__(self) -> None:
        self._lags: deque[float] = deque(maxlen=PROBES_KEPT)

    @property
    def worst_s(self) -> float:
        """The longest delay among the probes that are kept; 0 without any."""
        return max(self._lags, default=0.0)

    def start(self, loop: asyncio.AbstractEventLoop, wanted: Callable[[], bool]) -> None:
        """Probe `loop` for as long as `wanted` says so."""
        due = loop.time() + PROBE_EVERY_S
        loop.call_at(due, self._probe, loop, due, wanted)

    def _probe(self, loop: asyncio.AbstractEventLoop, due: float, wanted: Callable[[], bool]) -> None:
        self._lags.append(max(0.0, loop.time() - due))
        if wanted():
            self.start(loop, wanted)
