"""From what is due to the message that a lane carries, as if an internal terminal of the owner had sent it.

It is an advice (0220): the calendar has decided that it happens, so neither a blocked card nor a partner's role is in
its way. Tills cannot send it: its DE3 is known to no MTI of theirs (12), and its terminal is not theirs (58).
"""

import datetime as dt
from dataclasses import dataclass

from cext._kernel import Request
from cext._marks import fingerprint
from protocol.codes import InternalCode, ProcessingCode
from protocol.message import Message
from protocol.tlv import build
from switch.deciding import EVENT, GIFT, UPKEEP, LiveProgramme
from switch.institutions import Directory, Terminal
from switch.jobs.keys import key_of
from switch.programme.calendar import LocalTime
from switch.transaction import Link, Transaction

MTI = "0220"
MESSAGE_CLASS = 2
TERMINAL_CODE = "JOBS0000"
MERCHANT_CODE = "JOBS00000000000"
PROCESSING_CODES = {UPKEEP: InternalCode.UPKEEP, GIFT: InternalCode.GIFT, EVENT: ProcessingCode.EVENT}
EVENT_TAG, CAUSE_TAG = "EV", "JB"
"""Of `journal.asked`: the event that is told, and why a gift is given."""
NOT_WANTED = -1
_STANS = 1_000_000


@dataclass(frozen=True, slots=True)
class Task:
    """One thing that is to happen to one account, once.

    `what` names it among all that belong to `day`. `shard`, `account` and `token_low` are of the account's first card;
    `points` and `credit` (minor units) what a gift gives, `cause` why in words that name nobody, `event` what is told.
    """

    what: str
    day: dt.date
    kind: int
    shard: int
    account: int
    token_low: int
    points: int = 0
    credit: int = 0
    cause: str = ""
    event: str = ""


@dataclass(frozen=True, slots=True)
class Sender:
    """In whose name the tasks of a programme are sent."""

    programme: LiveProgramme
    terminal: Terminal
    shards: int


def sender_of(directory: Directory, programme: LiveProgramme, shards: int) -> Sender | None:
    """The sender of a programme: the internal terminal of its owner, or None if that has not been made."""
    owner = directory.institution(_owner(directory, programme))
    terminal = None if owner is None else directory.terminal(owner.code, TERMINAL_CODE)
    return None if terminal is None else Sender(programme, terminal, shards)


def _owner(directory: Directory, programme: LiveProgramme) -> str:
    owner_id = next(each.owner_id for each in directory.programmes if each.id == programme.id)
    return next(each.code for each in directory.institutions if each.id == owner_id)


def transaction_of(
    task: Task, sender: Sender, at: LocalTime, *, attempt: int, link: Link, received: float, deadline: float
) -> Transaction:
    """The message of a task, decided at a moment whose local time is `at`."""
    terminal = sender.terminal
    code = PROCESSING_CODES[task.kind]
    key = key_of(task.what, task.day, shard=task.shard, shards=sender.shards, attempt=attempt)
    sent, stan = divmod(key, _STANS)
    fields: dict[int, str | bytes] = {
        3: code,
        7: f"{sent:010d}",
        11: f"{stan:06d}",
        32: terminal.acquirer,
        41: terminal.code,
        42: terminal.merchant_code,
    }
    made = Transaction(link, b"", Message(MTI, fields), terminal, _request(task, sender, at), received, deadline)
    made.mti = int(MTI)
    made.processing_code = int(code)
    made.key = key
    made.message_class = MESSAGE_CLASS
    made.terminal_id = terminal.id
    made.recent_key = (key, terminal.id, MESSAGE_CLASS)
    made.sent_on = task.day
    made.sent_on_ordinal = task.day.toordinal()
    made.belongs_to(task.shard, task.account)
    made.token_low = task.token_low
    made.fingerprint = fingerprint(
        task.account, task.token_low, code, task.what, str(task.points), str(task.credit), task.event
    )
    made.currency = f"{made.request.currency:03d}"
    made.business_date = day = terminal.business_date or at.date
    made.business_ordinal = day.toordinal()
    made.settlement_date = f"{day.month:02d}{day.day:02d}"
    hour = sent // 10_000 % 100
    made.rrn = f"{task.day.year % 10}{task.day.timetuple().tm_yday:03d}{hour:02d}{stan:06d}"
    made.event = task.event
    made.asked = _asked(task)
    # An earlier run may have done it: the journal is asked first.
    made.suspect = True
    return made


def _request(task: Task, sender: Sender, at: LocalTime) -> Request:
    terminal = sender.terminal
    return Request(
        kind=task.kind,
        advice=True,
        amount=0,
        currency=sender.programme.compiled.currency,
        now=0,
        local_day=at.day,
        local_month=at.month,
        hour=at.hour,
        weekday=at.weekday,
        day_of_month=at.day_of_month,
        entry_mode=0,
        merchant=terminal.merchant_id,
        institution=terminal.institution_id,
        category=terminal.category_id,
        points_wanted=task.points if task.kind == GIFT else NOT_WANTED,
        credit_wanted=task.credit if task.kind == GIFT else NOT_WANTED,
    )


def _asked(task: Task) -> str | None:
    if task.kind == EVENT:
        return build([(EVENT_TAG, task.event)])
    return build([(CAUSE_TAG, task.cause)]) if task.cause else None
