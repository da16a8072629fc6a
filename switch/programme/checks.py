"""What is wrong with a programme whose every part is right by itself.

Errors: names given twice, tiers that do not rise, tiers that are not there, ages that nobody is asked for, rules for
events that would need a purchase. Warnings: rules that can never fire, costs without a bound. They are no errors, as a
programme that is live already must still load when a later release sees more.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from cext.programme_table import COUNTERS_MAX, GRANTS_MAX, Fact
from switch.programme.costs import unbounded
from switch.programme.document import Document, Path
from switch.programme.errors import Problem, Severity, did_you_mean, shown
from switch.programme.events import events_in, is_false_without_event
from switch.programme.facts import PURCHASE_ONLY, QTY
from switch.programme.lifecycle import AMBASSADOR
from switch.programme.model import REWARDS, PointsPer, ProgrammeModel, Rule
from switch.programme.never import Bounds, Contradictions
from switch.programme.problems import problem_at
from switch.programme.reading import RuleTerms
from switch.programme.terms import Truth, looks_of

Found = tuple[Path, str]

_WORDS = {"rules": "rule can never fire", REWARDS: "reward can never be had"}


def check(
    document: Document, model: ProgrammeModel, terms: Sequence[RuleTerms], rewards: Sequence[RuleTerms]
) -> list[Problem]:
    """Every mistake of a valid model whose expressions were read, in the order of the file's rules."""
    errors = [
        *_repeated(model),
        *_tiers(model),
        *_lifecycle(model),
        *_ages(model),
        *_events_in_catalogue(rewards),
        *_used_twice(model, terms),
        *_coupons_in_catalogue(rewards),
    ]
    for index, (rule, read) in enumerate(zip(model.rules, terms, strict=True)):
        errors += _tier_of(model, index, rule)
        if read.when is not None and events_in(read.when):
            errors += _event_rule(index, rule, read.when)
    problems = [problem_at(document, path, reason) for path, reason in errors]
    warnings = (
        *_never(model, REWARDS, rewards),
        *_never(model, "rules", terms),
        *_shadowed(model, terms),
        *_unasked(model, terms),
        *unbounded(model, terms),
    )
    for path, reason in warnings:
        problems.append(problem_at(document, path, reason, Severity.WARNING))
    return problems


def check_counts(document: Document, counters: int, grants: int) -> list[Problem]:
    """Whether an account has room for everything that a programme counts and offers."""
    problems = []
    if counters > COUNTERS_MAX:
        reason = (
            f"stamp cards, draws, uses, coupons and budgets are {counters} counters together, and an account has "
            f"{COUNTERS_MAX}"
        )
        problems.append(problem_at(document, ("rules",), reason))
    if grants > GRANTS_MAX:
        reason = f"{grants} rules have a grant, and an account holds {GRANTS_MAX} at a time: some will not be given"
        problems.append(problem_at(document, ("rules",), reason, Severity.WARNING))
    return problems


def _repeated(model: ProgrammeModel) -> Iterator[Found]:
    rules = [(("rules", index, "id"), rule.id) for index, rule in enumerate(model.rules)]
    yield from _twice("a rule", rules)
    cards = [
        (("rules", index, "then", "stamp", "key"), rule.then.stamp.key)
        for index, rule in enumerate(model.rules)
        if rule.then.stamp is not None
    ]
    yield from _twice("a stamp card", cards)
    yield from _twice("a tier", [(("tiers", index, "id"), tier.id) for index, tier in enumerate(model.tiers)])
    yield from _twice("a club", [(("clubs", index, "code"), club.code) for index, club in enumerate(model.clubs)])
    yield from _twice("a coupon", [(("coupons", index, "id"), each.id) for index, each in enumerate(model.coupons)])
    rewards = [((REWARDS, index, "code"), choice.code) for index, choice in enumerate(model.rewards)]
    yield from _twice("a reward", rewards)
    yield from _twice("a tag", [(("tags", index), tag) for index, tag in enumerate(model.tags)])


def _events_in_catalogue(terms: Sequence[RuleTerms]) -> Iterator[Found]:
    for index, read in enumerate(terms):
        if read.when is not None and events_in(read.when):
            yield (REWARDS, index, "when"), "a reward is chosen with a purchase, which has no event"


def _coupons_in_catalogue(terms: Sequence[RuleTerms]) -> Iterator[Found]:
    for index, read in enumerate(terms):
        if read.coupons:
            yield (REWARDS, index, "when"), "a reward is paid with points: a rule asks for a coupon"


def _twice(what: str, named: Iterable[tuple[Path, str]]) -> Iterator[Found]:
    seen: set[str] = set()
    for path, name in named:
        if name in seen:
            yield path, f"{what} {name} is there already"
        seen.add(name)


def _tiers(model: ProgrammeModel) -> Iterator[Found]:
    for index, (lower, higher) in enumerate(pairwise(model.tiers), 1):
        path = ("tiers", index, "from")
        if lower.from_.basis != higher.from_.basis:
            yield path, "all tiers should be from the same: points, spend or visits"
        elif lower.from_.threshold >= higher.from_.threshold:
            yield path, f"{higher.id} should need more than {lower.id}, which stands before it"


