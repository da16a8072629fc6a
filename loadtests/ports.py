"""Ports for the processes that tests and benches start."""

import itertools
import os
import socket

# Below the range from which the system takes the client's side of connections, which could otherwise be given away
# between the choice and the start; and spread by process, so that two runs side by side do not meet.
_FIRST, _LAST = 12_000, 30_000
_next = itertools.count(_FIRST + os.getpid() * 97 % (_LAST - _FIRST))


def free_port(together: int = 1) -> int:
    """The first of so many ports in a row that nobody listens on."""
    while True:
        first = _FIRST + next(_next) % (_LAST - _FIRST)
        if all(_is_free(port) for port in range(first, first + together)):
            for _ in range(together - 1):
                next(_next)
            return first


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
