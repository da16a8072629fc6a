"""One client connection: bytes → frames → messages → answers, within bounds.

A connection may have many messages in flight and gets its answers in the order in which they are decided. It is
closed, and the reason counted, when it breaks the framing, falls silent, stays silent in the middle of a frame, or does
not read its answers.
"""

import asyncio
from time import monotonic
from typing import cast

import structlog

from protocol.codec import Codec
from protocol.errors import DecodeError, EncodeError, element_name
from protocol.framing import Framing
from protocol.message import Message
from protocol.mti import RESPONSE_OF
from protocol.session import Session
from switch.authorise import (
    FORMAT_ERROR,
    INVALID_TRANSACTION,
    KNOWN_MTIS,
    NOT_SUPPORTED,
    UNSERVED_MTIS,
    Authoriser,
    Decline,
)
from switch.lanes import Lanes
from switch.limits import Limits
from switch.network import NetworkDesk
from switch.ports import Telemetry
from switch.replies import ECHOED, decline_to, reply_to
from switch.transaction import Transaction

log = structlog.get_logger(__name__)

NETWORK_MTIS = frozenset({"0800", "0801", "0820", "0821"})
OPTIONAL = frozenset({44, 54, 62})
"""What a reply can do without, if it does not fit the dialect."""


class Service:
    """What all connections of a listener share."""

    __slots__ = (
        "authoriser",
        "codec",
        "connections",
        "desk",
        "draining",
        "framing",
        "lanes",
        "limits",
        "name",
        "telemetry",
    )

    def __init__(
        self,
        *,
        name: str,
        codec: Codec,
        framing: Framing,
        authoriser: Authoriser,
        lanes: Lanes,
        desk: NetworkDesk,
        limits: Limits,
        telemetry: Telemetry,
        connections: "set[Connection]",
    ) -> None:
        self.name = name
        self.codec = codec
        self.framing = framing
        self.authoriser = authoriser
        self.lanes = lanes
        self.desk = desk
        self.limits = limits
        self.telemetry = telemetry
        self.connections = connections
        self.draining = False