def _lifecycle(model: ProgrammeModel) -> Iterator[Found]:
    if model.tier_year is not None and not model.tiers:
        yield ("tier_year",), "there are no tiers that a year could be for"
    referral = model.referral
    if referral is not None and referral.ambassador is not None and AMBASSADOR not in model.tags:
        yield ("referral", "ambassador"), f"nobody can be an ambassador: add `tags: [{AMBASSADOR}]`"


def _ages(model: ProgrammeModel) -> Iterator[Found]:
    for index, club in enumerate(model.clubs):
        if club.min_age is not None and "birth_date" not in club.required:
            reason = f"club {club.code} has to ask for the birth date to know an age: add birth_date to `required`"
            yield ("clubs", index, "min_age"), reason


def _used_twice(model: ProgrammeModel, terms: Sequence[RuleTerms]) -> Iterator[Found]:
    """A purchase uses a coupon up once, so of the rules that ask for it one may fire."""
    first: dict[str, Rule] = {}
    for index, (rule, read) in enumerate(zip(model.rules, terms, strict=True)):
        for campaign in read.coupons:
            other = first.setdefault(campaign, rule)
            if other is not rule and (rule.exclusive is None or rule.exclusive != other.exclusive):
                reason = f"{other.id} asks for coupon {campaign} too: give both the same `exclusive` group, or make one"
                yield ("rules", index, "when"), reason


def _unasked(model: ProgrammeModel, terms: Sequence[RuleTerms]) -> Iterator[Found]:
    asked = {campaign for read in terms for campaign in read.coupons}
    for index, each in enumerate(model.coupons):
        if each.id not in asked:
            yield ("coupons", index, "id"), f"no rule asks for coupon {each.id}: every code of it will be refused"


def _tier_of(model: ProgrammeModel, index: int, rule: Rule) -> Iterator[Found]:
    tiers = [tier.id for tier in model.tiers]
    tier = rule.then.tier
    if tier is not None and tier not in tiers:
        yield ("rules", index, "then", "tier"), f"there is no tier {shown(tier)}" + did_you_mean(tier, tiers)


def _event_rule(index: int, rule: Rule, when: Truth) -> Iterator[Found]:
    path: Path = ("rules", index, "when")
    if not is_false_without_event(when):
        yield (
            path,
            "a rule is for events or for purchases: join `event == …` to the rest with `and`, or make two rules",
        )
    for look in looks_of(when):
        if look.name in PURCHASE_ONLY or look.name.startswith(QTY + "("):
            yield path, f"an event is no purchase and has no {look.name.partition('(')[0]}"
            break
    for path, reason in _needs_purchase(rule):
        yield ("rules", index, "then", *path), reason


def _needs_purchase(rule: Rule) -> Iterator[Found]:
    then = rule.then
    given = {"": then, "reward": then.stamp.reward if then.stamp is not None else None}
    for inside, gift in given.items():
        if gift is None:
            continue
        path: Path = ("stamp", inside) if inside else ()
        if isinstance(gift.points, PointsPer):
            yield (*path, "points"), "an event has no amount to give points for: give a fixed number"
        if gift.discount is not None:
            yield (*path, "discount"), "an event has no amount to take a discount from"
        if gift.free is not None:
            yield (*path, "free"), "an event has no basket that something could be free in"
        if gift.credit is not None and not isinstance(gift.credit, int):
            yield (*path, "credit"), "an event has no amount to give a share of: give a fixed amount"
    if then.multiply is not None:
        yield ("multiply",), "an event has no points for amounts to multiply"
    if then.ticket is not None and then.ticket.per is not None:
        yield ("ticket",), "an event has no amount to give tickets for: give a count"


def _never(model: ProgrammeModel, key: str, terms: Sequence[RuleTerms]) -> Iterator[Found]:
    known = {
        int(Fact.CURRENCY): Bounds(model.currency, model.currency),
        int(Fact.TIER): Bounds(0, len(model.tiers)),
    }
    for index, read in enumerate(terms):
        for path, truth, what in (
            ((key, index, "when"), read.when, f"this {_WORDS[key]}"),
            ((key, index, "grant", "if"), read.offered_if, "this offer can never be made"),
        ):
            why = Contradictions(known).why_never(truth) if truth is not None else None
            if why is not None:
                yield path, f"{what}: {why}"


def in_order(rules: Sequence[Rule]) -> list[int]:
    """The rules' places in the file, in the order of evaluation: by falling priority, then as written."""
    return sorted(range(len(rules)), key=lambda index: -rules[index].priority)


def _shadowed(model: ProgrammeModel, terms: Sequence[RuleTerms]) -> Iterator[Found]:
    """Members of an exclusive group behind one that fires with every purchase."""
    always: dict[str, str] = {}
    for index in in_order(model.rules):
        rule, when = model.rules[index], terms[index].when
        if rule.exclusive is None or (when is not None and events_in(when)):
            continue
        if rule.exclusive in always:
            other = always[rule.exclusive]
            reason = f"this rule can never fire: {other}, before it in group {rule.exclusive}, always does"
            yield ("rules", index, "exclusive"), reason
        elif when is None and all(each is None for each in (rule.grant, rule.uses, rule.holdout, rule.budget)):
            always[rule.exclusive] = rule.id
