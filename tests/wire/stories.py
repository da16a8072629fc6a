"""Stories told over the wire: a switch whose clock follows the messages, and a till that lives through months."""

import asyncio
import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import asyncpg

from adapters.postgres.audit import audit
from adapters.postgres.connecting import connection
from adapters.postgres.loading import load
from adapters.postgres.seeding import seed
from protocol import tlv
from protocol.message import Message
from tests.conftest import TOKEN_KEY
from tests.replays import differences
from tests.wire.running import RunningSwitch, Till, card, message, original_of

TEHRAN = dt.timezone(dt.timedelta(hours=3, minutes=30))
NOON = dt.time(12, 0)
STEP_DAYS = 150
WALKER = 19
"""The serial of the card that is asked about on the way."""


class Reply:
    """What a till hears, taken apart."""

    def __init__(self, sent: Message, heard: Message) -> None:
        self.sent = sent
        self.heard = heard
        text = heard.fields.get(62)
        self._private = tlv.parse(text) if isinstance(text, str) else []

    @property
    def code(self) -> str:
        """DE39."""
        return str(self.heard.fields[39])

    @property
    def reason(self) -> str:
        """DE44."""
        return str(self.heard.fields.get(44, ""))

    @property
    def to_pay(self) -> int:
        """DE4, minor units."""
        return int(str(self.heard.fields[4]))

    def all(self, tag: str) -> list[str]:
        """The values of a tag of DE62, in order."""
        return [value for name, value in self._private if name == tag]

    def number(self, tag: str) -> int:
        """The number that a tag of DE62 carries; 0 if it is not there."""
        return int(next(iter(self.all(tag)), "0"))

    @property
    def earned(self) -> int:
        """Points."""
        return self.number("PE")

    @property
    def redeemed(self) -> int:
        """Points."""
        return self.number("PR")

    @property
    def points(self) -> int:
        """The balance."""
        return self.number("PB")

    @property
    def credit(self) -> int:
        """The balance, minor units."""
        return self.number("CB")

    @property
    def granted(self) -> int:
        """Credit given, minor units."""
        return self.number("CG")

    @property
    def discount(self) -> int:
        """Minor units."""
        return self.number("DS")


class Story:
    """One day after another at a till. Days are local (Tehran), and messages come at noon unless told otherwise."""

    def __init__(self, till: Till, url: str, first_day: dt.date) -> None:
        self.till = till
        self.url = url
        self.today = first_day
        self._stan = 0

    def after(self, days: int) -> Self:
        """Let days pass."""
        self.today += dt.timedelta(days=days)
        return self

    def walk_to(self, day: dt.date) -> Self:
        """Come to a day, however far: DE7 has no year, so that no step may be half a year long."""
        while self.today != day:
            left = (day - self.today).days
            self.after(max(-STEP_DAYS, min(STEP_DAYS, left))).balance(card(WALKER))
        return self

    def ask(self, mti: str, code: str, *, pan: str, amount: int, at: dt.time = NOON, **more: str) -> Reply:
        """Send a message on this day and hear the reply."""
        self._stan += 1
        moment = dt.datetime.combine(self.today, at, tzinfo=TEHRAN).astimezone(dt.UTC)
        sent = message(mti, code, pan=pan, amount=amount, stan=self._stan, de7=f"{moment:%m%d%H%M%S}", **more)
        return Reply(sent, self.till.ask(sent))

    def buy(self, amount: int, pan: str | None = None, **more: str) -> Reply:
        """A purchase."""
        return self.ask("0200", "000000", pan=pan or card(0), amount=amount, **more)

    def balance(self, pan: str | None = None) -> Reply:
        """A balance inquiry."""
        return self.ask("0100", "310000", pan=pan or card(0), amount=0)

    def undo(self, reply: Reply, pan: str | None = None) -> Reply:
        """A full reversal of what this was the reply to."""
        return self.ask("0400", "000000", pan=pan or card(0), amount=0, de90=original_of(reply.sent))

    def refund(self, reply: Reply, amount: int, pan: str | None = None) -> Reply:
        """A refund of a purchase, or of a part of it."""
        return self.ask("0200", "200000", pan=pan or card(0), amount=amount, de90=original_of(reply.sent))

    def rows(self, query: str, *arguments: object) -> list[asyncpg.Record]:
        """Look into the database."""

        async def fetch() -> list[asyncpg.Record]:
            async with connection(self.url) as opened:
                return await opened.fetch(query, *arguments)

        return asyncio.run(fetch())


