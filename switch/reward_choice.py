"""What a till chose out of a programme's catalogue (DE48 RW): its number for the kernel, and why it was refused."""

from protocol.codes import ResponseCode
from switch.programme import CompiledProgramme
from switch.transaction import Transaction

NOTHING_CHOSEN = 0
NOT_THERE = -1
"""The number of what the programme does not have: no rule gives it."""

NO_SUCH_REWARD = "RW is no reward here"
NOT_IN_BASKET = "RW is not in the basket"
NOT_AVAILABLE = "RW is not available now"
USED_UP = "RW was had often enough"
BUDGET_USED_UP = "RW: budget is used up"
"""DE44: ASCII, at most 25 characters."""


def number_of(code: str, programme: CompiledProgramme) -> int:
    """The number of a reward's code, "" if none was chosen."""
    if not code:
        return NOTHING_CHOSEN
    reward = programme.rewards.get(code)
    return NOT_THERE if reward is None else reward.number


def reason_of(transaction: Transaction, programme: CompiledProgramme, response_code: str) -> str:
    """Why the kernel refused the chosen reward; "" if it refused for another reason, or nothing was chosen."""
    if not transaction.reward:
        return ""
    match response_code:
        case ResponseCode.OVER_COUNT_LIMIT:
            return USED_UP
        case ResponseCode.REFUSED:
            reward = programme.rewards.get(transaction.reward)
            if reward is None:
                return NO_SUCH_REWARD
            basket = transaction.basket or ()
            is_missing = reward.free is not None and all(line.sku != reward.free for line in basket)
            return NOT_IN_BASKET if is_missing else NOT_AVAILABLE
    return ""
