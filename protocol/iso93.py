"""ISO 8583:1993 messages in the terms of 1987, and back.

The switch speaks 1987: MTIs 0xxx, DE12 with DE13, two-character response codes, DE70, DE90. A 1993 message
says the same with other elements; these are translated, those that mean the same pass, and those that mean
something else in the other edition are left out, so that they are never misread. What is lost: the year of
dates (the nearest to today is put back), and the fine points of codes that 1987 does not tell apart.

| 1993 | 1987 |
|---|---|
| MTI 1xxx; origin 4 of network management | MTI 0xxx; origin 0 |
| 12 YYMMDDhhmmss | 12 hhmmss, 13 MMDD |
| 15 YYMMDD | 15 MMDD |
| 22 POS data code: digit 7 input mode, digit 2 PIN capability | 22 entry mode, PIN capability |
| 24 function code of network management: 801, 802, 811, 821, 831 | 70: 001, 002, 101, 201, 301 |
| 24 other function codes | left out; made anew from the MTI |
| 26 card acceptor business code | 18 merchant type |
| 30 amounts, original; 4 the amount that stays (24 = 401) | 4 the original's amount, 95 replacement amounts |
| 39 action code | 39 response code, see `ACTION_CODES` |
| 56 MTI, STAN, local date and time, LL and acquirer | 90 MTI, STAN, date and time, acquirer, forwarder |

1993 names an original by its local date and time, 1987 by its DE7: a till of 1993 sends the same time in
both.
"""

import re
from datetime import date
from types import MappingProxyType
from typing import Final

from protocol.codes import NetworkCode, ResponseCode
from protocol.errors import DecodeError
from protocol.message import Message
from protocol.mti import ADVICE, CLASS_OF, FUNCTION_OF, NETWORK_MANAGEMENT, REQUEST, REVERSAL

Fields = dict[int, str | bytes]

# Elements that mean the same in both editions.
_SAME: Final = frozenset(
    {*range(2, 12), 14, 16, 17, 19, 20, 21, 23, 27, *range(32, 39), *range(41, 46), *range(47, 53), 54}
    | {*range(60, 65), *range(67, 70), *range(73, 82), *range(86, 90), *range(97, 105), *range(111, 129)}
)

_FUNCTION_TO_NETWORK: Final = MappingProxyType(
    {
        "801": NetworkCode.SIGN_ON,
        "802": NetworkCode.SIGN_OFF,
        "811": NetworkCode.KEY_CHANGE,
        "821": NetworkCode.CUT_OVER,
        "831": NetworkCode.ECHO,
    }
)
_NETWORK_TO_FUNCTION: Final = MappingProxyType({code: function for function, code in _FUNCTION_TO_NETWORK.items()})

# Response code → action code; the ranges of the other direction's rest are in `_response_code`.
ACTION_CODES: Final = MappingProxyType(
    {
        ResponseCode.APPROVED: "000",
        ResponseCode.UNKNOWN_MERCHANT: "109",
        ResponseCode.REFUSED: "100",
        ResponseCode.INVALID_TRANSACTION: "902",
        ResponseCode.INVALID_AMOUNT: "110",
        ResponseCode.UNKNOWN_CARD: "111",
        ResponseCode.ORIGINAL_NOT_FOUND: "914",
        ResponseCode.FORMAT_ERROR: "904",
        ResponseCode.NOT_SUPPORTED: "115",
        ResponseCode.NOT_ENOUGH: "116",
        ResponseCode.EXPIRED_CARD: "101",
        ResponseCode.WRONG_PIN: "117",
        ResponseCode.NOT_ALLOWED_TO_CARD: "119",
        ResponseCode.NOT_ALLOWED_TO_TERMINAL: "120",
        ResponseCode.OVER_AMOUNT_LIMIT: "121",
        ResponseCode.SECURITY_FAILURE: "122",
        ResponseCode.OVER_COUNT_LIMIT: "123",
        ResponseCode.LATE: "911",
        ResponseCode.PIN_TRIES_USED_UP: "106",
        ResponseCode.CARD_BLOCKED: "104",
        ResponseCode.OUT_OF_REACH: "907",
        ResponseCode.DUPLICATE_KEY: "913",
        ResponseCode.TOTALS_DISAGREE: "501",
        ResponseCode.FAULT: "909",
    }
)
# What 1993 says for "approved" in each class of message; 000 elsewhere.
ACCEPTED_BY_CLASS: Final = MappingProxyType({3: "300", 4: "400", 5: "500", 6: "600", 7: "700", 8: "800"})
# Further action codes that have a response code of their own.
_OTHER_ACTIONS: Final = MappingProxyType(
    {
        "118": ResponseCode.UNKNOWN_CARD,
        "125": ResponseCode.CARD_BLOCKED,
        "129": ResponseCode.CARD_BLOCKED,
        "912": ResponseCode.OUT_OF_REACH,
        "916": ResponseCode.SECURITY_FAILURE,
        "921": ResponseCode.SECURITY_FAILURE,
    }
)
_RESPONSE_CODES: Final = MappingProxyType({**{action: code for code, action in ACTION_CODES.items()}, **_OTHER_ACTIONS})