def institutions(*stores: tuple[str, str]) -> str:
    """institutions.yaml of a bank with the merchants given as (code, category)."""
    merchants = "\n".join(
        f"      - {{code: {code}, name: {category}, category: {category}}}" for code, category in stores
    )
    return (
        "institutions:\n"
        '  - {code: "581600", name: OPERATOR, title: Operator, kind: operator, timezone: Asia/Tehran}\n'
        '  - code: "581672"\n    name: KHATAM\n    title: Khatam Bank\n    kind: bank\n    timezone: Asia/Tehran\n'
        f"    merchants:\n{merchants}\n"
        '  - {code: "639607", name: FUELCO, title: Fuel, kind: chain, timezone: Asia/Tehran, merchants: ['
        "{code: F00000000000001, name: Fuel, category: fuel}]}\n"
        '  - {code: "603799", name: MELLI, title: Melli, kind: bank, timezone: Asia/Tehran, merchants: ['
        "{code: N00000000000001, name: Shop, category: grocery}]}\n"
    )


USUAL_STORES = (
    ("M00000000000001", "grocery"),
    ("M00000000000002", "haircut"),
    ("M00000000000003", "books"),
)
TERMINALS = (
    "acquirer,code,merchant,receipt_language\n"
    "581672,T0000001,M00000000000001,\n"
    "581672,T0000002,M00000000000002,\n"
    "581672,T0000003,M00000000000003,\n"
    "581672,P0000001,M00000000000001,en\n"
    "581672,T0000004,M00000000000001,fa\n"
    "639607,F0000001,F00000000000001,\n"
    "603799,N0000001,N00000000000001,\n"
)
AT_A_PRINTER = {"de41": "P0000001"}
AT_THE_BARBER = {"de41": "T0000002", "de42": "M00000000000002"}


@contextmanager
def told(
    url: str,
    folder: Path,
    programme: str,
    *,
    first_day: dt.date,
    cards: str = "",
    seeded: int = 20,
    others: Sequence[str] = (),
) -> Iterator[Story]:
    """A story under a programme. At its end the ledger must be sound, and a replay must give the same (I1 to I9).

    `cards` is a cards.csv; `seeded` cards of `seed` are there besides. `others` are programmes beside the first.
    """
    (folder / "programmes").mkdir()
    (folder / "programmes" / "programme.yaml").write_text(programme, encoding="utf-8")
    for number, text in enumerate(others):
        (folder / "programmes" / f"other{number}.yaml").write_text(text, encoding="utf-8")
    (folder / "institutions.yaml").write_text(institutions(*USUAL_STORES), encoding="utf-8")
    (folder / "terminals.csv").write_text(TERMINALS, encoding="utf-8")
    if cards:
        (folder / "cards.csv").write_text(cards, encoding="utf-8")
    asyncio.run(load(url, TOKEN_KEY, folder))
    asyncio.run(seed(url, TOKEN_KEY, cards=seeded, terminals=1))
    with RunningSwitch(url).with_arguments("--clock", "message") as switch, switch.till() as till:
        story = Story(till, url, dt.datetime.now(dt.UTC).date())
        story.walk_to(first_day)
        yield story
    broken = [finding for finding in asyncio.run(audit(url)) if not finding.sound]
    assert not broken, broken
    name = programme.partition("programme:")[2].split()[0]
    different = asyncio.run(differences(url, name))
    assert not different, different
