"""Members, two workers and every message in any order, against a plain model (I1 to I9).

What is checked when:

- after each step: DE39, DE4, DE54 and DE62 of the reply (legs, balances, what is pending and held, tier, stamps,
  tickets); every journal row that the step wrote, with its legs (I1, I3, I6), under one key each (I4) and numbered on
  without a gap (I7); both accounts, lot by lot, with credit, visits, spend, counters, tier year, and what is pending or
  held (I2, I5). The model remembers every leg, so that these add up from step to step. Only the run's two accounts can
  have moved: the numbers that their shards gave out are those of the rows that were expected.
- at the end of each run: the audit's own queries over the run's rows (I1 to I6, I8), and its replay (I9).
- at the end of all runs: the whole audit (I1 to I8), and by the fixture `database_url` the replay of every row.

LEDGER_RUNS (200) and LEDGER_STEPS (30) say how long; `make ledger` runs 2,000 of 100. With CI set the runs are the same
ones each time (see tests/conftest.py): a gate must not fail for what a change did not do. New runs are what the nightly
target is for.
"""

import asyncio
import os

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from adapters.postgres.audit import audit
from tests.ledger.bench import Bench
from tests.ledger.machine import Ledger

RUNS = int(os.environ.get("LEDGER_RUNS", "200"))
STEPS = int(os.environ.get("LEDGER_STEPS", "30"))
TIMEOUT_S = 180 + RUNS * STEPS / 10

pytestmark = [pytest.mark.integration, pytest.mark.timeout(TIMEOUT_S)]


def test_the_ledger_is_what_a_plain_model_says(bench: Bench) -> None:
    Ledger.bench = bench
    run_state_machine_as_test(
        Ledger,
        settings=settings(
            max_examples=RUNS,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )
    broken = [finding for finding in asyncio.run(audit(bench.url)) if not finding.sound]
    assert not broken, broken