# Card data input mode ↔ the first two digits of the entry mode. Contactless has no digit in 1993; 7 is in
# common use.
_INPUT_TO_ENTRY: Final = MappingProxyType({"1": "01", "2": "02", "3": "03", "4": "04", "5": "05", "6": "01", "7": "07"})
_ENTRY_TO_INPUT: Final = MappingProxyType({"01": "6", "02": "2", "03": "3", "04": "4", "05": "5", "07": "7", "90": "2"})
_PIN_OF_CAPABILITY: Final = MappingProxyType({"1": "1", "0": "2"})
_CAPABILITY_OF_PIN: Final = MappingProxyType({"1": "1", "2": "0"})

_FUNCTION_BY_MTI: Final = MappingProxyType({"01": "100", "02": "200", "03": "300", "04": "400", "05": "500"})
_PARTIAL_REVERSAL: Final = "401"
_ORIGINAL_1993: Final = re.compile(r"(1[0-9]{3})([0-9]{6})([0-9]{2})([0-9]{10})([0-9]{2})([0-9]{0,11})")
_ORIGINAL_1987: Final = re.compile(r"(0[0-9]{3})([0-9]{6})([0-9]{10})([0-9]{11})[0-9]{11}")
_NO_FEES: Final = "C00000000C00000000"
_NO_AMOUNT: Final = "0" * 12


def canonical(message: Message) -> Message:
    """A 1993 message in the terms of 1987; a DecodeError (offset 0) if its MTI or its DE56 is not of 1993."""
    if not message.mti.startswith("1"):
        raise DecodeError(0, 0, "MTI is not of the 1993 version")
    fields = {number: value for number, value in message.fields.items() if number in _SAME}
    _dates_to_1987(message.fields, fields)
    for number, value in message.fields.items():
        if not isinstance(value, str):
            continue
        if number == 22:
            pin = _PIN_OF_CAPABILITY.get(value[1:2], "0")
            fields[22] = _INPUT_TO_ENTRY.get(value[6:7], "00") + pin
        elif number == 26 and 18 not in message.fields:
            fields[18] = value
        elif number == 39:
            fields[39] = _response_code(value)
        elif number == 56:
            fields[90] = _original_to_1987(value)
    if isinstance(merchant_type := message.fields.get(18), str):
        fields[18] = merchant_type
    mti = _mti_to_1987(message.mti)
    function = message.fields.get(24)
    if isinstance(function, str) and CLASS_OF.get(mti) == NETWORK_MANAGEMENT:
        fields[70] = _FUNCTION_TO_NETWORK.get(function, function)
    _partial_to_1987(message.fields, fields)
    return Message(mti, fields)


def translatable(message: Message) -> Message | None:
    """The message without what `canonical` refuses; None if that is the whole of it."""
    if not message.mti.startswith("1"):
        return None
    original = message.fields.get(56)
    if isinstance(original, str) and _original_1993(original) is None:
        fields = {number: value for number, value in message.fields.items() if number != 56}
        return Message(message.mti, fields)
    return message


def native(message: Message, today: date) -> Message:
    """A message of the switch in the terms of 1993; dates get the year that brings them nearest to
    `today`.
    """
    mti = _mti_to_1993(message.mti)
    message_class = CLASS_OF.get(message.mti)
    fields = {number: value for number, value in message.fields.items() if number in _SAME}
    _dates_to_1993(message.fields, fields, today)
    for number, value in message.fields.items():
        if not isinstance(value, str):
            continue
        if number == 18:
            fields[26] = value
        elif number == 22:
            capability = _CAPABILITY_OF_PIN.get(value[2:], "6")
            fields[22] = f"0{capability}0000{_ENTRY_TO_INPUT.get(value[:2], '0')}00000"
        elif number == 39:
            fields[39] = _action_code(value, message_class)
        elif number == 90 and (original := _ORIGINAL_1987.fullmatch(value)):
            fields[56] = _original_to_1993(original, today)
    _function_to_1993(message, fields)
    return Message(mti, fields)


