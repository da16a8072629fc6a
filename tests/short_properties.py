"""A pytest plugin for `make sanitize`: no property tries more than SHORT_EXAMPLES examples, as each takes four times as
long there as anywhere else. `make fuzz` is for more.

Use it with `pytest -p tests.short_properties`.
"""

import os

import pytest
from hypothesis import settings

from tests.long_properties import SETTINGS

EXAMPLES = int(os.environ.get("SHORT_EXAMPLES", "60"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let each property run short."""
    for item in items:
        function = getattr(getattr(item, "obj", None), "__func__", getattr(item, "obj", None))
        if getattr(function, "is_hypothesis_test", False):
            wanted = getattr(function, SETTINGS, settings.default)
            shorter = settings(wanted, max_examples=min(wanted.max_examples, EXAMPLES))
            setattr(function, SETTINGS, shorter)
