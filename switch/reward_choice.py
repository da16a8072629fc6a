"""What a till chose out of a programme's catalogue (DE48 RW): its number for the kernel, and why it was refused."""

import datetime as dt

from protocol.codes import ResponseCode
from switch.ages import is_under, under_age
from switch.programme import CompiledProgramme
from switch.programme.calendar import EPOCH_ORDINAL
from switch.transaction import Transaction

NOTHING_CHOSEN = 0
NOT_THERE = -1
"""The number of what the programme does not have: no rule gives it."""

NO_SUCH_REWARD = "RW is no reward here"
NOT_IN_BASKET = "RW is not in the basket"
NOT_AVAILABLE = "RW is not available now"
USED_UP = "RW was had often enough"
BUDGET_USED_UP = "RW: budget is used up"
BIRTH_DATE_UNKNOWN = "RW wants a birth date"
"""DE44: ASCII, at most 25 characters."""


def number_of(code: str, programme: CompiledProgramme) -> int:
    """The number of a reward's code, "" if none was chosen."""
    if not code:
        return NOTHING_CHOSEN
    reward = programme.rewards.get(code)
    return NOT_THERE if reward is None else reward.number


def reason_of(transaction: Transaction, programme: CompiledProgramme, response_code: str, born: int) -> str:
    """Why the kernel refused the chosen reward; "" if it refused for another reason, or nothing was chosen.

    `born` is the member's birth date, YYYYMMDD or 0.
    """
    if not transaction.reward:
        return ""
    match response_code:
        case ResponseCode.OVER_COUNT_LIMIT:
            return USED_UP
        case ResponseCode.REFUSED:
            reward = programme.rewards.get(transaction.reward)
            if reward is None:
                return NO_SUCH_REWARD
            if reward.min_age is not None and (reason := _too_young(reward.min_age, born, _local_date(transaction))):
                return reason
            basket = transaction.basket or ()
            is_missing = reward.free is not None and all(line.sku != reward.free for line in basket)
            return NOT_IN_BASKET if is_missing else NOT_AVAILABLE
    return ""


def _too_young(min_age: int, born: int, day: dt.date) -> str:
    """What age has against it; "" if it has nothing."""
    if not born:
        return BIRTH_DATE_UNKNOWN
    return under_age(min_age) if is_under(min_age, born, day) else ""


def _local_date(transaction: Transaction) -> dt.date:
    return dt.date.fromordinal(EPOCH_ORDINAL + transaction.request.local_day)
