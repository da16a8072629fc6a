"""Message type indicators as tables (ISO 8583:1987 and 1993): version, class, function, origin.

Function: 0 request, 1 its response, 2 advice, 3 its response, 4 notification. Origin: an odd digit repeats
the even one before it (0 acquirer, 2 issuer, 4 other).
"""

from types import MappingProxyType
from typing import Final

from protocol.errors import MtiError

AUTHORISATION: Final = 1
FINANCIAL: Final = 2
FILE_ACTION: Final = 3
REVERSAL: Final = 4
RECONCILIATION: Final = 5
ADMINISTRATIVE: Final = 6
FEE_COLLECTION: Final = 7
NETWORK_MANAGEMENT: Final = 8

REQUEST: Final = 0
REQUEST_RESPONSE: Final = 1
ADVICE: Final = 2
ADVICE_RESPONSE: Final = 3
NOTIFICATION: Final = 4

_ORIGINS = range(6)
_ALL = tuple(
    f"{version}{message_class}{function}{origin}"
    for version in (0, 1)
    for message_class in range(1, 9)
    for function in range(5)
    for origin in _ORIGINS
)

CLASS_OF: Final = MappingProxyType({mti: int(mti[1]) for mti in _ALL})
FUNCTION_OF: Final = MappingProxyType({mti: int(mti[2]) for mti in _ALL})
REPEATS: Final = frozenset(mti for mti in _ALL if int(mti[3]) % 2)
ORIGINAL_OF: Final = MappingProxyType({mti: mti[:3] + str(int(mti[3]) // 2 * 2) for mti in _ALL})
RESPONSE_OF: Final = MappingProxyType(
    {mti: mti[:2] + str(int(mti[2]) + 1) + ORIGINAL_OF[mti][3] for mti in _ALL if FUNCTION_OF[mti] in {REQUEST, ADVICE}}
)


def message_class(mti: str) -> int:
    """`0200` → 2, FINANCIAL; an MtiError if there is no such message type."""
    try:
        return CLASS_OF[mti]
    except KeyError:
        raise MtiError("no such message type") from None


def response_of(mti: str) -> str:
    """`0201` → `0210`: a repeat gets the answer of its original. An MtiError if it is not a request or an
    advice.
    """
    try:
        return RESPONSE_OF[mti]
    except KeyError:
        raise MtiError("neither a request nor an advice") from None


def original_of(mti: str) -> str:
    """`0201` → `0200`; what is no repeat stays as it is."""
    try:
        return ORIGINAL_OF[mti]
    except KeyError:
        raise MtiError("no such message type") from None


def is_repeat(mti: str) -> bool:
    """Whether it says of itself that it was sent before."""
    return mti in REPEATS


def is_advice(mti: str) -> bool:
    """Whether it tells of something that has already happened."""
    return FUNCTION_OF.get(mti) == ADVICE


def is_request(mti: str) -> bool:
    """Whether it asks, and nothing happens before it is answered."""
    return FUNCTION_OF.get(mti) == REQUEST


def is_reversal(mti: str) -> bool:
    """Whether it takes back another message."""
    return CLASS_OF.get(mti) == REVERSAL
