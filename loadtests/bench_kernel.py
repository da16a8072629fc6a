"""The compiled decision against its plain-Python reference: `python -m loadtests.bench_kernel`.

100 rules of six conditions each, joined by `and` and all of them true, so that a decision walks 600
comparisons and adds up 100 effects: the most that such a programme can ask for. Both decide the same message,
alternately in each round, so that a busy machine slows both.
"""

import statistics
import time
from collections.abc import Callable

from cext import _kernel
from cext.reference import kernel as reference
from switch.programme import load

RULES = 100
DECISIONS_COMPILED = 4_000
DECISIONS_REFERENCE = 60
NOW = 1_790_000_000
DAY_S = 86_400

_CONDITION = (
    "amount >= {low} and visits >= 5 and hour < 22 and category == 'grocery' "
    "and days_since_last <= 30 and mean_amount > {low}"
)
_HEAD = """\
programme: bench
owner: BENCH
currency: 364
timezone: UTC
point: {value: 100, expires: 24 months}
rules:
"""
_ACCOUNT = (1, 2, 3, 1, 0, 150, 5_000, 12, 9_000_000, NOW - 90 * DAY_S, NOW - 9 * DAY_S, 0, 0, 20_000)
_LOTS = bytes.fromhex("01480000000000000064") + bytes.fromhex("014a0000000000000032")
_REQUEST = (1, False, 700_000, 364, NOW, NOW // DAY_S, 320, 11, 0, 21, 2, 4, 5, 7)


def programme_text() -> str:
    """100 rules of six conditions each."""
    rules = [
        f"  - id: rule{n}\n    when: {_CONDITION.format(low=100 * n)}\n    then: {{points: {{per: {100_000 + n}}}}}\n"
        for n in range(RULES)
    ]
    return _HEAD + "".join(rules)


def _seconds_each(decide_once: Callable[[], None], times: int) -> float:
    start = time.perf_counter()
    for _ in range(times):
        decide_once()
    return (time.perf_counter() - start) / times


def _deciders() -> tuple[Callable[[], None], Callable[[], None]]:
    """One decision by each, on a fresh account; making that account is part of the time of both."""
    compiled_programme = load(programme_text(), ids=lambda _kind, _name: 7).kernel
    plain_programme = reference.Programme(compiled_programme.table)
    compiled_account = _kernel.Account(*_ACCOUNT, _LOTS)
    plain_account = reference.Account(*_ACCOUNT, _LOTS)
    compiled_request = _kernel.Request(*_REQUEST)
    plain_request = reference.Request(*_REQUEST)

    def compiled() -> None:
        _kernel.decide(compiled_programme, compiled_account.copy(), compiled_request)

    def plain() -> None:
        reference.decide(plain_programme, plain_account.copy(), plain_request)

    one = _kernel.decide(compiled_programme, compiled_account.copy(), compiled_request)
    other = reference.decide(plain_programme, plain_account.copy(), plain_request)
    if len(one.rule_list) != RULES or one.points_earned != other.points_earned:
        raise RuntimeError("the two disagree, or a rule did not fire: this would measure nothing")
    return compiled, plain


def run(rounds: int = 5) -> dict[str, float]:
    """Ratio and times over some rounds: medians, and the ratio's extremes."""
    compiled, plain = _deciders()
    kernel_us, reference_us, ratios = [], [], []
    for _ in range(rounds):
        plain_s = _seconds_each(plain, DECISIONS_REFERENCE)
        compiled_s = _seconds_each(compiled, DECISIONS_COMPILED)
        kernel_us.append(compiled_s * 1e6)
        reference_us.append(plain_s * 1e6)
        ratios.append(plain_s / compiled_s)
    return {
        "kernel_x_reference": statistics.median(ratios),
        "kernel_x_reference_min": min(ratios),
        "kernel_x_reference_max": max(ratios),
        "kernel_us": statistics.median(kernel_us),
        "reference_us": statistics.median(reference_us),
    }


if __name__ == "__main__":
    for name, value in run().items():
        print(f"{name}: {value:.2f}")
