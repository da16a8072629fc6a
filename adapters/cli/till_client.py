"""One question to a switch and its answer, over a blocking socket."""

import socket
from time import monotonic

from adapters.cli.till_messages import TillError
from protocol.framing import Framing

READ_BYTES = 65_536


class CouldNotTalk(TillError):  # it reads as what it says
    """No answer was had: one sentence with the reason and the next step."""


def exchange(host: str, port: int, framing: Framing, payload: bytes, timeout_s: float) -> tuple[bytes, float]:
    """Send one message and wait for one: its bytes and the seconds it took. Raises `CouldNotTalk`."""
    frame = framing.wrap(payload)
    deadline = monotonic() + timeout_s
    with _connected(host, port, timeout_s) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sent_at = monotonic()
        try:
            line.sendall(frame)
            return _answer(line, framing, deadline), monotonic() - sent_at
        except TimeoutError:
            raise CouldNotTalk(
                f"No answer in {timeout_s:g} s. What became of the message is not known: send it again with "
                "--repeat, or take it back with `loyalty-switch send reverse --last`."
            ) from None
        except OSError as fault:
            raise CouldNotTalk(_closed(framing, fault.strerror or "broken")) from None


def _connected(host: str, port: int, timeout_s: float) -> socket.socket:
    where = f"{host}:{port}"
    try:
        return socket.create_connection((host, port), timeout=timeout_s)
    except ConnectionRefusedError:
        raise CouldNotTalk(
            f"Nothing listens on {where}. Start the switch with `make run` or `loyalty-switch serve`, or say "
            "where it is with --host and --port."
        ) from None
    except TimeoutError:
        raise CouldNotTalk(
            f"{where} did not take the connection in {timeout_s:g} s. Check --host, --port and firewalls."
        ) from None
    except socket.gaierror:
        raise CouldNotTalk(f"The host name {host!r} is not known. Check --host.") from None
    except OSError as fault:
        raise CouldNotTalk(f"No connection to {where}: {fault.strerror or fault}. Check --host and --port.") from None


def _answer(line: socket.socket, framing: Framing, deadline: float) -> bytes:
    splitter = framing.splitter()
    while True:
        left = deadline - monotonic()
        if left <= 0:
            raise TimeoutError
        line.settimeout(left)
        data = line.recv(READ_BYTES)
        if not data:
            raise CouldNotTalk(_closed(framing, "closed"))
        frames = splitter.feed(data)
        if frames:
            return frames[0][0]
        if splitter.error is not None:
            raise CouldNotTalk(
                f"The answer is not in frames of kind {framing.name}: {splitter.error}. "
                "Check --framing against the listener's."
            )


def _closed(framing: Framing, how: str) -> str:
    return (
        f"The connection was ended without an answer ({how}). Most often the listener speaks another "
        f"dialect, or another framing than {framing.name}: its log and the counter loyalty_refused_total say "
        "why."
    )
