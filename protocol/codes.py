"""Codes by name: processing codes (DE3), response codes (DE39) and their precedence, network management
codes (DE70).
"""

from types import MappingProxyType
from typing import Final


class ProcessingCode:
    """DE3, `TT FF TO`: transaction type, account from, account to (60 points, 65 credit)."""

    PURCHASE: Final = "000000"
    REDEMPTION: Final = "006000"
    CREDIT_PURCHASE: Final = "006500"
    REFUND: Final = "200000"
    BALANCE: Final = "310000"
    STATEMENT: Final = "380000"
    POINTS_TRANSFER: Final = "400000"
    POINTS_TO_POINTS: Final = "406060"
    POINTS_TO_CREDIT: Final = "406065"
    ENROLMENT: Final = "900000"
    CARD_LINK: Final = "910000"
    COUPON_CHECK: Final = "920000"
    EVENT: Final = "950000"
    BATCH_RECONCILIATION: Final = "960000"


class InternalCode:
    """DE3 of messages that jobs send and no till may."""

    UPKEEP: Final = "990000"
    GIFT: Final = "990100"


class ResponseCode:
    """DE39. A decline is a value, never an exception."""

    APPROVED: Final = "00"
    UNKNOWN_MERCHANT: Final = "03"
    REFUSED: Final = "05"
    INVALID_TRANSACTION: Final = "12"
    INVALID_AMOUNT: Final = "13"
    UNKNOWN_CARD: Final = "14"
    ORIGINAL_NOT_FOUND: Final = "25"
    FORMAT_ERROR: Final = "30"
    NOT_SUPPORTED: Final = "40"
    NOT_ENOUGH: Final = "51"
    EXPIRED_CARD: Final = "54"
    WRONG_PIN: Final = "55"
    NOT_ALLOWED_TO_CARD: Final = "57"
    NOT_ALLOWED_TO_TERMINAL: Final = "58"
    OVER_AMOUNT_LIMIT: Final = "61"
    SECURITY_FAILURE: Final = "63"
    OVER_COUNT_LIMIT: Final = "65"
    LATE: Final = "68"
    PIN_TRIES_USED_UP: Final = "75"
    CARD_BLOCKED: Final = "78"
    OUT_OF_REACH: Final = "91"
    DUPLICATE_KEY: Final = "94"
    TOTALS_DISAGREE: Final = "95"
    FAULT: Final = "96"


# When several apply, the first of these answers.
PRECEDENCE: Final = (
    ResponseCode.FORMAT_ERROR,
    ResponseCode.SECURITY_FAILURE,
    ResponseCode.NOT_ALLOWED_TO_TERMINAL,
    ResponseCode.UNKNOWN_MERCHANT,
    ResponseCode.NOT_SUPPORTED,
    ResponseCode.INVALID_TRANSACTION,
    ResponseCode.DUPLICATE_KEY,
    ResponseCode.UNKNOWN_CARD,
    ResponseCode.CARD_BLOCKED,
    ResponseCode.EXPIRED_CARD,
    ResponseCode.PIN_TRIES_USED_UP,
    ResponseCode.WRONG_PIN,
    ResponseCode.NOT_ALLOWED_TO_CARD,
    ResponseCode.INVALID_AMOUNT,
    ResponseCode.OVER_AMOUNT_LIMIT,
    ResponseCode.OVER_COUNT_LIMIT,
    ResponseCode.ORIGINAL_NOT_FOUND,
    ResponseCode.NOT_ENOUGH,
    ResponseCode.REFUSED,
)

RESPONSE_MEANINGS: Final = MappingProxyType(
    {
        "00": "approved",
        "03": "unknown merchant",
        "05": "refused by the programme",
        "12": "invalid transaction",
        "13": "invalid amount",
        "14": "unknown card",
        "25": "original not found",
        "30": "format error",
        "40": "function not supported",
        "51": "not enough points or credit",
        "54": "expired card",
        "55": "wrong PIN",
        "57": "not allowed to this card",
        "58": "not allowed to this terminal",
        "61": "over an amount limit",
        "63": "MAC or security failure",
        "65": "over a count limit",
        "68": "late",
        "75": "PIN tries used up",
        "78": "card blocked or not active",
        "91": "store or issuer out of reach",
        "94": "duplicate key, other content",
        "95": "totals do not agree",
        "96": "fault here",
    }
)


class NetworkCode:
    """DE70 of a network management message."""

    SIGN_ON: Final = "001"
    SIGN_OFF: Final = "002"
    KEY_CHANGE: Final = "101"
    CUT_OVER: Final = "201"
    ECHO: Final = "301"
