"""`simulate` and `uplift`: what a draft would have given, and what a rule did."""

import asyncio
import datetime as dt
import json
import zoneinfo
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from adapters.cli.database import EXIT_FAULT, Database, DataDir, one_sentence, settings_of
from adapters.cli.options import FirstDay, Html, LastDay, Replica, file_option

if TYPE_CHECKING:
    from adapters.postgres.replaying import Ground
    from switch.programme import CompiledProgramme

app = typer.Typer()

EXIT_WRONG = 1
PER_CENT = 10
"""Of the control group that a rule without a hold-out is compared with."""
Workers = Annotated[
    int | None, typer.Option(help="Processes. Default: one for each core.", min=1, max=1_024, show_default=False)
]
Json = Annotated[Path | None, file_option("--json", "Write every figure there.")]


@app.command()
def simulate(
    programme: Annotated[Path, typer.Option(help="The draft's YAML.", exists=True, dir_okay=False, show_default=False)],
    first: FirstDay,
    last: LastDay,
    html: Html = None,
    as_json: Json = None,
    replica: Replica = None,
    workers: Workers = None,
    database: Database = None,
    data_dir: DataDir = None,
) -> None:
    """Replay the journal of a period through a draft: cost, points, discount, credit and members reached, for each rule
    and each segment, beside what live really gave.

    Nothing is written to the database. Days are those of the draft's time zone; both are included.
    """
    with one_sentence(), _reading_from(replica, database, data_dir) as url:
        from adapters.cli import simulate_screens, simulate_sheets  # noqa: PLC0415  # `--help` must not wait
        from adapters.postgres import replay_workers  # noqa: PLC0415

        ground = _surveyed(url, programme, None)
        start_s, end_s = _period(first, last, ground.draft.timezone)
        with simulate_screens.reading_progress(ground.expected_rows) as progress:
            report = replay_workers.simulate(
                url, ground, start_s, end_s, int(f"{last:%Y%m%d}"), workers=workers, progress=progress
            )
        asked = simulate_sheets.Asked(
            ground.draft.name, programme.name, f"{first:%Y-%m-%d}", f"{last:%Y-%m-%d}", ground.draft.currency,
            ground.live.point_value, ground.draft.point_value, simulate_sheets.not_known(ground.live, ground.draft),
        )  # fmt: skip
        title = f"{asked.programme}: {asked.draft} beside live"
        sheets = simulate_sheets.sheets(asked, report)
        notes = simulate_sheets.notes(asked, report, ground.draft.budgets)
        simulate_screens.show(title, asked.subtitle, sheets, notes)
        if html is not None:
            html.write_text(simulate_screens.html_page(asked, title, sheets, notes), encoding="utf-8")
        if as_json is not None:
            document = simulate_sheets.document(asked, report)
            as_json.write_text(json.dumps(document, ensure_ascii=False, indent=1), encoding="utf-8")


@app.command()
def uplift(
    programme: Annotated[str, typer.Option(help="The programme's name.", show_default=False)],
    rule: Annotated[str, typer.Option(help="The rule's id.", show_default=False)],
    first: FirstDay,
    last: LastDay,
    per_cent: Annotated[
        int | None,
        typer.Option(
            "--per-cent",
            help="Size of the control group that was held out. Default: the rule's holdout, or 10.",
            min=1,
            max=99,
            show_default=False,
        ),
    ] = None,
    as_json: Json = None,
    replica: Replica = None,
    workers: Workers = None,
    database: Database = None,
    data_dir: DataDir = None,
) -> None:
    """Compare spend and visits of members with a rule and without, with 95 % confidence intervals."""
    with one_sentence(), _reading_from(replica, database, data_dir) as url:
        from adapters.cli import simulate_screens, uplift_sheets  # noqa: PLC0415  # `--help` must not wait
        from adapters.postgres import replay_workers  # noqa: PLC0415
        from switch.simulation.uplift import Question  # noqa: PLC0415

        ground = _surveyed(url, None, programme)
        indexes = {
            version: tuple(index for index, name in enumerate(rules.rule_ids) if name in (rule, f"{rule}.reward"))
            for version, rules in ground.live_versions.items()
        }
        if not any(indexes.values()):
            _refuse(f"programme {programme} never had a rule {rule}.")
        start_s, end_s = _period(first, last, ground.live.timezone)
        if per_cent is None:
            per_cent = held_out_of(ground.live, rule) or PER_CENT
        question = Question(programme, rule, indexes, per_cent, end_s)
        with simulate_screens.reading_progress(ground.expected_rows) as progress:
            found = replay_workers.compare(url, ground, question, start_s, workers=workers, progress=progress)
        title = f"{programme}: rule {rule}"
        subtitle = f"{first:%Y-%m-%d} to {last:%Y-%m-%d}, money in minor units of currency {ground.live.currency:03d}"
        simulate_screens.show(
            title, subtitle, uplift_sheets.sheets(found, per_cent), uplift_sheets.notes(found, per_cent)
        )
        if as_json is not None:
            document = uplift_sheets.document(found, question)
            as_json.write_text(json.dumps(document, ensure_ascii=False, indent=1), encoding="utf-8")


def held_out_of(programme: "CompiledProgramme", rule: str) -> int | None:
    """The size of a rule's control group, per cent; None if the rule is not there or holds nobody out."""
    return next((each.holdout for each in programme.model.rules if each.id == rule), None)


@contextmanager
def _reading_from(replica: str | None, database: str | None, data_dir: Path | None) -> Iterator[str]:
    from adapters.cli.databases import embedded_or_named  # noqa: PLC0415

    settings = settings_of(database, data_dir)
    with embedded_or_named(replica or settings.database, settings.data_dir) as (url, _):
        yield url


def _surveyed(url: str, file: Path | None, name: str | None) -> "Ground":
    from adapters.postgres.replaying import survey  # noqa: PLC0415
    from switch.programme import ProgrammeError  # noqa: PLC0415

    try:
        text = None if file is None else file.read_text(encoding="utf-8", errors="replace")
        return asyncio.run(survey(url, text, name))
    except ProgrammeError as fault:
        for problem in fault.problems:
            typer.echo(f"{file or name}:{problem.line}: {problem.path}: {problem.reason}", err=True)
        raise typer.Exit(EXIT_WRONG) from None


def _period(first: dt.datetime, last: dt.datetime, timezone: str) -> tuple[int, int]:
    """The beginning of the first day and the end of the last, in epoch seconds."""
    if last < first:
        _refuse("--to is before --from.")
    zone = zoneinfo.ZoneInfo(timezone)
    start, end = (day.replace(tzinfo=zone) for day in (first, last + dt.timedelta(days=1)))
    return int(start.timestamp()), int(end.timestamp())


def _refuse(reason: str) -> NoReturn:
    typer.echo(reason, err=True)
    raise typer.Exit(EXIT_FAULT)
