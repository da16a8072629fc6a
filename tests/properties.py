"""Changing how long properties run, for plugins of pytest."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from hypothesis import settings

# Hypothesis keeps a test's settings here; there is no public way to change them afterwards.
SETTINGS = "_hypothesis_internal_use_settings"


def properties_of(items: Iterable[pytest.Item]) -> list[pytest.Item]:
    """Those of the tests that Hypothesis runs."""
    return [item for item in items if getattr(getattr(item, "obj", None), "is_hypothesis_test", False)]


def change(properties: Iterable[pytest.Item], changed: Callable[[settings], settings]) -> None:
    """Give each property other settings, made of its own, once."""
    functions: set[Any] = {getattr(item.obj, "__func__", item.obj) for item in properties}  # type: ignore[attr-defined]
    for function in functions:
        setattr(function, SETTINGS, changed(getattr(function, SETTINGS, settings.default)))
