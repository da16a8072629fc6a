"""`serve` says in a sentence why it does not start, and ends with 2."""

import importlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import structlog
from typer.testing import CliRunner

from adapters.cli import app, extensions
from adapters.cli.running import StandardError

SETUP = Path(__file__).parents[3] / "setup.py"


@pytest.fixture(autouse=True)
def own_logging() -> Iterator[None]:
    """`serve` sets the log up for its process; the other tests have theirs."""
    yield
    structlog.reset_defaults()


@pytest.mark.parametrize("missing", extensions.MODULES)
def test_a_missing_extension_is_named(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def without(name: str) -> ModuleType:
        if name == f"cext.{missing}":
            raise ImportError("no such file")
        return importlib.import_module(name)

    monkeypatch.setattr(extensions, "import_module", without)
    result = CliRunner().invoke(app, ["serve"])
    assert result.exit_code == 2
    assert f"cext.{missing} is not compiled" in result.stderr
    assert "make ready" in result.stderr


def test_every_extension_is_required() -> None:
    assert all(f'"{name}"' in SETUP.read_text() for name in extensions.MODULES)
    assert SETUP.read_text().count('"_') == len(extensions.MODULES)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--listen", "nowhere"], "HOST:PORT"),
        (["--workers", "0"], "workers"),
        (["--metrics", "x"], "metrics"),
        (["--database", "postgresql://127.0.0.1:1/none"], "PostgreSQL is out of reach"),
    ],
)
def test_wrong_settings_are_said_in_a_sentence(
    arguments: list[str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOYALTY_TOKEN_KEY", "ab" * 32)
    result = CliRunner().invoke(app, ["serve", *arguments])
    assert result.exit_code == 2
    assert said in result.stderr
    assert "Traceback" not in result.stderr


def test_an_external_database_needs_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOYALTY_TOKEN_KEY", raising=False)
    result = CliRunner().invoke(app, ["serve", "--database", "postgresql://127.0.0.1:1/none"])
    assert result.exit_code == 2
    assert "LOYALTY_TOKEN_KEY" in result.stderr


def test_a_closed_standard_error_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with Path("/dev/null").open("w", encoding="ascii") as closed:
        pass
    monkeypatch.setattr("sys.stderr", closed)
    with pytest.raises(ValueError, match="closed file"):
        print("x", file=closed)
    StandardError().error("nobody hears this")


def test_an_unknown_dialect_is_said(database_url: str, monkeypatch: pytest.MonkeyPatch, token_key: bytes) -> None:
    monkeypatch.setenv("LOYALTY_TOKEN_KEY", token_key.hex())
    arguments = ["--database", database_url, "--listen", "127.0.0.1:0/klingon", "--metrics", "127.0.0.1:0"]
    result = CliRunner().invoke(app, ["serve", *arguments])
    assert result.exit_code == 2
    assert "klingon" in result.stderr
