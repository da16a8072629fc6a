"""One command of the till: name the message, send it, show the reply, end with the exit code."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Never

import typer

from adapters.cli.till_client import CouldNotTalk, exchange
from adapters.cli.till_memory import Memory, NotRemembered, Sent, default_path
from adapters.cli.till_messages import Original, Stamp, TillError, network, stamp, transaction, with_fields
from adapters.cli.till_options import ALL, Customer, Named, Till
from adapters.cli.till_screen import as_json, show_reply, show_request
from protocol.codec import codec_for
from protocol.codes import ProcessingCode, ResponseCode
from protocol.dialect import load
from protocol.errors import DecodeError, EncodeError, MtiError, ProtocolError
from protocol.framing import framing_for
from protocol.message import Message, masked_pan
from protocol.mti import RESPONSE_OF

EXIT_DECLINED, EXIT_NO_ANSWER = 1, 2
CANONICAL = "iso87-ascii"
"""A message is shown with this dialect's names, whatever it looks like on the wire."""

Remembered = Callable[[str, str, str | None], Sent]
ORIGINAL_DIGITS = 42
LAST = "last"


@contextmanager
def told() -> Iterator[None]:
    """What cannot be done is one sentence on standard error and exit code 2."""
    try:
        yield
    except EncodeError as fault:
        refuse(f"The message cannot be written in this dialect. {fault}.")
    except (TillError, ProtocolError) as fault:
        refuse(str(fault))


def refuse(sentence: str) -> Never:
    """End with exit code 2."""
    typer.echo(sentence, err=True)
    raise typer.Exit(EXIT_NO_ANSWER)


def memory() -> Memory:
    """This user's till."""
    return Memory(default_path())


def stamped_for(till: Till, *, utc: bool = False) -> Stamp:
    """The stamp of a new message: now, and the terminal's next STAN, unless the options say otherwise.

    `utc`: DE12 and DE13 say the same as DE7, as a till of ISO 8583:1993 has it (protocol.iso93).
    """
    now = datetime.now(UTC)
    stan = till.stan or memory().next_stan(till.acquirer, till.terminal)
    return stamp(stan, now, now if utc else now.astimezone(), transmitted=till.time, rrn=till.rrn)


def repeated(till: Till, mti: str, processing_code: str | None) -> Sent:
    """The message that a repeat sends again: the last one, or that of `--stan`."""
    return memory().last(till.acquirer, till.terminal, mti, processing_code, till.stan)


def original_named(
    till: Till, customer: Customer, named: Named, next_step: str, remembered: Remembered | None = None
) -> Original:
    """The message that the options name. TillError if they name none, or one of another card.

    `remembered`: how the till's memory finds it by terminal and RRN, if it is no purchase, redemption or refund.
    """
    if named.original_stan is not None and named.original_time is not None:
        return Original(named.original_mti, named.original_stan, named.original_time, till.acquirer, "000000", "", "")
    if named.original_stan is not None or named.original_time is not None:
        raise TillError("--original-stan and --original-time belong together: DE90 needs the original's DE11 and DE7.")
    if not named.last and named.of is None:
        raise TillError(f"Say which message: --last, --of RRN, or --original-stan with --original-time. {next_step}")
    rrn = None if named.last or named.of == LAST else named.of
    sent = (remembered or memory().original)(till.acquirer, till.terminal, rrn)
    if sent.card and not customer.mobile and sent.card != card_of(customer):
        raise TillError(f"That message was about card {sent.card}: name the card with --card, it is not kept.")
    return sent.named


def hold_named(till: Till, customer: Customer, named: Named, next_step: str) -> Original:
    """The hold that the options name, likewise."""
    if named.original_stan is not None or named.original_time is not None:
        return replace(original_named(till, customer, named, next_step), mti="0100")
    return original_named(till, customer, named, next_step, memory().hold)


def original_repeated(sent: Sent) -> Original:
    """The original that the repeated message named in its DE90."""
    text = sent.original
    if len(text) != ORIGINAL_DIGITS:
        raise NotRemembered("The message to repeat names no original: send it with --stan, --time and --original-…")
    return Original(text[:4], text[4:10], text[10:20], text[20:31], sent.processing_code, sent.amount, sent.rrn)


