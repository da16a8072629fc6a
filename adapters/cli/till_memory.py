"""What a till remembers between commands: its STANs and the messages it sent, to repeat and to reverse them.

One small JSON file in the user's state folder, readable by its owner only. It never holds a card: a message
is remembered with the masked number, and the number is asked for again.
"""

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypedDict

from adapters.cli.till_messages import Original, Stamp, TillError
from protocol.codes import ProcessingCode
from protocol.message import Message, masked
from protocol.mti import AUTHORISATION, FINANCIAL, message_class, original_of

HOLDS = frozenset({ProcessingCode.REDEMPTION, ProcessingCode.CREDIT_PURCHASE})
"""DE3 of a 0100 that holds."""
SENT_MAX = 200
STAN_MAX = 999_999
FOLDER, FILE = "loyalty-switch", "till.json"


class NotRemembered(TillError):  # it reads as what it says
    """No message of the till's memory fits."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A message as the till remembers it, in the terms of ISO 8583:1987. `card` is masked; "" is none."""

    mti: str
    processing_code: str
    amount: str
    stan: str
    transmitted: str
    local_time: str
    local_date: str
    rrn: str
    acquirer: str
    terminal: str
    card: str
    original: str

    @classmethod
    def of(cls, message: Message) -> "Sent":
        """What is kept of a message."""
        text = {number: value for number, value in message.fields.items() if isinstance(value, str)}
        number = 2 if 2 in text else 35
        return cls(
            mti=original_of(message.mti),
            processing_code=text.get(3, ""),
            amount=text.get(4, ""),
            stan=text.get(11, ""),
            transmitted=text.get(7, ""),
            local_time=text.get(12, ""),
            local_date=text.get(13, ""),
            rrn=text.get(37, ""),
            acquirer=text.get(32, ""),
            terminal=text.get(41, ""),
            card=masked(number, text[number]).rstrip("*") if number in text else "",
            original=text.get(90, ""),
        )

    @property
    def stamp(self) -> Stamp:
        """The stamp that a repeat carries again."""
        return Stamp(self.stan, self.transmitted, self.local_time, self.local_date, self.rrn)

    @property
    def named(self) -> Original:
        """The message as another one names it."""
        return Original(
            self.mti, self.stan, self.transmitted, self.acquirer, self.processing_code, self.amount, self.rrn
        )


class _Stored(TypedDict):
    stans: dict[str, int]
    sent: list[dict[str, str]]


class Memory:
    """The file and its lock. Several tills may share it at the same time."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def next_stan(self, acquirer: str, terminal: str) -> str:
        """The terminal's next STAN: 000001 to 999999, then from the start."""
        with self._open() as stored:
            key = f"{acquirer}/{terminal}"
            number = stored["stans"].get(key, 0) % STAN_MAX + 1
            stored["stans"][key] = number
        return f"{number:06d}"

    def remember(self, message: Message) -> None:
        """Keep a message before it is sent: an answer that does not come is when it is needed."""
        with self._open() as stored:
            stored["sent"] = [*stored["sent"], asdict(Sent.of(message))][-SENT_MAX:]

    def last(self, acquirer: str, terminal: str, mti: str, processing_code: str | None, stan: str | None) -> Sent:
        """The last one of these that the terminal sent; with `stan`, the last one with that STAN."""
        for sent in self._newest(acquirer, terminal):
            if sent.mti == mti and processing_code in {None, sent.processing_code} and stan in {None, sent.stan}:
                return sent
        raise NotRemembered(
            f"This till remembers no such {mti} of terminal {terminal.rstrip()}. "
            "Send it without --repeat, or name it with --stan."
        )

    def original(self, acquirer: str, terminal: str, rrn: str | None) -> Sent:
        """The financial message with this RRN, or the last one of all."""
        return self._found(
            acquirer, terminal, rrn, lambda sent: message_class(sent.mti) == FINANCIAL, "purchase, redemption or refund"
        )

    def hold(self, acquirer: str, terminal: str, rrn: str | None) -> Sent:
        """The hold with this RRN, or the last one of all."""
        return self._found(
            acquirer,
            terminal,
            rrn,
            lambda sent: message_class(sent.mti) == AUTHORISATION and sent.processing_code in HOLDS,
            "hold",
        )

    def _found(self, acquirer: str, terminal: str, rrn: str | None, fits: Callable[[Sent], bool], what: str) -> Sent:
        for sent in self._newest(acquirer, terminal):
            if fits(sent) and rrn in {None, sent.rrn.rstrip()}:
                return sent
        wanted = f"no {what}" if rrn is None else "no message with that RRN"
        raise NotRemembered(
            f"This till remembers {wanted} of terminal {terminal.rstrip()}. "
            "Name it by --original-stan and --original-time."
        )

    def _newest(self, acquirer: str, terminal: str) -> Iterator[Sent]:
        with self._open() as stored:
            kept = stored["sent"]
        for entry in reversed(kept):
            sent = Sent(**entry)
            if (sent.acquirer, sent.terminal) == (acquirer, terminal):
                yield sent

    @contextmanager
    def _open(self) -> Iterator[_Stored]:
        """The content, under the lock; written back if it was changed."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with self._path.with_suffix(".lock").open("w", encoding="ascii") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                before = self._read()
                stored = _parsed(before)
                yield stored
                after = json.dumps(stored, indent=1)
                if after != before:
                    self._write(after)
        except OSError as fault:
            raise TillError(
                f"The till's memory {self._path} cannot be used: {fault.strerror}. "
                "Set XDG_STATE_HOME to another folder."
            ) from fault

    def _read(self) -> str:
        try:
            return self._path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return ""
        except UnicodeDecodeError:
            return "not text"

    def _write(self, text: str) -> None:
        new = self._path.with_suffix(".new")
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
        new.replace(self._path)


def _parsed(text: str) -> _Stored:
    """The content of the file; a file that is not one of ours starts anew, since it only spares typing."""
    fresh = _Stored(stans={}, sent=[])
    if not text:
        return fresh
    try:
        content = json.loads(text)
        stans = {str(key): int(value) for key, value in content["stans"].items()}
        sent = [asdict(Sent(**entry)) for entry in content["sent"]]
    except (ValueError, TypeError, KeyError, AttributeError):
        return fresh
    return _Stored(stans=stans, sent=sent)


def default_path() -> Path:
    """`$XDG_STATE_HOME/loyalty-switch/till.json`, or under `~/.local/state`."""
    base = os.environ.get("XDG_STATE_HOME")
    return (Path(base) if base else Path.home() / ".local" / "state") / FOLDER / FILE
