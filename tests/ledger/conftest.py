"""The workers on which all runs happen."""

from collections.abc import Iterator

import pytest

from tests.ledger.bench import Bench
from tests.ledger.comparing import START
from tests.ledger.terms import PLAIN


@pytest.fixture(scope="module")
def bench(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with Bench(database_url, tmp_path_factory.mktemp("ledger"), PLAIN, START) as running:
        yield running
