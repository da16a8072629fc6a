"""What the ledger must say of each message that members send, by plain dicts.

It is written from the documents (docs/programmes.md, docs/wire-profile.md), shares no arithmetic with the kernel, and
goes its own way where it can. What is undone is in `tests.ledger.undoing`.
"""

from collections.abc import Mapping
from copy import deepcopy

from tests.ledger import tiers
from tests.ledger.entries import (
    APPROVED,
    CONVERSION,
    EVENT,
    HOLD,
    NOT_FOUND,
    NOT_POSSIBLE,
    PURCHASE,
    QUOTE,
    REFUSED,
    TOO_FEW,
    TOO_MANY,
    TRANSFER,
    UPKEEP,
    Entry,
    Member,
    Moment,
    Wish,
    add,
    all_legs,
    counter_of,
    forget_counter,
    move_counter,
    take_earliest,
)
from tests.ledger.kept_back import HOLDS_MAX, begin, drop, fit, free_credit, free_points, moved, pend
from tests.ledger.terms import CHECK_INS, LIFE, STAMPS, Purchase, Reward, Terms


def purchase(
    member: Member, number: int, terms: Terms, bought: Purchase, wish: Wish, now: Moment, held: Entry | None = None
) -> Entry:
    """A purchase: discount, points, credit, then what the rest of it brings. 51 if there is too little.

    `held` is what DE90 names, if it names anything: a hold ends with its completion, another member's is not found.
    """
    entry = Entry(PURCHASE, number, bought.amount, day=now.day)
    after = deepcopy(member)
    expired = begin(after, now)
    if held is not None and held.member == number:
        after["holds"].pop(held.hold, None)
    elif held is not None and not wish.advice:
        entry.code = NOT_FOUND
        return entry
    tiers.turn(after, terms, now)

    bought = Purchase(
        bought.amount, bought.category, bought.tea, now.weekday, counter_of(member, STAMPS, LIFE)
    )  # as the member comes to the till
    reward, refusal = _chosen(after, terms, bought, wish, now)
    price = reward.points if reward is not None else 0
    if wish.advice:
        price = min(price, free_points(after, now))
    discount = terms.discount_on(bought) + (reward.discount_on(bought) if reward is not None else 0)
    discount = min(discount, bought.amount)
    payment = _pay(after, terms, bought.amount - discount, price, wish, now)
    if payment is None and refusal != TOO_MANY:
        refusal = TOO_FEW
    if refusal or payment is None:
        entry.code = refusal
        return entry
    redeemed, spent = payment
    paid = bought.amount - discount - redeemed * terms.value - spent
    entry.legs = all_legs(
        points_earned=terms.points_on(paid, bought, after["tier"], held_out=member["held_out"]),
        points_redeemed=price + redeemed,
        points_expired=expired,
        credit_granted=terms.credit_on(paid) + (reward.credit if reward is not None else 0),
        credit_spent=spent,
        discount=discount,
        to_pay=paid,
    )
    _carry_out(after, terms, entry, bought, reward, now)
    member.update(after)
    return entry


def _carry_out(
    member: Member, terms: Terms, entry: Entry, bought: Purchase, reward: Reward | None, now: Moment
) -> None:
    """Put a purchase's legs into effect, and remember what they moved."""
    pending = dict(member["pending"])
    earned = entry.legs["points_earned"]
    entry.took = take_earliest(member["lots"], entry.legs["points_redeemed"])
    entry.put = {now.month + terms.expires: earned} if earned else {}
    add(member["lots"], now.month + terms.expires, earned)
    if terms.pending:
        pend(member, now.day + terms.pending - 1, earned)
    member["credit"] += entry.legs["credit_granted"] - entry.legs["credit_spent"]
    member["visits"] += 1
    member["spend"] += bought.amount
    for name, count in terms.counts_of(entry.legs["to_pay"], bought).items():
        entry.counts[name] = (LIFE, move_counter(member, name, LIFE, count))
    if reward is not None and reward.daily:
        entry.counts[reward.uses] = (now.day, move_counter(member, reward.uses, now.day, 1))
    tiers.earn(member, terms, earned)
    fit(member, now)
    entry.pended = moved(pending, member["pending"])


def quote(member: Member, number: int, terms: Terms, bought: Purchase, wish: Wish, now: Moment) -> Entry:
    """What the purchase would be told at this moment; nothing moves."""
    entry = purchase(deepcopy(member), number, terms, bought, wish, now)
    return Entry(QUOTE, number, bought.amount, entry.code, entry.legs)


def _chosen(member: Member, terms: Terms, bought: Purchase, wish: Wish, now: Moment) -> tuple[Reward | None, str]:
    """The reward that is had, and the code with which a request is refused that asked for another one."""
    reward = terms.reward(wish.reward)
    refusal = ""
    if wish.reward and (reward is None or not reward.can_be_had(bought, member["tier"])):
        refusal = REFUSED
    elif reward is not None and reward.daily and counter_of(member, reward.uses, now.day):
        refusal = TOO_MANY
    return None if refusal else reward, "" if wish.advice else refusal


