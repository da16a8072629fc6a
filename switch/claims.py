"""Offers that a till claims by name (DE48 OF): the purchase brings every one of them, or is declined.

A member who was told of an offer, and a cashier who promised it, would rather have a "no" than a sale without it.
What is decided is the same with and without a claim; so the journal need not keep it.
"""

import re
from collections.abc import Sequence

from cext._kernel import Account, Decision
from cext.reference import grants
from switch.programme import CompiledProgramme
from switch.refusals import Refusal
from switch.wishes import refused_as_repeated

UNKNOWN = Refusal("05", "OF is no offer here")
NOT_OPEN = Refusal("05", "OF is not open to you")
ENDED = Refusal("05", "OF has ended")
USED = Refusal("05", "OF was used already")
BUDGET_USED_UP = Refusal("05", "OF: budget is used up")
NOT_NOW = Refusal("05", "OF does not apply now")

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,80}", re.ASCII)


def read_claims(names: Sequence[str]) -> tuple[str, ...] | Refusal:
    """DE48 OF as a purchase has it: names of rules, each once."""
    repeated = refused_as_repeated("OF", names)
    if repeated is not None:
        return repeated
    if not all(_NAME.fullmatch(name) for name in names):
        return Refusal("30", "DE48 OF is not a name")
    return tuple(names)


def refusal_of(
    claims: Sequence[str], compiled: CompiledProgramme, account: Account, local_day: int, decision: Decision
) -> Refusal | None:
    """Why a decision does not bring what is claimed; None if it does. `account` is as it was before."""
    rules = compiled.rules
    fired = {rules[index].id for index in decision.rule_list}
    for name in claims:
        if name not in fired:
            return _why_not(name, compiled, account, local_day)
    return None


def _why_not(name: str, compiled: CompiledProgramme, account: Account, local_day: int) -> Refusal:
    if all(rule.id != name for rule in compiled.rules):
        return UNKNOWN
    slot = next((offer.slot for offer in compiled.grants if offer.rule == name), None)
    if slot is None:
        return NOT_NOW
    held = next((grant for grant in grants.unpack(account.grants) if grant.slot == slot), None)
    if held is None:
        return NOT_OPEN
    if held.state == grants.USED:
        return USED
    return ENDED if held.until < local_day else NOT_NOW
