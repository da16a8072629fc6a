"""Messages of the house: what no till sends, and yet goes through a lane like everything else, with a key and a row.

They come from till number 0 of the programme's owner, which stands nowhere.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

from cext._kernel import Request
from cext._marks import fingerprint
from protocol.message import Message
from protocol.tlv import build
from switch.calendars import nearest
from switch.institutions import Terminal
from switch.lanes import Lanes
from switch.limits import Limits
from switch.ports import Telemetry
from switch.programme.calendar import LocalCalendar
from switch.recent import RecentKeys
from switch.replies import Replier
from switch.tokens import Token
from switch.transaction import Transaction
from switch.wide_deciding import WideDecider
from switch.wide_lane import WideLane
from switch.wide_ports import WideStore
from switch.wide_requests import END_CODE, ERASURE_CODE, LEAVING, Leaving, Wide

HOUSE_TERMINAL = 0
_CODE = "HOUSE"
_STANS = 10**6


@dataclass(frozen=True, slots=True)
class Owner:
    """The institution that a programme belongs to. `business_date` is None if it cuts over at midnight."""

    institution: int
    acquirer: str
    timezone: str
    business_date: dt.date | None
    programme: str
    currency: int


@dataclass(slots=True)
class Answer:
    """Hears the reply to one message, as a till's connection would."""

    fields: dict[int, str | bytes] = field(default_factory=dict)

    @property
    def code(self) -> str:
        """DE39; "" as long as there is no reply."""
        return str(self.fields.get(39, ""))

    @property
    def reason(self) -> str:
        """DE44."""
        return str(self.fields.get(44, ""))

    def accept(self) -> None:
        """Nothing is counted here."""

    def release(self) -> None:
        """Nothing is counted here."""

    def answer(self, message: Message, header: bytes) -> None:  # noqa: ARG002  # the port's
        """A reply as a whole."""
        self.fields = dict(message.fields)

    def reply(self, request: Message, decided: dict[int, str | bytes], header: bytes) -> None:  # noqa: ARG002
        """What was decided."""
        self.fields = decided

    def flush(self) -> None:
        """There is no line."""


def leaving_message(asked: Leaving, card: Token, owner: Owner, now: float) -> tuple[Transaction, Answer]:
    """Somebody leaves, at the epoch second `now`. The key is of this attempt: who tries again sends a new message."""
    moment = dt.datetime.fromtimestamp(now, dt.UTC)
    stan = asked.request % _STANS
    sent = nearest(f"{moment:%m%d%H%M%S}", moment.date())
    assert sent is not None
    local = LocalCalendar(owner.timezone).at(int(now))
    code = END_CODE if asked.alias is None else ERASURE_CODE
    message = Message(
        "0200",
        {3: f"{code:06d}", 7: f"{moment:%m%d%H%M%S}", 11: f"{stan:06d}", 32: owner.acquirer, 41: _CODE},
    )
    terminal = Terminal(
        HOUSE_TERMINAL, _CODE, owner.acquirer, 0, 0, "", 0, owner.institution, owner.timezone, owner.business_date,
        owner.programme,
    )  # fmt: skip
    request = Request(
        LEAVING, False, 0, owner.currency, int(now), local.day, local.month, local.hour, local.weekday,
        local.day_of_month, 0, 0, owner.institution, 0,
    )  # fmt: skip
    answer = Answer()
    received = monotonic()
    transaction = Transaction(answer, b"", message, terminal, request, received, received + Limits().reply_deadline_s)
    transaction.mti = 200
    transaction.processing_code = code
    transaction.key = sent.key + stan
    transaction.message_class = 2
    transaction.terminal_id = HOUSE_TERMINAL
    transaction.recent_key = (transaction.key, HOUSE_TERMINAL, 2)
    transaction.sent_on = sent.date
    transaction.sent_on_ordinal = sent.ordinal
    transaction.belongs_to(card.shard, card.id)
    transaction.token_low = card.low
    transaction.fingerprint = fingerprint(asked.request, card.shard, str(code))
    transaction.currency = f"{owner.currency:03d}"
    transaction.business_date = day = owner.business_date or local.date
    transaction.business_ordinal = day.toordinal()
    transaction.settlement_date = f"{day:%m%d}"
    transaction.rrn = f"{moment:%j%H}{stan:07d}"
    people = [("BY", asked.asked_by), ("AP", asked.approved_by)]
    transaction.asked = build([(tag, name) for tag, name in people if name is not None])
    transaction.wide = Wide(card, asked)
    return transaction, answer


async def carry(
    transaction: Transaction,
    *,
    store: WideStore,
    decider: WideDecider,
    telemetry: Telemetry,
    wall_clock: Callable[[], float],
) -> None:
    """Take one message down and up again on a lane of its own; its answer is heard when this returns.

    It is 91 if the store did not answer in time: what became of the message is then not known.
    """
    limits, recent = Limits(), RecentKeys(Limits().recent_keys_max)
    replier = Replier(telemetry, monotonic)
    lane = WideLane(
        0,
        store=store,
        decider=decider,
        replier=replier,
        recent=recent,
        limits=limits,
        telemetry=telemetry,
        wall_clock=wall_clock,
        loop_clock=monotonic,
    )
    lanes = Lanes([lane], 0, recent, replier, telemetry)
    lanes.start()
    lanes.submit(transaction)
    await lanes.stop()
