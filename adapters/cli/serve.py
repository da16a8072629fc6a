"""`serve`: one switch, of one worker or of several that share the listeners."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()

USAGE_FAULT = 2


@app.command()
def serve(
    database: Annotated[
        str | None,
        typer.Option(help="PostgreSQL URL (15 to 18). Without one an embedded server is started.", show_default=False),
    ] = None,
    listen: Annotated[
        list[str] | None,
        typer.Option(
            help="HOST:PORT[/dialect[/framing]]; repeatable. Default 127.0.0.1:8583/iso87-ascii/length2.",
            show_default=False,
        ),
    ] = None,
    metrics: Annotated[
        str | None, typer.Option(help="HOST:PORT of /metrics, /healthz and /readyz. Default 127.0.0.1:9583.")
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Processes that share the listeners. Default 1.")] = None,
    lanes: Annotated[
        int | None,
        typer.Option(help="Batch pipelines of each worker, about one for two cores of the database. Default 1."),
    ] = None,
    clock: Annotated[
        str | None,
        typer.Option(
            help="wall, or message: each message's DE7 is now, so that a story of months runs in seconds (loopback "
            "listeners and one worker only). Default wall."
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(help="A TOML file of settings; see docs/operations.md.", exists=True, dir_okay=False),
    ] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Where the embedded server keeps its data.")] = None,
) -> None:
    """Run the switch until SIGINT or SIGTERM, then drain: what was accepted is answered.

    Every setting has an environment variable, such as LOYALTY_DATABASE or LOYALTY_LIMITS__IDLE_S; the command line
    wins over the environment, and the environment over the TOML file.
    """
    from adapters.cli.extensions import require_compiled  # noqa: PLC0415  # `--help` must not wait for it

    try:
        require_compiled()
    except ImportError as fault:
        typer.echo(str(fault), err=True)
        raise typer.Exit(USAGE_FAULT) from None

    from pydantic import ValidationError  # noqa: PLC0415

    from adapters.cli.running import run  # noqa: PLC0415
    from adapters.postgres.errors import DatabaseError  # noqa: PLC0415
    from protocol.errors import ProtocolError  # noqa: PLC0415
    from switch.errors import SwitchError  # noqa: PLC0415
    from switch.settings import load_settings  # noqa: PLC0415

    try:
        settings = load_settings(
            config,
            database=database,
            listen=tuple(listen) if listen else None,
            metrics=metrics,
            workers=workers,
            lanes=lanes,
            clock=clock,
            data_dir=data_dir,
        )
        code = run(settings)
    except ValidationError as fault:
        for error in fault.errors(include_url=False, include_input=False):
            name = ".".join(str(part) for part in error["loc"]) or "settings"
            typer.echo(f"{name}: {error['msg']}", err=True)
        raise typer.Exit(USAGE_FAULT) from None
    except (SwitchError, DatabaseError, ProtocolError) as fault:
        typer.echo(str(fault), err=True)
        raise typer.Exit(USAGE_FAULT) from None
    raise typer.Exit(code)
