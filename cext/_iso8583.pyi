from collections.abc import Callable
from typing import Any, final

from cext import Table

@final
class Iso8583:
    def __init__(
        self,
        table: Table,
        message: type[Any],
        decode_error: Callable[[int | None, int, str, Any], Exception],
        encode_error: Callable[[int | None, str], Exception],
    ) -> None: ...
    def decode(self, data: bytes) -> Any: ...
    def encode(self, message: Any) -> bytes: ...
    def encode_reply(
        self, mti: str, decided: dict[int, str | bytes], asked: dict[int, str | bytes], echoed: tuple[int, ...]
    ) -> bytes: ...
