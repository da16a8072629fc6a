"""Settings: defaults, then a TOML file (`--config`), then `LOYALTY_*` variables, then the command line.

Every name here is its own environment variable: `database` is `LOYALTY_DATABASE`, `limits.idle_s` is
`LOYALTY_LIMITS__IDLE_S`, `listen` is `LOYALTY_LISTEN` (JSON: `["0.0.0.0:8583"]`).
"""

import datetime as dt
from ipaddress import ip_address
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import AliasChoices, Field, SecretStr, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from switch.limits import Limits

DEFAULT_LISTENER = "127.0.0.1:8583/iso87-ascii/length2"
DEFAULT_METRICS = "127.0.0.1:9583"
WORKERS_MAX = 64


class Endpoint:
    """Where something listens: `HOST:PORT`, IPv6 hosts in brackets."""

    __slots__ = ("host", "port")

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self.port = port

    @classmethod
    def parse(cls, text: str) -> "Endpoint":
        """Read `127.0.0.1:8583` or `[::1]:8583`; ValueError says what is wrong."""
        host, separator, port = text.rpartition(":")
        if not separator or not host:
            raise ValueError(f"{text!r} is not HOST:PORT, such as 127.0.0.1:8583")
        if not port.isdecimal() or not 0 <= int(port) <= 65_535:
            raise ValueError(f"{port!r} in {text!r} is not a port (0 to 65535)")
        return cls(host.strip("[]"), int(port))

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class ListenerSpec:
    """`HOST:PORT[/dialect[/framing]]`: where a listener is and what it speaks."""

    __slots__ = ("dialect", "endpoint", "framing")

    def __init__(self, endpoint: Endpoint, dialect: str, framing: str) -> None:
        self.endpoint = endpoint
        self.dialect = dialect
        self.framing = framing

    @classmethod
    def parse(cls, text: str) -> "ListenerSpec":
        """Read a listener; ValueError says what is wrong. Dialect and framing names are checked when it opens."""
        where, *rest = text.split("/")
        if len(rest) > 2:
            raise ValueError(f"{text!r} is not HOST:PORT[/dialect[/framing]]")
        dialect = rest[0] if rest and rest[0] else "iso87-ascii"
        framing = rest[1] if len(rest) == 2 and rest[1] else "length2"
        return cls(Endpoint.parse(where), dialect, framing)

    def __str__(self) -> str:
        return f"{self.endpoint}/{self.dialect}/{self.framing}"


class Settings(BaseSettings):
    """Everything that an operator can set."""

    model_config = SettingsConfigDict(
        env_prefix="LOYALTY_", env_nested_delimiter="__", extra="forbid", frozen=True, populate_by_name=True
    )
    config_file: ClassVar[Path | None] = None

    database: str | None = Field(
        default=None,
        validation_alias=AliasChoices("database", "LOYALTY_DATABASE", "DATABASE_URL"),
        description="PostgreSQL URL; without one an embedded server is started",
    )
    data_dir: Path | None = Field(
        default=None, description="where the embedded server keeps its data and the token key"
    )
    token_key: SecretStr | None = Field(default=None, description="hex key of the card tokens, at least 32 hex digits")
    listen: tuple[str, ...] = Field(
        default=(DEFAULT_LISTENER,), description="HOST:PORT[/dialect[/framing]], repeatable"
    )
    metrics: str = Field(default=DEFAULT_METRICS, description="HOST:PORT of /metrics, /healthz and /readyz")
    workers: int = Field(default=1, ge=1, le=WORKERS_MAX, description="processes that share the listeners")
    lanes: int = Field(
        default=1, ge=1, le=64, description="batch pipelines of a worker: about one for two cores of the database"
    )
    clock: Literal["wall", "message"] = Field(
        default="wall",
        description="`message`: each message's DE7 is now, for stories and tests on a loopback listener",
    )
    jobs_at: dt.time | None = Field(
        default=None,
        description="HH:MM on the machine's clock at which `serve` runs the jobs by itself",
    )
    limits: Limits = Field(default_factory=Limits)

    @model_validator(mode="after")
    def _message_clock_stays_at_home(self) -> "Settings":
        if self.clock == "message":
            if self.jobs_at is not None:
                raise ValueError("jobs_at needs clock `wall`: a clock that follows the messages shows no time of day")
            if self.workers != 1:
                raise ValueError("clock `message` needs workers = 1: each worker would have a time of its own")
            for listener in self.listeners:
                if not listener.endpoint.is_loopback:
                    raise ValueError(
                        f"clock `message` is for loopback listeners only, and {listener.endpoint} is none: "
                        "whoever reaches it would set the time"
                    )
        return self

    @field_validator("listen")
    @classmethod
    def _listeners_are_sound(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value:
            raise ValueError("name at least one listener, such as 127.0.0.1:8583")
        for text in value:
            ListenerSpec.parse(text)
        return value

    @field_validator("metrics")
    @classmethod
    def _metrics_are_sound(cls, value: str) -> str:
        Endpoint.parse(value)
        return value

    @field_validator("token_key")
    @classmethod
    def _key_is_sound(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            text = value.get_secret_value()
            try:
                size = len(bytes.fromhex(text))
            except ValueError:
                raise ValueError("the token key must be hex digits") from None
            if not 16 <= size <= 64:
                raise ValueError("the token key must be 16 to 64 bytes, written as 32 to 128 hex digits")
        return value

    @property
    def listeners(self) -> list[ListenerSpec]:
        """The listeners, parsed."""
        return [ListenerSpec.parse(text) for text in self.listen]

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Command line over environment over file."""
        del dotenv_settings, file_secret_settings
        sources: list[PydanticBaseSettingsSource] = [init_settings, env_settings]
        if cls.config_file is not None:
            sources.append(TomlConfigSettingsSource(settings_cls, cls.config_file))
        return tuple(sources)


def load_settings(config: Path | None, **given: Any) -> Settings:
    """Settings from all sources; `given` are the command line's, None meaning not given."""

    class FromFile(Settings):
        config_file: ClassVar[Path | None] = config

    loaded = FromFile(**{name: value for name, value in given.items() if value is not None})
    # Handed to worker processes, so it must be of a class that they can find.
    return Settings.model_construct(**dict(loaded))
