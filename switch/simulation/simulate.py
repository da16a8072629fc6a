"""Histories in, a report out: what the draft gives beside what live gave, for each rule and each segment of members."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from cext._kernel import Decision, Programme
from cext._replay import Tally, fold
from cext.programme_table import Table
from cext.reference.attribution import LEGS, NO_RULE, Given, Shares, split
from switch.simulation.history import PURCHASES, BrokenHistory, History, Row, Undo, account_at_start
from switch.simulation.replay import APPROVED, Basket, Quarters, replayed
from switch.simulation.totals import Pair, Report, RulePair, RuleTotals, Totals

NO_RULE_ID = ""
"""In `Report.rules`: what none gave, as its version is not there any more."""
UNKNOWN = "unknown"
AGE_BANDS = ((18, "under 18"), (25, "18–24"), (35, "25–34"), (45, "35–44"), (55, "45–54"), (65, "55–64"))
OLDEST = "65 and over"


@dataclass(frozen=True, slots=True)
class RuleSet:
    """A programme as far as a report needs it: its table and the names of its rules. Goes to other processes."""

    table: Table
    rule_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: the draft, and the versions that were live, by number; tiers as the live one names them.

    The period ends before `end_s`; `end_date` (YYYYMMDD) is the day for which ages are told.
    """

    draft: RuleSet
    live: Mapping[int, RuleSet]
    timezone: str
    end_s: int
    end_date: int
    tiers: tuple[str, ...] = ()


class _Half:
    """What one programme gave one account, message by message: for histories that the compiled loop does not take.

    `given`: what rules gave by rows that later ones may undo, by seq, and the tally in which that was counted.
    """

    __slots__ = ("fired", "given", "tallies", "totals")

    def __init__(self, tallies: Callable[[int], Tally]) -> None:
        self.totals = Totals()
        self.fired: dict[int, set[bytes]] = {}
        self.given: dict[int, tuple[Tally, Shares]] = {}
        self.tallies = tallies

    def take(self, row: Row, legs: Row | Decision, undo: Undo | None) -> None:
        """Count a message: what this programme moved by it."""
        totals = self.totals
        earned, granted, discount, paid = legs.points_earned, legs.credit_granted, legs.discount, legs.to_pay
        totals.points_earned += earned
        totals.points_redeemed += legs.points_redeemed
        totals.points_expired += legs.points_expired
        totals.credit_granted += granted
        totals.credit_spent += legs.credit_spent
        totals.discount += discount
        given = Given(earned, granted, discount, row.amount, paid)
        tally = self.tallies(row.version)
        if undo is not None:
            totals.amount -= undo.direction * row.amount
            totals.paid -= undo.direction * paid
            assert row.original_seq is not None
            tally, gave = self.given.get(row.original_seq, (tally, {}))
            shares = shares_of_undoing(given, gave)
            tally.deal(shares)
            self.given[row.seq] = tally, shares
            return
        rules = legs.rules or b""
        if row.kind in PURCHASES:
            totals.purchases += 1
            totals.amount += row.amount
            totals.paid += paid
        tally.take(rules, given)
        self.fired.setdefault(row.version, set()).add(rules)
        self.given[row.seq] = tally, tally.combination(rules).shares(given)


def shares_of_undoing(given: Given, gave: Shares) -> Shares:
    """What each rule loses by a refund or a reversal (legs with the journal's signs): as it gave."""
    found: Shares = {}
    for leg in LEGS:
        total = given[leg]
        if not total:
            continue
        rules = [rule for rule, parts in gave.items() if parts[leg]] or [NO_RULE]
        weights = [abs(gave[rule][leg]) if rule in gave else 1 for rule in rules]
        for rule, part in zip(rules, split(total, weights), strict=True):
            found.setdefault(rule, [0, 0, 0])[leg] += part
    return found


