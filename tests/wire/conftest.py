"""Databases with cards in them, and a switch that a module's tests share."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.postgres.loading import load
from adapters.postgres.seeding import seed
from tests.conftest import TOKEN_KEY
from tests.wire.running import RunningSwitch

BAZAAR = Path(__file__).parents[2] / "examples" / "bazaar"
SEEDED_CARDS = 400
SEEDED_TERMINALS = 60


def fill(url: str) -> str:
    """The example's institutions and cards, and synthetic ones beside them."""
    asyncio.run(load(url, TOKEN_KEY, BAZAAR))
    asyncio.run(seed(url, TOKEN_KEY, cards=SEEDED_CARDS, terminals=SEEDED_TERMINALS))
    return url


@pytest.fixture(scope="module")
def filled_url(database_url: str) -> str:
    return fill(database_url)


@pytest.fixture
def own_url(fresh_database_url: str) -> str:
    return fill(fresh_database_url)


@pytest.fixture(scope="module")
def switch(filled_url: str) -> Iterator[RunningSwitch]:
    with RunningSwitch(filled_url) as running:
        yield running
