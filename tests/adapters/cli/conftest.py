"""A database for the tests of commands, with one programme, its institutions and its tills."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from adapters.postgres.loading import load
from tests.wire.stories import TERMINALS, USUAL_STORES, institutions


@pytest.fixture
def loaded(
    fresh_database_url: str, token_key: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], str]:
    """Load a programme's text, which then every command finds by the environment alone; gives the URL."""

    def with_programme(text: str) -> str:
        for name in ("LOYALTY_DATABASE", "LOYALTY_DATA_DIR", "LOYALTY_USER"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("DATABASE_URL", fresh_database_url)
        monkeypatch.setenv("LOYALTY_TOKEN_KEY", token_key.hex())
        data = tmp_path / "data"
        (data / "programmes").mkdir(parents=True)
        (data / "institutions.yaml").write_text(institutions(*USUAL_STORES), encoding="utf-8")
        (data / "programmes" / "bazaar.yaml").write_text(text, encoding="utf-8")
        (data / "terminals.csv").write_text(TERMINALS, encoding="utf-8")
        asyncio.run(load(fresh_database_url, token_key, data))
        return fresh_database_url

    return with_programme
