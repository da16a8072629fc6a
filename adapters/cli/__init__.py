"""The command line: the composition root, the only place that wires adapters to the switch."""

import typer

from adapters.cli.budgets import app as budget_app
from adapters.cli.codec import app as codec_app
from adapters.cli.coupons import app as coupon_app
from adapters.cli.database import app as database_app
from adapters.cli.draws import app as draw_app
from adapters.cli.jobs import app as job_app
from adapters.cli.member_tags import app as tags_app
from adapters.cli.members import app as member_app
from adapters.cli.programme import app as programme_app
from adapters.cli.programme_versions import app as versions_app
from adapters.cli.reports import app as report_app
from adapters.cli.serve import app as serve_app
from adapters.cli.simulate import app as simulate_app
from adapters.cli.till import app as till_app

app = typer.Typer(
    name="loyalty-switch",
    help="A loyalty switch: tills speak ISO 8583, members' points live in PostgreSQL.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
)
for part in (serve_app, database_app, simulate_app, codec_app):
    app.registered_commands.extend(part.registered_commands)
programme_app.registered_commands.extend(versions_app.registered_commands)
app.add_typer(programme_app, name="programme")
app.add_typer(budget_app, name="budgets", help="Budgets: what all members together may get by a rule.")
app.add_typer(coupon_app, name="coupons", help="Coupons: codes that members bring to the till.")
app.add_typer(draw_app, name="draw", help="Draws that anyone can check: closed, revealed, published.")
app.add_typer(job_app, name="jobs", help="Jobs: what is due by the calendar, through the same lanes as a sale.")
member_app.registered_commands.extend(tags_app.registered_commands)
app.add_typer(member_app, name="member", help="Members: tags, those who leave, and those who want to be forgotten.")
app.add_typer(report_app, name="report", help="Reports: what members did, in groups that name nobody.")
app.add_typer(till_app, name="send", help="A till in the terminal: send one message and read the reply.")


def main() -> None:
    """Entry point of `loyalty-switch`."""
    app()
