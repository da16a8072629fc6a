"""What conditions look at, in plain Python: the facts by their number, and which of them do not exist yet."""

from cext.programme_table import CONDITIONAL_FACTS, FACTS_MAX, Fact, Lookup
from cext.reference import recent
from cext.reference.conditions import Programme
from cext.reference.counters import Counters
from cext.reference.dates import day_of, parsed, year_of
from cext.reference.grants import Grants
from cext.reference.holdout import place_of
from cext.reference.records import Account, Request
from cext.reference.tiers import tier_now

_SECONDS_A_DAY = 86_400

Facts = tuple[list[int], frozenset[int]]
"""Every fact by its number, and the numbers of those that do not exist yet."""


def facts_of(
    programme: Programme,
    account: Account,
    request: Request,
    *,
    amount: int,
    live_points: int,
    counters: Counters,
    grants: Grants,
) -> Facts:
    """The facts of a message on an account as it is now; `live_points`: without those that have lapsed."""
    facts = [0] * (FACTS_MAX + len(programme.lookups))
    facts[Fact.AMOUNT] = amount
    facts[Fact.HOUR] = request.hour
    facts[Fact.WEEKDAY] = request.weekday
    facts[Fact.DAY_OF_MONTH] = request.day_of_month
    facts[Fact.ENTRY_MODE] = request.entry_mode
    facts[Fact.MERCHANT] = request.merchant
    facts[Fact.INSTITUTION] = request.institution
    facts[Fact.CATEGORY] = request.category
    facts[Fact.CURRENCY] = request.currency
    facts[Fact.TIER] = tier_now(programme, account, request)
    facts[Fact.VISITS] = account.visits
    facts[Fact.SPEND] = account.spend
    facts[Fact.POINTS] = live_points
    facts[Fact.CREDIT] = account.credit
    facts[Fact.DAYS_SINCE_ENROLMENT] = max(0, request.local_day - account.enrolled_day)
    facts[Fact.CLUB] = account.club
    facts[Fact.EVENT] = request.event
    facts[Fact.TODAY] = request.local_day
    facts[Fact.REWARD] = request.reward
    facts[Fact.SPEND_30D] = recent.spent(account.recent, request.local_day)
    absent: set[int] = set(CONDITIONAL_FACTS)
    _add_history(facts, absent, account, request)
    _add_birthday(facts, absent, account.born, request.local_day)
    for number, (source, a, b) in enumerate(programme.lookups, FACTS_MAX):
        if source == Lookup.COUNTER:
            facts[number] = counters.value(a, b)
        elif source == Lookup.QUANTITY:
            facts[number] = request.quantities[a] if a < len(request.quantities) else 0
        elif source == Lookup.HOLDOUT:
            facts[number] = place_of(a, account.shard, account.id)
        elif source == Lookup.FLAG:
            facts[number] = int(bool(account.flags & a))
        else:
            grant = grants.live(programme.grants[a][0])
            if grant is not None and b < len(grant.values):
                facts[number] = grant.values[b]
            else:
                absent.add(number)
    return facts, frozenset(absent)


def _add_history(facts: list[int], absent: set[int], account: Account, request: Request) -> None:
    if account.last_visit > 0:
        facts[Fact.DAYS_SINCE_LAST] = max(0, request.now - account.last_visit) // _SECONDS_A_DAY
        absent.remove(Fact.DAYS_SINCE_LAST)
    if account.visits > 0:
        facts[Fact.MEAN_AMOUNT] = account.spend // account.visits
        absent.remove(Fact.MEAN_AMOUNT)
    if account.visits > 1:
        between = max(0, account.last_visit - account.first_visit) // _SECONDS_A_DAY
        facts[Fact.MEAN_GAP] = between // (account.visits - 1)
        absent.remove(Fact.MEAN_GAP)


def _add_birthday(facts: list[int], absent: set[int], born: int, local_day: int) -> None:
    """Age and days to the next birthday; neither exists if `born` is no date up to this day."""
    birth = parsed(born)
    if birth is None or day_of(*birth) > local_day:
        return
    birth_year, month, day = birth
    year = year_of(local_day)
    this_year = day_of(year, month, day)
    next_one = this_year if this_year >= local_day else day_of(year + 1, month, day)
    facts[Fact.AGE] = year - birth_year - (this_year > local_day)
    facts[Fact.DAYS_TO_BIRTHDAY] = next_one - local_day
    absent -= {Fact.AGE, Fact.DAYS_TO_BIRTHDAY}
