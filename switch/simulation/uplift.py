"""What a rule did: spend and visits of members with it beside members without, and how sure that is.

The interval is Welch's, of the difference of two means with unequal variances. It needs only counts, sums and sums of
squares: integers that workers add up exactly, so that neither the number of workers nor a random seed can change it,
as they could a bootstrap's. With thirty members and more on each side the means are near enough to normal; with fewer
no interval is given.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import NormalDist

from switch.programme.holdout import is_held_out
from switch.simulation.history import EVENT, OTHER, PURCHASES, History, undos
from switch.simulation.totals import Sums

MEMBERS_MIN = 30
CONFIDENCE = 0.95
CHANCE_MAX = 0.001
"""How likely it may be that a rule without a hold-out missed the whole control group by chance."""


@dataclass(slots=True)
class Group(Sums):
    """Members and what they did. Spend in minor units, net of refunds; squares for the variance."""

    members: int = 0
    spend: int = 0
    spend_squared: int = 0
    visits: int = 0
    visits_squared: int = 0

    def take(self, spend: int, visits: int) -> None:
        """Count a member."""
        self.members += 1
        self.spend += spend
        self.spend_squared += spend * spend
        self.visits += visits
        self.visits_squared += visits * visits


@dataclass(slots=True)
class Uplift(Sums):
    """Sums of both comparisons, of which one is told, and of the two sorts of members.

    `treated` and `control` are by the hold-out's hash, whoever got the rule; `had` and `had_not` are by whether it
    fired. `fired_in_control`: members of the control group for whom it fired all the same. `hunters` had a discount
    with each of their purchases, `loyal` are the rest.
    """

    treated: Group = field(default_factory=Group)
    control: Group = field(default_factory=Group)
    had: Group = field(default_factory=Group)
    had_not: Group = field(default_factory=Group)
    hunters: Group = field(default_factory=Group)
    loyal: Group = field(default_factory=Group)
    fired_in_control: int = 0

    def is_randomised(self, per_cent: int) -> bool:
        """Whether a hold-out of this size was in force: the rule fired, and for nobody of the control group.

        If that could be chance (few had the rule), it does not count.
        """
        chance = (1 - per_cent / 100) ** self.had.members
        return self.had.members > 0 and not self.fired_in_control and chance <= CHANCE_MAX


@dataclass(frozen=True, slots=True)
class Question:
    """The rule, by the versions' numbers of it (an index into `rule_ids`), and the period's end."""

    programme: str
    rule: str
    indexes: Mapping[int, tuple[int, ...]]
    per_cent: int
    end_s: int


def take(uplift: Uplift, question: Question, history: History) -> None:
    """Count an account that bought something in the period."""
    rows = [row for row in history.rows if row.at < question.end_s]
    undone = undos((*history.referred, *rows)) if any(row.original_seq is not None for row in rows) else {}
    spend = visits = discounted = 0
    fired = False
    for row in rows:
        if row.kind in PURCHASES:
            spend += row.amount
            visits += 1
            discounted += row.discount > 0
        elif (undo := undone.get(row.seq)) is not None and undo.kind not in (EVENT, OTHER):
            spend -= undo.direction * row.amount
        fired = fired or (row.rules is not None and _fired(row.rules, question.indexes.get(row.version, ())))
    if not visits:
        return
    spend = max(0, spend)
    present = history.present
    held_out = is_held_out(question.programme, question.rule, present.shard, present.id, question.per_cent)
    (uplift.control if held_out else uplift.treated).take(spend, visits)
    uplift.fired_in_control += held_out and fired
    (uplift.had if fired else uplift.had_not).take(spend, visits)
    (uplift.hunters if discounted == visits else uplift.loyal).take(spend, visits)


def _fired(rules: bytes, indexes: tuple[int, ...]) -> bool:
    return any(int.from_bytes(rules[at : at + 2], "big") in indexes for at in range(0, len(rules), 2))


@dataclass(frozen=True, slots=True)
class Difference:
    """Means of two groups and their difference; `low` and `high` are None if there are too few members to tell."""

    with_it: float
    without: float
    low: float | None
    high: float | None

    @property
    def difference(self) -> float:
        """With the rule minus without."""
        return self.with_it - self.without

    @property
    def is_clear(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.low is not None and self.high is not None and not self.low <= 0 <= self.high


def spend_difference(one: Group, other: Group) -> Difference:
    """Spend for each member."""
    return _welch(one.members, one.spend, one.spend_squared, other.members, other.spend, other.spend_squared)


def visits_difference(one: Group, other: Group) -> Difference:
    """Visits of each member."""
    return _welch(one.members, one.visits, one.visits_squared, other.members, other.visits, other.visits_squared)


def _welch(n1: int, sum1: int, squares1: int, n2: int, sum2: int, squares2: int) -> Difference:
    mean1, mean2 = sum1 / n1 if n1 else 0.0, sum2 / n2 if n2 else 0.0
    if min(n1, n2) < MEMBERS_MIN:
        return Difference(mean1, mean2, None, None)
    # (n·Σx² - (Σx)²) is exact in integers: no digits are lost to cancellation.
    error1 = (n1 * squares1 - sum1 * sum1) / (n1 * (n1 - 1)) / n1
    error2 = (n2 * squares2 - sum2 * sum2) / (n2 * (n2 - 1)) / n2
    error = error1 + error2
    if not error:
        return Difference(mean1, mean2, mean1 - mean2, mean1 - mean2)
    freedom = error * error / (error1 * error1 / (n1 - 1) + error2 * error2 / (n2 - 1))
    reach = student_quantile(0.5 + CONFIDENCE / 2, freedom) * math.sqrt(error)
    return Difference(mean1, mean2, mean1 - mean2 - reach, mean1 - mean2 + reach)


def student_quantile(probability: float, freedom: float) -> float:
    """The quantile of Student's t by its expansion around the normal's (Abramowitz and Stegun 26.7.5).

    From 20 degrees of freedom on it is right to five digits.
    """
    z = NormalDist().inv_cdf(probability)
    g1 = (z**3 + z) / 4
    g2 = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    g3 = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + g1 / freedom + g2 / freedom**2 + g3 / freedom**3
