"""The codec against pyiso8583, on the same 16-field 0200 with the same field table, in one process.

`run()` measures both several times in turn and gives the median ratios; `python -m loadtests.bench_codec`
prints them as `name: value` lines. The messages differ in PAN, amount, STAN and time, so that nothing is won
by meeting the same one again.
"""

import time
from collections.abc import Callable
from statistics import median
from typing import Any

import iso8583

import cext
from protocol.codec import codec_for
from protocol.dialect import load
from protocol.message import Message

DIALECT = "iso87-ascii"
MESSAGES = 64
_TURN_S = 0.12


def specification(name: str = DIALECT) -> dict[str, dict[str, Any]]:
    """The dialect's field table in pyiso8583's terms; only for dialects that are text throughout."""

    def entry(length_digits: int, maximum: int) -> dict[str, Any]:
        return {
            "data_enc": "ascii",
            "len_enc": "ascii",
            "len_type": length_digits,
            "max_len": maximum,
            "desc": "",
        }

    table = {"h": entry(0, 0), "t": entry(0, 4), "p": entry(0, 16), "1": entry(0, 16)}
    for number, row in load(name).table.rows.items():
        width = 2 if row.encoding == cext.ENCODING_HEX else 1
        table[str(number)] = entry(row.length_digits, row.maximum * width)
    return table


def purchase(index: int) -> Message:
    """A 0200 with sixteen data elements, as a till sends it."""
    return Message(
        "0200",
        {
            2: f"603799{index:010}",
            3: "000000",
            4: f"{(index + 1) * 1000:012}",
            7: f"1122{index % 24:02}3551",
            11: f"{index:06}",
            12: f"{index % 24:02}3551",
            13: "1122",
            22: "021",
            25: "00",
            32: "581672",
            35: f"603799{index:010}=27121010000000000000",
            37: f"632612{index:06}",
            41: f"T{index:07}",
            42: "M00000000000001",
            49: "364",
            63: f"LI021sku{index:03};food;1;100000",
        },
    )


def microseconds(call: Callable[[Any], object], arguments: list[Any]) -> float:
    """The mean time of a call over `arguments`, repeated for a tenth of a second."""
    calls = 0
    began = time.perf_counter()
    ends = began + _TURN_S
    now = began
    while now < ends:
        for argument in arguments:
            call(argument)
        calls += len(arguments)
        now = time.perf_counter()
    return (now - began) / calls * 1e6


def run(rounds: int = 5) -> dict[str, float]:
    """`codec_decode_x_pyiso8583`, its `_min` and `_max`, the same for encode; each side's median in µs."""
    codec = codec_for(DIALECT)
    table = specification()
    messages = [purchase(index) for index in range(MESSAGES)]
    frames = [codec.encode(message) for message in messages]
    documents = [iso8583.decode(frame, table)[0] for frame in frames]
    work: dict[str, tuple[tuple[Callable[[Any], object], list[Any]], tuple[Callable[[Any], object], list[Any]]]] = {
        "decode": ((codec.decode, frames), (lambda frame: iso8583.decode(frame, table), frames)),
        "encode": ((codec.encode, messages), (lambda document: iso8583.encode(document, table), documents)),
    }
    figures: dict[str, float] = {}
    for name, (ours, theirs) in work.items():
        times = [(microseconds(*ours), microseconds(*theirs)) for _ in range(max(3, rounds))]
        ratios = [their_time / our_time for our_time, their_time in times]
        figures[f"codec_{name}_x_pyiso8583"] = median(ratios)
        figures[f"codec_{name}_x_pyiso8583_min"] = min(ratios)
        figures[f"codec_{name}_x_pyiso8583_max"] = max(ratios)
        figures[f"codec_{name}_us"] = median(our_time for our_time, _ in times)
        figures[f"pyiso8583_{name}_us"] = median(their_time for _, their_time in times)
    return figures


if __name__ == "__main__":
    for figure, value in run().items():
        print(f"{figure}: {value:.2f}")
