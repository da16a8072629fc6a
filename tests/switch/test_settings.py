"""Settings: defaults, TOML, environment and command line, in that order of strength, and what is refused."""

import pickle
from pathlib import Path

import pytest
from pydantic import ValidationError

from switch.settings import Endpoint, ListenerSpec, load_settings


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOYALTY_DATABASE", "DATABASE_URL", "LOYALTY_LISTEN", "LOYALTY_WORKERS", "LOYALTY_TOKEN_KEY"):
        monkeypatch.delenv(name, raising=False)


def test_defaults_start_a_switch_on_the_loopback() -> None:
    settings = load_settings(None)
    assert settings.database is None
    assert [str(spec) for spec in settings.listeners] == ["127.0.0.1:8583/iso87-ascii/length2"]
    assert settings.metrics == "127.0.0.1:9583"
    assert settings.workers == 1


def test_the_stronger_source_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "switch.toml"
    config.write_text('workers = 2\nlanes = 3\nmetrics = "127.0.0.1:1"\n[limits]\nidle_s = 60\n')
    assert (load_settings(config).workers, load_settings(config).limits.idle_s) == (2, 60)
    monkeypatch.setenv("LOYALTY_WORKERS", "4")
    monkeypatch.setenv("LOYALTY_LIMITS__IDLE_S", "90")
    assert (load_settings(config).workers, load_settings(config).limits.idle_s) == (4, 90)
    assert load_settings(config, workers=5).workers == 5
    assert load_settings(config, workers=None).lanes == 3


def test_database_url_is_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://one")
    assert load_settings(None).database == "postgresql://one"
    monkeypatch.setenv("LOYALTY_DATABASE", "postgresql://two")
    assert load_settings(None).database == "postgresql://two"
    assert load_settings(None, database="postgresql://three").database == "postgresql://three"


def test_settings_travel_to_worker_processes_and_keep_their_secret() -> None:
    key = "ab" * 32
    settings = load_settings(None, token_key=key)
    assert key not in repr(settings)
    travelled = pickle.loads(pickle.dumps(settings))
    assert travelled.token_key.get_secret_value() == key


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("workers", 0),
        ("workers", 65),
        ("lanes", 0),
        ("listen", ()),
        ("listen", ("8583",)),
        ("listen", ("127.0.0.1:99999",)),
        ("listen", ("127.0.0.1:1/a/b/c",)),
        ("metrics", "nowhere"),
        ("token_key", "xyz"),
        ("token_key", "ab"),
        ("unheard_of", 1),
    ],
)
def test_what_cannot_be_is_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(ValidationError) as refused:
        load_settings(None, **{name: value})
    assert refused.value.errors()[0]["loc"][0] == name


@pytest.mark.parametrize("text", ["= 1", "workers = [", "\x00", "workers = 'many'"])
def test_a_broken_file_is_a_fault(tmp_path: Path, text: str) -> None:
    config = tmp_path / "switch.toml"
    config.write_text(text)
    with pytest.raises(ValueError):  # noqa: PT011  # TOML's and pydantic's own, both say where
        load_settings(config)


def test_addresses() -> None:
    spec = ListenerSpec.parse("[::1]:8583/iso87-binary/bcd2+tpdu")
    assert (spec.endpoint.host, spec.endpoint.port, spec.dialect, spec.framing) == (
        "::1",
        8583,
        "iso87-binary",
        "bcd2+tpdu",
    )
    assert str(Endpoint.parse("[::1]:1")) == "[::1]:1"
    with pytest.raises(ValueError, match="HOST:PORT"):
        Endpoint.parse(":1")


@pytest.mark.parametrize("where", ["127.0.0.1:8583", "127.9.9.9:1", "[::1]:8583", "localhost:8583"])
def test_the_clock_may_follow_the_messages_at_home(where: str) -> None:
    assert load_settings(None, clock="message", listen=(where,)).clock == "message"


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"listen": ("0.0.0.0:8583",)}, "loopback listeners only"),
        ({"listen": ("127.0.0.1:8583", "[::]:8584")}, "loopback listeners only"),
        ({"listen": ("till.example:8583",)}, "loopback listeners only"),
        ({"workers": 2}, "workers = 1"),
    ],
)
def test_the_clock_does_not_follow_strangers(given: dict[str, object], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        load_settings(None, clock="message", **given)
    assert load_settings(None, **given).clock == "wall"
