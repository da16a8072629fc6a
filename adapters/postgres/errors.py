"""Faults of the database side. Every text is one sentence or two that say what to do, and none carries a secret.

DatabaseError (a SwitchError)
├── DatabaseUnreachable     no connection: nothing listens there, or it refuses us
├── EmbeddedServerError     the embedded PostgreSQL cannot be made, started or stopped
├── MigrationError          the schema is not one that this release knows
├── TokenKeyError           the key of the card tokens is missing or is not the one the data was made with
├── LoadingError            files given to `load` are refused; carries every place that is wrong
├── SeedingError            synthetic data cannot be made in this database
├── ProgrammeRefused        a step in the life of a programme's version that is not open to it
├── BudgetRefused           a budget that is not there, or cannot be raised so far, or not by this user
├── CouponRefused           coupons that cannot be made, found or withdrawn
├── DrawRefused             a draw that is not there, or a step of it that is not open, or not to this user
├── MemberRefused           somebody who is not there, or a step of leaving that is not open, or not to this user
└── ReportRefused           a report that cannot be made: of no programme, of no period, or not in time
"""

from collections.abc import Sequence

from switch.errors import SwitchError


class DatabaseError(SwitchError):
    """Base of every fault of this package."""


class DatabaseUnreachable(DatabaseError):  # a state of the world, named like StoreUnavailable
    """No connection: nothing listens there, or it refuses us."""


class EmbeddedServerError(DatabaseError):
    """The embedded PostgreSQL cannot be made, started or stopped."""


class MigrationError(DatabaseError):
    """The schema is not one that this release knows."""


class TokenKeyError(DatabaseError):
    """The key of the card tokens is missing or is not the one the data was made with."""


class LoadingError(DatabaseError):
    """Files given to `load` are refused. `problems` are lines `file:line: what is wrong and what to do`."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class SeedingError(DatabaseError):
    """Synthetic data cannot be made in this database."""


class ProgrammeRefused(DatabaseError):
    """A step in the life of a programme's version that is not open to it, or not to this user."""


class BudgetRefused(DatabaseError):
    """A budget that is not there, or cannot be raised so far, or not by this user."""


class CouponRefused(DatabaseError):
    """Coupons that cannot be made, found or withdrawn, or not by this user."""


class DrawRefused(DatabaseError):
    """A draw that is not there, or a step of it that is not open, or not to this user."""


class MemberRefused(DatabaseError):
    """Somebody who is not there, or a step of leaving that is not open, or not to this user."""


class ReportRefused(DatabaseError):
    """A report that cannot be made: of no programme, of no period, or not in time."""