class Connection(asyncio.Protocol):
    """The transport's view of a till, a concentrator or a bank."""

    __slots__ = (
        "_half_since",
        "_heard",
        "_in_flight",
        "_out",
        "_paused",
        "_service",
        "_session",
        "_splitter",
        "_transport",
    )

    def __init__(self, service: Service) -> None:
        self._service = service
        self._session = Session()
        self._splitter = service.framing.splitter()
        self._transport: asyncio.Transport | None = None
        self._out: list[bytes] = []
        self._in_flight = 0
        self._paused = False
        self._heard = monotonic()
        self._half_since = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection, unless there are too many."""
        # uvloop's transports are not subclasses of asyncio's, so this cannot be an isinstance.
        transport = cast("asyncio.Transport", transport)
        service = self._service
        if service.draining or len(service.connections) >= service.limits.connections_max:
            service.telemetry.refused("too_many_connections")
            transport.abort()
            return
        self._transport = transport
        service.connections.add(self)
        service.telemetry.connections(1)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio's name
        """Forget the connection. Messages under way go on: the till will repeat and hear what became of them."""
        if self._transport is not None:
            self._transport = None
            self._out.clear()
            self._service.connections.discard(self)
            self._service.telemetry.connections(-1)

    def data_received(self, data: bytes) -> None:
        """Cut the stream into frames and serve them."""
        if self._service.draining:
            return
        now = monotonic()
        self._heard = now
        splitter = self._splitter
        for payload, header in splitter.feed(data):
            self._serve(payload, header, now)
        if splitter.error is not None:
            self.flush()
            self.close("framing", splitter.error.reason)
            return
        if splitter.pending == 0:
            self._half_since = 0.0
        elif self._half_since == 0.0:
            self._half_since = now
        if self._out:
            self.flush()

    def _serve(self, payload: bytes, header: bytes, now: float) -> None:
        service = self._service
        codec = service.codec
        try:
            message = codec.decode(payload)
            if not codec.is_canonical:
                message = codec.canonical(message)
        except DecodeError as fault:
            self._undecodable(payload, header, fault, now)
            return
        mti = message.mti
        if mti in KNOWN_MTIS:
            outcome = service.authoriser.admit(message, self._session, self, header, now)
            if isinstance(outcome, Transaction):
                self.accept()
                service.lanes.submit(outcome)
            else:
                self._decline(message, header, outcome, now)
        elif mti in NETWORK_MTIS:
            service.desk.serve(message, self._session, self, header, now)
        else:
            self._unknown_mti(message, header, now)

    def _undecodable(self, payload: bytes, header: bytes, fault: DecodeError, now: float) -> None:
        """DE39 30 if it is known whom to answer, and what; otherwise the connection is of no use any more."""
        self._service.telemetry.refused("undecodable")
        codec = self._service.codec
        message = codec.salvage(payload)
        if message is not None and not codec.is_canonical:
            message = codec.canonical(message)
        if message is None or 11 not in message.fields or 41 not in message.fields or message.mti not in RESPONSE_OF:
            log.info("undecodable", listener=self._service.name, reason=str(fault))
            self.close("undecodable", "")
            return
        element = element_name(fault.data_element).replace(" ", "")
        self._decline(message, header, Decline(FORMAT_ERROR, f"{element}: {fault.reason}"), now)

    def _unknown_mti(self, message: Message, header: bytes, now: float) -> None:
        telemetry = self._service.telemetry
        if message.mti in RESPONSE_OF:
            telemetry.refused("unsupported_mti")
            code = NOT_SUPPORTED if message.mti in UNSERVED_MTIS else INVALID_TRANSACTION
            self._decline(message, header, Decline(code, "MTI not served here"), now)
        else:
            telemetry.refused("unknown_mti")
            log.info("unknown_mti", listener=self._service.name)
            self.close("unknown_mti", "")

    def _decline(self, message: Message, header: bytes, decline: Decline, now: float) -> None:
        """Answer at once what the store need not be asked about."""
        self.accept()
        self.answer(decline_to(message, decline.response_code, decline.reason), header)
        acquirer = message.fields.get(32, "")
        self._service.telemetry.answered(message.mti, decline.response_code, str(acquirer), monotonic() - now)

    def answer(self, message: Message, header: bytes) -> None:
        """Encode a reply and keep it for `flush`."""
        self.release()
        if self._transport is None:
            return
        service = self._service
        if not service.codec.is_canonical:
            message = service.codec.native(message)
        payload = self._encoded(message)
        if payload is not None:
            self._out.append(service.framing.wrap(payload, header))

    def reply(self, request: Message, decided: dict[int, str | bytes], header: bytes) -> None:
        """Encode the reply to a request and keep it for `flush`."""
        service = self._service
        if self._transport is not None and service.codec.is_canonical:
            try:
                payload = service.codec.encode_reply(RESPONSE_OF[request.mti], decided, request.fields, ECHOED)
            except EncodeError:
                # Put together below, where what does not fit can be left out.
                pass
            else:
                self.release()
                self._out.append(service.framing.wrap(payload, header))
                return
        self.answer(reply_to(request, decided), header)

    def _encoded(self, message: Message) -> bytes | None:
        """The reply's bytes; without an optional element that does not fit; None if nothing helps."""
        service = self._service
        try:
            return service.codec.encode(message)
        except EncodeError as fault:
            # What is echoed could be decoded, so only an element of our own making can be wrong here.
            service.telemetry.refused("unencodable")
            number = fault.data_element
            log.error("unencodable_reply", listener=service.name, data_element=number, reason=fault.reason)
            if number not in OPTIONAL:
                return None
        del message.fields[number]
        return self._encoded(message)

    def accept(self) -> None:
        """One more message is under way; with too many of them the connection is not read for a while."""
        self._in_flight += 1
        if self._in_flight >= self._service.limits.in_flight_per_connection_max:
            self._pause()

    def release(self) -> None:
        """A message of this connection is no longer under way."""
        self._in_flight -= 1
        if self._paused and self._in_flight <= self._service.limits.in_flight_per_connection_max // 2:
            self._paused = False
            if self._transport is not None and not self._service.draining:
                self._transport.resume_reading()

    def _pause(self) -> None:
        if not self._paused and self._transport is not None:
            self._paused = True
            self._service.telemetry.refused("in_flight_paused")
            self._transport.pause_reading()

    def flush(self) -> None:
        """Write the answers kept, in one write; abort a client that does not read them."""
        transport, out = self._transport, self._out
        if not out:
            return
        if transport is None or transport.is_closing():
            out.clear()
            return
        transport.write(out[0] if len(out) == 1 else b"".join(out))
        out.clear()
        if transport.get_write_buffer_size() > self._service.limits.write_buffer_bytes_max:
            self._service.telemetry.refused("slow_reader")
            transport.abort()

    def sweep(self, now: float) -> None:
        """Close the connection if it has been silent for too long."""
        limits = self._service.limits
        if self._half_since and now - self._half_since > limits.half_frame_s:
            self.close("half_frame", "")
        elif now - self._heard > limits.idle_s and self._in_flight == 0:
            self.close("idle", "")

    def pause_for_drain(self) -> None:
        """Accept nothing more; what was accepted is still answered."""
        if self._transport is not None and not self._paused:
            self._paused = True
            self._transport.pause_reading()

    def say_goodbye(self) -> None:
        """Everything was answered: end our side, and read on without listening until the client ends its own.

        Closing at once, with bytes unread, would make the kernel send a reset, which throws away answers that the
        client has not read yet.
        """
        transport = self._transport
        if transport is not None and not transport.is_closing():
            transport.write_eof()
            transport.resume_reading()

    def close(self, reason: str, detail: str) -> None:
        """Close after what is written has left; count the reason."""
        if self._transport is None or self._transport.is_closing():
            return
        if reason:
            self._service.telemetry.refused(reason)
            log.info("connection_closed", listener=self._service.name, reason=reason, detail=detail)
        self._transport.close()
