"""Network management (08xx): sign-on, sign-off, echo, cut-over.

The session (sans-IO, `protocol.session`) keeps the state of a connection; only a cut-over touches the store, so it is a
task of its own and does not hold the connection up.
"""

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable
from time import monotonic

import structlog

from protocol.message import Message
from protocol.session import NetworkKind, NetworkRequest, Session
from switch.authorise import Authoriser
from switch.calendars import Calendars, nearest
from switch.errors import StoreError
from switch.ports import Store, Telemetry
from switch.transaction import Link

log = structlog.get_logger(__name__)

APPROVED, FORMAT_ERROR, NOT_SUPPORTED, TERMINAL_NOT_ALLOWED, OUT_OF_REACH = "00", "30", "40", "58", "91"


class NetworkDesk:
    """Answers 08xx messages."""

    def __init__(
        self,
        *,
        authoriser: Authoriser,
        calendars: Calendars,
        store: Store,
        telemetry: Telemetry,
        refresh: Callable[[], Awaitable[None]],
    ) -> None:
        self._authoriser = authoriser
        self._calendars = calendars
        self._store = store
        self._telemetry = telemetry
        self._refresh = refresh
        self._tasks: set[asyncio.Task[None]] = set()

    def serve(self, message: Message, session: Session, link: Link, header: bytes, received: float) -> None:
        """Answer at once, except a cut-over, which is answered when it is durable."""
        link.accept()
        request = session.network(message)
        if request.kind is NetworkKind.CUT_OVER and request.response_code == APPROVED:
            task = asyncio.create_task(self._cut_over(request, link, header, received))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            return
        self._answer(request, link, header, received, request.response_code, None)

    def _answer(
        self,
        request: NetworkRequest,
        link: Link,
        header: bytes,
        received: float,
        response_code: str,
        business_date: dt.date | None,
    ) -> None:
        mmdd = None if business_date is None else f"{business_date:%m%d}"
        link.answer(request.reply(response_code, mmdd), header)
        link.flush()
        institution = request.message.fields.get(32, "")
        self._telemetry.answered(request.message.mti, response_code, str(institution), monotonic() - received)

    async def _cut_over(self, request: NetworkRequest, link: Link, header: bytes, received: float) -> None:
        """Close the institution's business date: DE15 is the new one. Only for institutions that cut over by wire."""
        fields = request.message.fields
        institution = self._authoriser.directory.institution(fields.get(32, ""))
        named = nearest(f"{fields.get(15, '')!s}000000", self._calendars.today())
        response_code, date = APPROVED, None
        if institution is None:
            response_code = TERMINAL_NOT_ALLOWED
        elif institution.cut_over != "wire":
            response_code = NOT_SUPPORTED
        elif named is None:
            response_code = FORMAT_ERROR
        else:
            try:
                date = await self._store.cut_over(institution.id, named.date)
                await self._refresh()
            except StoreError as fault:
                log.warning("cut_over_failed", institution=institution.code, reason=str(fault))
                response_code = OUT_OF_REACH
        self._answer(request, link, header, received, response_code, date)

    async def drain(self) -> None:
        """Wait for cut-overs under way."""
        if self._tasks:
            await asyncio.gather(*self._tasks)