def _mti_to_1987(mti: str) -> str:
    """Network management comes from origin 4, "other", in 1993 and from 0 in 1987; an odd digit is a repeat
    in both.
    """
    if mti[1] == "8" and mti[3] in "45":
        return f"0{mti[1:3]}{int(mti[3]) - 4}"
    return "0" + mti[1:]


def _mti_to_1993(mti: str) -> str:
    if mti[1] == "8" and mti[3] in "01":
        return f"1{mti[1:3]}{int(mti[3]) + 4}"
    return "1" + mti[1:]


def _dates_to_1987(source: Fields, fields: Fields) -> None:
    local = source.get(12)
    if isinstance(local, str):
        fields[12] = local[6:]
        fields[13] = local[2:6]
    settlement = source.get(15)
    if isinstance(settlement, str):
        fields[15] = settlement[2:]


def _dates_to_1993(source: Fields, fields: Fields, today: date) -> None:
    time, day, settlement = source.get(12), source.get(13), source.get(15)
    if isinstance(time, str) and isinstance(day, str):
        fields[12] = _nearest_year(day, today) + day + time
    if isinstance(settlement, str):
        fields[15] = _nearest_year(settlement, today) + settlement


def _nearest_year(day: str, today: date) -> str:
    """The two-digit year that brings MMDD nearest to `today`; this year's if the calendar has no such day."""
    candidates: list[date] = []
    for year in range(today.year - 4, today.year + 5):
        try:
            candidates.append(date(year, int(day[:2]), int(day[2:4])))
        except ValueError:
            continue
    nearest = min(candidates, key=lambda candidate: abs(candidate - today), default=today)
    return f"{nearest.year % 100:02}"


def _response_code(action: str) -> str:
    """An action code of its own, or what its range says: accepted (0xx, 3xx to 8xx), refused (1xx, 2xx),
    fault (9xx).
    """
    if action in _RESPONSE_CODES:
        return _RESPONSE_CODES[action]
    if action[:1] in {"1", "2"}:
        return ResponseCode.REFUSED
    return ResponseCode.FAULT if action[:1] == "9" else ResponseCode.APPROVED


def _action_code(response: str, message_class: int | None) -> str:
    if response == ResponseCode.APPROVED and message_class is not None:
        return ACCEPTED_BY_CLASS.get(message_class, "000")
    return ACTION_CODES.get(response, ACTION_CODES[ResponseCode.FAULT])


def _original_1993(value: str) -> re.Match[str] | None:
    """The parts of DE56, if its last is as long as it says."""
    match = _ORIGINAL_1993.fullmatch(value)
    return match if match is not None and int(match[5]) == len(match[6]) else None


def _original_to_1987(value: str) -> str:
    match = _original_1993(value)
    if match is None:
        raise DecodeError(56, 0, "not MTI, STAN, date and time, and acquirer of an original")
    mti, stan, _year, moment, _length, acquirer = match.groups()
    return f"{_mti_to_1987(mti)}{stan}{moment}{acquirer:0>11}{0:011}"


def _original_to_1993(original: re.Match[str], today: date) -> str:
    mti, stan, moment, acquirer = original.groups()
    digits = acquirer.lstrip("0")
    return f"{_mti_to_1993(mti)}{stan}{_nearest_year(moment[:4], today)}{moment}{len(digits):02}{digits}"


def _partial_to_1987(source: Fields, fields: Fields) -> None:
    """Of a partial reversal 1993 gives the amount that stays in DE4 and the original's in DE30."""
    stays, originals = source.get(4), source.get(30)
    if source.get(24) == _PARTIAL_REVERSAL and isinstance(stays, str) and isinstance(originals, str):
        fields[4] = originals[:12]
        fields[95] = stays + _NO_AMOUNT + _NO_FEES


def _function_to_1993(message: Message, fields: Fields) -> None:
    """The function code that a request or an advice must have, and what hangs on it."""
    message_class = CLASS_OF.get(message.mti)
    code = message.fields.get(70)
    if message_class == NETWORK_MANAGEMENT:
        if isinstance(code, str):
            fields[24] = _NETWORK_TO_FUNCTION.get(code, code)
        return
    if FUNCTION_OF.get(message.mti) not in {REQUEST, ADVICE}:
        return
    amount, replacement = message.fields.get(4), message.fields.get(95)
    if message_class == REVERSAL and isinstance(amount, str) and isinstance(replacement, str):
        fields[24] = _PARTIAL_REVERSAL
        fields[30] = amount + _NO_AMOUNT
        fields[4] = replacement[:12]
    elif message.mti[:2] in _FUNCTION_BY_MTI:
        fields[24] = _FUNCTION_BY_MTI[message.mti[:2]]
