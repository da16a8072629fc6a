"""Faults of the switch.

Declines are values (DE39), never exceptions. What is raised here is a fault of the switch or of what it stands on:

    SwitchError
    ├── ConfigurationError      a setting, a secret or a reference row is missing or wrong
    └── StoreError              the store did not do what was asked
        ├── StoreUnavailable    the store is out of reach; whether a commit under way took place is unknown
        ├── StaleAccounts       another worker changed an account between the read and the commit; nothing was kept
        │   └── LocksNeeded     what was read may be decided only while it is held
        └── KeyTaken            a key of the batch is in the journal already; nothing was kept
"""


class SwitchError(Exception):
    """Base of every fault of this package."""


class ConfigurationError(SwitchError):
    """A setting, a secret or a reference row is missing or wrong; the text says what to do."""


class StoreError(SwitchError):
    """The store did not do what was asked."""


class StoreUnavailable(StoreError):
    """The store is out of reach. If a commit was under way its outcome is unknown and the keys decide."""


class StaleAccounts(StoreError):
    """An account of the batch was changed by somebody else since it was read. Nothing of the batch was kept."""


class LocksNeeded(StaleAccounts):
    """The batch touches what is decided on only while it is held: coupons, or more than is left of a budget.

    Nothing was begun.
    """


class KeyTaken(StoreError):
    """A key of the batch is in the journal already. Nothing of the batch was kept."""