class Simulation:
    """Takes histories one by one and adds them up."""

    def __init__(self, question: Question, read: Callable[[str], Basket]) -> None:
        self._question = question
        self._programme = Programme(question.draft.table)
        self._quarters = Quarters(question.timezone)
        self._read = read
        self._draft = Tally(question.draft.table)
        self._live = {version: Tally(rules.table) for version, rules in question.live.items()}
        self._draft_members: dict[str, int] = {}
        self._live_members: dict[str, int] = {}
        # By all dimensions at once: an account is added once, and what is alike is dealt out at the end.
        self._of_segments: dict[tuple[tuple[str, str], ...], Pair] = {}
        self._report = Report()

    def take(self, history: History) -> None:
        """Go through one account."""
        try:
            if history.referred or not self._take_at_once(history):
                self._take_one_by_one(history)
        except BrokenHistory:
            self._report.broken += 1

    def _take_at_once(self, history: History) -> bool:
        """By the compiled loop; False if there is a row that it leaves to us: what undoes or is undone, transfers."""
        quarters = self._quarters
        folded = fold(
            self._programme,
            account_at_start(history, {}),
            history.rows,
            self._question.end_s,
            quarters.known,
            quarters.find,
            self._read,
            self._live,
            self._draft,
        )
        if folded is None:
            return False
        pair = Pair(Totals(0, 0, *folded.live), Totals(0, 0, *folded.draft))
        self._keep(history, folded.messages, pair, folded.live_fired, {0: folded.draft_fired})
        return True

    def _take_one_by_one(self, history: History) -> None:
        live, draft = _Half(self._live_tally), _Half(lambda _version: self._draft)
        messages = 0
        for row, decision, undo in replayed(self._programme, history, self._quarters, self._question.end_s, self._read):
            messages += 1
            live.take(row, row, undo)
            if decision.rc == APPROVED:
                draft.take(row, decision, undo)
            else:
                draft.totals.declined += 1
        self._keep(history, messages, Pair(live.totals, draft.totals), live.fired, draft.fired)

    def _live_tally(self, version: int) -> Tally:
        tally = self._live.get(version)
        if tally is None:
            tally = self._live[version] = Tally(None)
        return tally

    def _keep(
        self,
        history: History,
        messages: int,
        pair: Pair,
        live_fired: Mapping[int, set[bytes]],
        draft_fired: Mapping[int, set[bytes]],
    ) -> None:
        if not messages:
            return
        self._report.messages += messages
        for totals in (pair.live, pair.draft):
            totals.members = 1
            totals.reached = int(totals.points_earned > 0 or totals.credit_granted > 0 or totals.discount > 0)
        segments = segments_of(history, self._question)
        kept = self._of_segments.get(segments)
        if kept is None:
            self._of_segments[segments] = pair
        else:
            kept.add(pair)
        _count(self._live_members, {n for v, fired in live_fired.items() for n in self._names(v, fired)})
        draft_ids = self._question.draft.rule_ids
        _count(
            self._draft_members,
            {
                draft_ids[rule]
                for fired in draft_fired.values()
                for rules in fired
                for rule in self._draft.combination(rules).rules
            },
        )

    def _names(self, version: int, fired: set[bytes]) -> set[str]:
        known = self._question.live.get(version)
        tally = self._live_tally(version)
        return {known.rule_ids[rule] for rules in fired for rule in tally.combination(rules).rules} if known else set()

    def report(self) -> Report:
        """What was taken so far; then begin again."""
        report, self._report = self._report, Report()
        for segments, pair in self._of_segments.items():
            report.whole.add(pair)
            for segment in segments:
                report.segments.setdefault(segment, Pair()).add(pair)
        self._of_segments = {}
        draft, draft_ids = self._draft, self._question.draft.rule_ids
        for name, totals in _by_name(draft, draft_ids, self._draft_members).items():
            report.rules.setdefault(name, RulePair()).draft.add(totals)
        for version, tally in self._live.items():
            known = self._question.live.get(version)
            for name, totals in _by_name(tally, known.rule_ids if known else (), {}).items():
                report.rules.setdefault(name, RulePair()).live.add(totals)
        for name, members in self._live_members.items():
            report.rules.setdefault(name, RulePair()).live.members += members
        self._draft_members, self._live_members = {}, {}
        return report


def _count(members: dict[str, int], names: set[str]) -> None:
    for name in names:
        members[name] = members.get(name, 0) + 1


def _by_name(tally: Tally, rule_ids: Sequence[str], members: Mapping[str, int]) -> dict[str, RuleTotals]:
    found: dict[str, RuleTotals] = {}
    for rule, (fired, points, credit, discount) in tally.sums().items():
        name = NO_RULE_ID if rule == NO_RULE else rule_ids[rule]
        found[name] = RuleTotals(fired, members.get(name, 0), points, credit, discount)
    return found


def segments_of(history: History, question: Question) -> tuple[tuple[str, str], ...]:
    """The segment of each dimension that a member belongs to, as far as the member told."""
    present, person = history.present, history.person
    return (
        ("age", age_band(present.born, question.end_date)),
        ("gender", person.gender or UNKNOWN),
        ("region", person.region or UNKNOWN),
        ("tier", _tier_name(present.tier, question.tiers)),
    )


def age_band(born: int, day: int) -> str:
    """The band of ages of who was born on a day (both YYYYMMDD; 0: not told)."""
    if not 0 < born <= day:
        return UNKNOWN
    age = (day - born) // 10_000
    return next((label for below, label in AGE_BANDS if age < below), OLDEST)


def _tier_name(tier: int, names: Sequence[str]) -> str:
    if tier <= 0:
        return "none"
    return names[tier - 1] if tier <= len(names) else f"tier {tier}"
