"""Coupons in conditions: `coupon == "spring"` asks whether a coupon of that campaign is shown with the purchase.

Several may be shown, so that each campaign is a fact of its own, counted like goods in the basket. A rule that asks for
a coupon (`==`) uses it up when it fires, and so it may not fire without it; `coupon != "spring"` uses nothing up.
"""

from switch.programme.facts import COUPON_FACT
from switch.programme.names import Names
from switch.programme.terms import All, Comparison, Constant, Either, Look, Relation, Truth


def coupons_in(truth: Truth) -> tuple[str, ...]:
    """The campaigns that a condition asks for, each once, in the order of writing."""
    match truth:
        case Comparison(Relation.EQ, Look(number=number), Constant(text=str(text))) if number == COUPON_FACT:
            return (text,)
        case All(parts) | Either(parts):
            return tuple(dict.fromkeys(text for part in parts for text in coupons_in(part)))
    return ()


def is_false_without(truth: Truth, campaign: str) -> bool:
    """Whether a condition is false unless a coupon of the campaign is shown."""
    match truth:
        case Comparison(Relation.EQ, Look(number=number), Constant(text=text)) if number == COUPON_FACT:
            return text == campaign
        case All(parts):
            return any(is_false_without(part, campaign) for part in parts)
        case Either(parts):
            return all(is_false_without(part, campaign) for part in parts)
    return False


def counted(truth: Truth, names: Names) -> Truth:
    """The condition with each campaign as a fact of its own: 1 if it is shown, else 0."""
    match truth:
        case Comparison(relation, Look(number=number), Constant(text=str(text))) if number == COUPON_FACT:
            return Comparison(relation, names.coupon(text), Constant(1, text))
        case All(parts):
            return All(tuple(counted(part, names) for part in parts))
        case Either(parts):
            return Either(tuple(counted(part, names) for part in parts))
    return truth