def _pay(member: Member, terms: Terms, rest: int, price: int, wish: Wish, now: Moment) -> tuple[int, int] | None:
    """Points and credit that pay for the rest, beside the price of a reward; None: there is too little."""
    have = free_points(member, now) - price
    redeemed = _spent(have, rest // terms.value, rest, wish.points, wish.by_points, wish.advice) if have >= 0 else None
    if redeemed is None:
        return None
    rest -= redeemed * terms.value
    spent = _spent(free_credit(member, now), rest, rest, wish.credit, wish.by_credit, wish.advice)
    return None if spent is None else (redeemed, spent)


def _spent(have: int, useful: int, rest: int, wanted: int | None, must: bool, advice: bool) -> int | None:
    """How much is spent; None: not enough. An advice goes as far as it goes."""
    if wanted is None:
        used = min(have, useful) if must else 0
    else:
        used = min(have, useful, wanted)
        if wanted > have and not advice:
            return None
    return None if must and rest and not used and not advice else used


def event(member: Member, number: int, terms: Terms, known: bool, now: Moment) -> Entry:
    """A check-in brings its points once a day; what no rule names brings nothing, and is approved."""
    if not known or counter_of(member, CHECK_INS, now.day):
        return Entry(EVENT, number, 0, legs=all_legs())
    expired = begin(member, now)
    tiers.turn(member, terms, now)
    month = now.month + terms.expires
    add(member["lots"], month, terms.checkin)
    counts = {CHECK_INS: (now.day, move_counter(member, CHECK_INS, now.day, 1))}
    tiers.earn(member, terms, terms.checkin)
    fit(member, now)
    legs = all_legs(points_earned=terms.checkin, points_expired=expired)
    return Entry(EVENT, number, 0, legs=legs, put={month: terms.checkin}, counts=counts, day=now.day)


def upkeep(member: Member, number: int, terms: Terms, now: Moment) -> Entry | None:
    """The job does what a visit would do first; None if there is nothing to do."""
    after = deepcopy(member)
    expired = begin(after, now)
    limits = [CHECK_INS, *(reward.uses for reward in terms.rewards if reward.daily)]
    forgotten = [forget_counter(after, name, now.day) for name in limits]
    is_over = any(forgotten) or any(after[part] != member[part] for part in ("lots", "pending", "holds"))
    if not is_over and not tiers.is_due(member, terms, now):
        return None
    tiers.turn(after, terms, now)
    fit(after, now)
    member.update(after)
    return Entry(UPKEEP, number, 0, legs=all_legs(points_expired=expired))


def hold(member: Member, number: int, terms: Terms, amount: int, wish: Wish, key: int, now: Moment) -> Entry:
    """A till keeps back points, or (DE3 006500) credit: what DE48 says, else what the amount comes to; all or nothing.

    `key` names the hold.
    """
    points = credit = 0
    if wish.by_credit:
        credit = amount if wish.credit is None else wish.credit
    else:
        points = amount // terms.value if wish.points is None else wish.points
    entry = Entry(HOLD, number, amount)
    after = deepcopy(member)
    drop(after, now)
    if points == credit == 0:
        entry.code = NOT_POSSIBLE
    elif len(after["holds"]) >= HOLDS_MAX:
        entry.code = TOO_MANY
    elif points > free_points(after, now) or credit > free_credit(after, now):
        entry.code = TOO_FEW
    else:
        entry.legs = all_legs(to_pay=amount)
        entry.hold = (key, now.second + terms.hold_s)
        after["holds"][entry.hold] = (points, credit)
        fit(after, now)
        member.update(after)
    return entry


def transfer(members: Mapping[int, Member], giver: int, receiver: int, count: int, now: Moment) -> Entry:
    """Points go to another member and keep their months."""
    entry = Entry(TRANSFER, giver, 0, receiver=receiver)
    if count == 0:
        entry.code = NOT_POSSIBLE
    elif free_points(members[giver], now) < count:
        entry.code = TOO_FEW
    if entry.code != APPROVED:
        return entry
    source, target = members[giver], members[receiver]
    entry.legs = all_legs(points_adjusted=-count, points_expired=begin(source, now))
    entry.undone["points_expired"] = begin(target, now)
    entry.took = take_earliest(source["lots"], count)
    for month, part in entry.took.items():
        add(target["lots"], month, part)
    fit(source, now)
    fit(target, now)
    return entry


def convert(member: Member, number: int, terms: Terms, count: int, now: Moment) -> Entry:
    """Points become credit at what they are worth."""
    entry = Entry(CONVERSION, number, 0)
    if count == 0:
        entry.code = NOT_POSSIBLE
    elif free_points(member, now) < count:
        entry.code = TOO_FEW
    if entry.code != APPROVED:
        return entry
    expired = begin(member, now)
    take_earliest(member["lots"], count)
    member["credit"] += count * terms.value
    fit(member, now)
    entry.legs = all_legs(points_redeemed=count, points_expired=expired, credit_granted=count * terms.value)
    return entry