def card_of(customer: Customer) -> str:
    """The card of the options, masked."""
    return masked_pan(customer.track2.replace("D", "=").partition("=")[0] if customer.track2 else customer.card)


def pay(
    till: Till,
    customer: Customer,
    mti: str,
    processing_code: str,
    amount: int | None,
    private: Sequence[tuple[str, str]] = (),
    *,
    basket: Sequence[str] | None = None,
    repeat: bool = False,
) -> None:
    """A purchase in any of its forms."""
    with told():
        before = repeated(till, mti, processing_code) if repeat else None
        message = transaction(
            mti,
            processing_code,
            till,
            customer,
            before.stamp if before is not None else stamped_for(till, utc=speaks_utc(till)),
            amount=amount_or(amount, before.amount if before is not None else ""),
            private=private,
            basket=basket or (),
        )
        converse(till, as_repeat(message) if repeat else message)


def manage(till: Till, code: str, business_date: str | None = None) -> None:
    """A network management message."""
    with told():
        converse(till, network(code, till, stamped_for(till, utc=speaks_utc(till)), business_date=business_date))


def amount_or(given: int | None, known: str) -> int:
    """`--amount`, or the amount of the message that is named or repeated."""
    if given is not None:
        return given
    if known:
        return int(known)
    raise TillError("--amount is missing: how much, in minor units of the currency, such as --amount 500000.")


def wish(tag: str, text: str) -> list[tuple[str, str]]:
    """DE48 PT or CR: how much to pay with; nothing for `all`, which is the switch's own rule."""
    if text == ALL:
        return []
    if not (text.isascii() and text.isdecimal()) or not 1 <= len(text) <= 12:
        raise typer.BadParameter(f"DE48 {tag} is a whole number of up to 12 digits, or `all`")
    return [(tag, text)]


def paid_with(points: str, credit: str | None) -> tuple[str, list[tuple[str, str]]]:
    """DE3 of what is paid with points, or with credit if that is given, and what DE48 wishes."""
    if credit is not None:
        return ProcessingCode.CREDIT_PURCHASE, wish("CR", credit)
    return ProcessingCode.REDEMPTION, wish("PT", points)


def as_repeat(message: Message) -> Message:
    """The same message, said to be a repeat: 0200 → 0201."""
    return Message(message.mti[:3] + "1", message.fields)


def speaks_utc(till: Till) -> bool:
    """Whether the till speaks 1993, whose originals are named by DE12."""
    return not codec_for(till.dialect).is_canonical


def converse(till: Till, built: Message) -> None:
    """Send, remember, show; exit code 1 if it was declined. Raises TillError and ProtocolError."""
    canonical = load(CANONICAL)
    message = with_fields(built, till.field or (), canonical)
    codec, framing = codec_for(till.dialect), framing_for(till.framing)
    payload = codec.encode(codec.native(message))
    if message.fields.get(3) is not None:
        memory().remember(message)
    if not till.json:
        show_request(message, canonical, f"{till.host}:{till.port} ({till.dialect}, {till.framing})")
    answer, seconds = exchange(till.host, till.port, framing, payload, till.timeout)
    try:
        reply = codec.canonical(codec.decode(answer))
    except DecodeError as fault:
        raise CouldNotTalk(
            f"The reply is no {till.dialect} message. {fault}. Check --dialect against the listener's."
        ) from None
    check_reply(message, reply)
    if till.json:
        typer.echo(as_json(message, reply, seconds))
    else:
        show_reply(message, reply, canonical, seconds)
    if reply.fields[39] != ResponseCode.APPROVED:
        raise typer.Exit(EXIT_DECLINED)


def check_reply(message: Message, reply: Message) -> None:
    """Whether the reply is this message's. Raises CouldNotTalk."""
    wanted = RESPONSE_OF.get(message.mti)
    if wanted is None:
        raise MtiError("neither a request nor an advice")
    if reply.mti != wanted or (11 in reply.fields and reply.fields[11] != message.fields.get(11)):
        raise CouldNotTalk(f"The reply belongs to another message: a {wanted} with this STAN was due. Try again.")
    if 39 not in reply.fields:
        raise CouldNotTalk("The reply has no DE39: the switch did not say what it decided.")
