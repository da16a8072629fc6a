"""A pytest plugin for `make sanitize`: no property tries more than SHORT_EXAMPLES examples, as each takes four times as
long there as anywhere else.

Use it with `pytest -p tests.short_properties`.
"""

import os

import pytest
from hypothesis import settings

from tests.properties import change, properties_of

EXAMPLES = int(os.environ.get("SHORT_EXAMPLES", "60"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let each property run short."""
    change(properties_of(items), _shorter)


def _shorter(own: settings) -> settings:
    return settings(own, max_examples=min(own.max_examples, EXAMPLES))
