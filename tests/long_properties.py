"""A pytest plugin for `make fuzz`: each property tries FUZZ_EXAMPLES examples, whatever it asks for itself.

Use it with `pytest -p tests.long_properties`. What it finds goes to Hypothesis' database and is tried first
from then on.
"""

import os

import pytest
from hypothesis import HealthCheck, settings

from tests.properties import change, properties_of

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "20000"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the properties only, and let each run long."""
    properties = properties_of(items)
    if not properties:
        raise pytest.UsageError("there is no property among the tests chosen")
    change(properties, _longer)
    items[:] = properties


def _longer(own: settings) -> settings:
    return settings(own, max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
