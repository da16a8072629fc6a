"""Network management on one connection, without I/O: sign-on, sign-off, echo, key change, cut-over.

A connection starts signed on. A sign-off that names a terminal (DE41) closes the door to that terminal's
requests, one that names none to those of the whole connection; a sign-on opens it again in the same way.
What tells of something that has already happened (advices), takes something back (reversals), or asks again
for an answer (repeats) always passes.

The table:

| DE70 | state | answer (DE39) |
|---|---|---|
| 001 sign-on | signed on | 00 |
| 002 sign-off | signed off | 00; 65 when too many terminals are set apart |
| 301 echo | – | 00 |
| 101 key change | – | 40: there are no keys to change |
| 201 cut-over | – | 00, with the business date; the switch decides |
| any other | – | 40 |
| none, or no DE7 or DE11 | – | 30, with DE44 naming what is missing |
"""

from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Final

from protocol.codes import NetworkCode, ResponseCode
from protocol.message import Message
from protocol.mti import CLASS_OF, FUNCTION_OF, NETWORK_MANAGEMENT, REPEATS, REQUEST, REVERSAL, response_of

# Terminals of one connection whose state differs from the connection's; a line rarely carries more than
# hundreds.
TERMINALS_MAX: Final = 4096

_REQUIRED: Final[tuple[int, ...]] = (70, 7, 11)
_ECHOED: Final[tuple[int, ...]] = (7, 11, 12, 13, 32, 33, 37, 41, 42, 70)
# Requests that are no reversal, no repeat and no network management: these wait for a sign-on.
_HELD_BACK: Final = frozenset(
    mti
    for mti, function in FUNCTION_OF.items()
    if function == REQUEST and mti not in REPEATS and CLASS_OF[mti] not in {REVERSAL, NETWORK_MANAGEMENT}
)


class NetworkKind(Enum):
    """What a network management message asks for."""

    SIGN_ON = "sign-on"
    SIGN_OFF = "sign-off"
    ECHO = "echo"
    KEY_CHANGE = "key change"
    CUT_OVER = "cut-over"
    UNKNOWN = "unknown"
    MALFORMED = "malformed"


_KINDS: Final = MappingProxyType(
    {
        NetworkCode.SIGN_ON: NetworkKind.SIGN_ON,
        NetworkCode.SIGN_OFF: NetworkKind.SIGN_OFF,
        NetworkCode.ECHO: NetworkKind.ECHO,
        NetworkCode.KEY_CHANGE: NetworkKind.KEY_CHANGE,
        NetworkCode.CUT_OVER: NetworkKind.CUT_OVER,
    }
)
_ANSWERS: Final = MappingProxyType(
    {
        NetworkKind.SIGN_ON: ResponseCode.APPROVED,
        NetworkKind.SIGN_OFF: ResponseCode.APPROVED,
        NetworkKind.ECHO: ResponseCode.APPROVED,
        NetworkKind.CUT_OVER: ResponseCode.APPROVED,
        NetworkKind.KEY_CHANGE: ResponseCode.NOT_SUPPORTED,
        NetworkKind.UNKNOWN: ResponseCode.NOT_SUPPORTED,
        NetworkKind.MALFORMED: ResponseCode.FORMAT_ERROR,
    }
)


@dataclass(frozen=True, slots=True)
class NetworkRequest:
    """A network management message and what the table says of it: `response_code`, and `reason` for DE44 if
    declined.
    """

    kind: NetworkKind
    message: Message
    response_code: str
    reason: str = ""

    def reply(self, response_code: str | None = None, business_date_mmdd: str | None = None) -> Message:
        """The 0810: what identifies the request as it came, DE39 (the table's unless given), DE15 and DE44
        if any.
        """
        code = self.response_code if response_code is None else response_code
        request = self.message.fields
        fields = {number: request[number] for number in _ECHOED if number in request}
        fields[39] = code
        if business_date_mmdd is not None:
            fields[15] = business_date_mmdd
        if self.reason and code != ResponseCode.APPROVED:
            fields[44] = self.reason
        return Message(response_of(self.message.mti), fields)


class Session:
    """Who is signed on over one connection."""

    __slots__ = ("_differing", "_signed_on")

    def __init__(self) -> None:
        self._signed_on = True
        # Terminals whose state is the other one than the connection's.
        self._differing: set[str] = set()

    def network(self, message: Message) -> NetworkRequest:
        """What a network management message asks for; the session's state has followed it."""
        missing = [f"DE{number}" for number in _REQUIRED if not message.fields.get(number)]
        if missing:
            # DE44 holds 25 characters; three names and a word fit.
            return self._answer(NetworkKind.MALFORMED, message, f"{' '.join(missing)} missing")
        kind = _KINDS.get(str(message.fields[70]), NetworkKind.UNKNOWN)
        if kind in {NetworkKind.SIGN_ON, NetworkKind.SIGN_OFF}:
            terminal = message.fields.get(41)
            signed_on = kind is NetworkKind.SIGN_ON
            if not self._follow(None if terminal is None else str(terminal), signed_on=signed_on):
                reason = "too many terminals"
                return NetworkRequest(kind, message, ResponseCode.OVER_COUNT_LIMIT, reason)
        return self._answer(kind, message, "DE70 not supported" if kind is NetworkKind.UNKNOWN else "")

    @staticmethod
    def _answer(kind: NetworkKind, message: Message, reason: str) -> NetworkRequest:
        return NetworkRequest(kind, message, _ANSWERS[kind], reason)

    def _follow(self, terminal: str | None, *, signed_on: bool) -> bool:
        """Whether the state could be changed."""
        if terminal is None:
            self._signed_on = signed_on
            self._differing.clear()
            return True
        if signed_on == self._signed_on:
            self._differing.discard(terminal)
            return True
        if len(self._differing) >= TERMINALS_MAX and terminal not in self._differing:
            return False
        self._differing.add(terminal)
        return True

    def signed_on(self, terminal: str | None = None) -> bool:
        """The state of a terminal, or of the connection."""
        return self._signed_on != (terminal in self._differing)

    def admits(self, message: Message) -> bool:
        """Whether a message may pass; one that may not gets 58."""
        if self._signed_on and not self._differing:
            return True
        if message.mti not in _HELD_BACK:
            return True
        terminal = message.fields.get(41)
        return self.signed_on(None if terminal is None else str(terminal))
