from collections.abc import Callable
from typing import final

@final
class Framer:
    length_kind: int
    header_kind: int
    literal: bytes
    frame_bytes_max: int
    header_bytes: int
    error: Callable[[str], Exception]
    def __init__(
        self,
        length_kind: int,
        header_kind: int,
        literal: bytes,
        frame_bytes_max: int,
        error: Callable[[str], Exception],
    ) -> None: ...
    def splitter(self) -> Splitter: ...
    def wrap(self, payload: bytes, header: bytes = b"") -> bytes: ...

@final
class Splitter:
    pending: int
    error: Exception | None
    def __init__(self, framer: Framer) -> None: ...
    def feed(self, data: bytes) -> list[tuple[bytes, bytes]]: ...
