"""`programme check` and `programme schema`: for authors of programmes. No database is needed."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from switch.programme import CompiledProgramme, Problem

EXIT_WRONG = 1
EXIT_FAULT = 2
# What a pipe or a file gets: wide enough for a condition beside what it gives.
_PLAIN_WIDTH = 160
_NOT_ASKED = (
    "Categories, merchants, institutions and clubs were not looked up: their names are checked against a database "
    "only at submit."
)

app = typer.Typer(help="Programmes: checked and explained.", no_args_is_help=True)


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="A programme's YAML.", exists=True, dir_okay=False)],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print {file, problems, programme} only.")] = False,
) -> None:
    """Tell what is wrong with a programme, line by line, and what its rules were understood to mean.

    Exits with 1 if there are errors; warnings leave it at 0.
    """
    from switch.programme import ProgrammeError, load  # noqa: PLC0415  # `--help` must not wait for it

    text = _read(file)
    numbers: dict[tuple[str, str], int] = {}
    programme: CompiledProgramme | None = None
    problems: Sequence[Problem]
    try:
        programme = load(text, ids=lambda kind, name: numbers.setdefault((kind, name), len(numbers) + 1))
        problems = programme.warnings
    except ProgrammeError as error:
        problems = error.problems
    if as_json:
        typer.echo(json.dumps(_document(file, problems, programme), ensure_ascii=False))
    else:
        for problem in problems:
            typer.echo(_line(file, problem))
        if programme is not None:
            _show(programme)
    if programme is None:
        raise typer.Exit(EXIT_WRONG)


@app.command()
def schema() -> None:
    """Print the JSON Schema of programmes, for editors that complete and check YAML."""
    from switch.programme.model import ProgrammeModel  # noqa: PLC0415  # `--help` must not wait for it

    document = {"$schema": "https://json-schema.org/draft/2020-12/schema", **ProgrammeModel.model_json_schema()}
    typer.echo(json.dumps(document, ensure_ascii=False, indent=2))


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        typer.echo(f"{file} cannot be read as UTF-8 text", err=True)
        raise typer.Exit(EXIT_FAULT) from None


def _line(file: Path, problem: "Problem") -> str:
    place = f"{problem.path}: " if problem.path else ""
    return f"{file}:{problem.line}: {problem.severity}: {place}{problem.reason}"


def _document(file: Path, problems: Sequence["Problem"], programme: "CompiledProgramme | None") -> dict[str, Any]:
    from adapters.cli.programme_words import document_of  # noqa: PLC0415  # `--help` must not wait for it

    return {
        "file": str(file),
        "problems": [
            {
                "line": problem.line,
                "severity": str(problem.severity),
                "path": problem.path,
                "reason": problem.reason,
            }
            for problem in problems
        ],
        "programme": document_of(programme) if programme is not None else None,
    }


def _show(programme: "CompiledProgramme") -> None:
    from adapters.cli.programme_words import rules_in_words  # noqa: PLC0415  # `--help` must not wait for it

    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_PLAIN_WIDTH)
    title = f"{programme.name} of {programme.owner}: currency {programme.currency}, {programme.timezone}"
    console.print(Text(title, style="bold"))
    table = Table("", "rule", "when", "gives", "limits", "looks at", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.columns[0].justify = "right"
    for column in range(1, 6):
        table.columns[column].overflow = "fold"
    for number, rule in enumerate(rules_in_words(programme), 1):
        cells = (
            str(number),
            rule.id,
            rule.when,
            "\n".join(rule.gives),
            "\n".join(rule.limits),
            ", ".join(rule.facts),
        )
        # As Text, so that brackets in a condition are no markup.
        table.add_row(*map(Text, cells))
    console.print(table)
    for line in _lists(programme):
        console.print(Text(line))
    console.print(Text(_NOT_ASKED, style="dim"))


def _lists(programme: "CompiledProgramme") -> list[str]:
    from adapters.cli.lifecycle_words import lifecycle_in_words  # noqa: PLC0415  # `--help` must not wait for it
    from adapters.cli.programme_words import rate_in_words  # noqa: PLC0415

    tiers = [
        f"{tier.id} from {tier.from_.threshold:,} {tier.from_.basis} × {rate_in_words(tier.multiply)}"
        for tier in programme.model.tiers
    ]
    named = {
        "tiers": tiers,
        **lifecycle_in_words(programme.model),
        "clubs": [
            club.code if club.min_age is None else f"{club.code} from {club.min_age} years" for club in programme.clubs
        ],
        "events": list(programme.events),
        "partners": [f"{partner.institution} ({partner.role})" for partner in programme.partners],
    }
    return [f"{name}: {', '.join(values)}" for name, values in named.items() if values]
