"""A pytest plugin for `make fuzz`: each property tries FUZZ_EXAMPLES examples, whatever it asks for itself.

Use it with `pytest -p tests.long_properties`. What it finds goes to Hypothesis' database and is tried first
from then on.
"""

import os

import pytest
from hypothesis import HealthCheck, settings

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "20000"))
# Hypothesis keeps a test's settings here; there is no public way to change them afterwards.
SETTINGS = "_hypothesis_internal_use_settings"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the properties only, and let each run long."""
    properties = [item for item in items if getattr(getattr(item, "obj", None), "is_hypothesis_test", False)]
    if not properties:
        raise pytest.UsageError("there is no property among the tests chosen")
    for function in {getattr(item.obj, "__func__", item.obj) for item in properties}:  # type: ignore[attr-defined]
        longer = settings(
            getattr(function, SETTINGS, settings.default),
            max_examples=EXAMPLES,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        setattr(function, SETTINGS, longer)
    items[:] = properties
