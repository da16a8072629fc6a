"""What the tests of the programme language share."""

import pathlib

import switch.programme
from switch.programme import CompiledProgramme
from switch.programme.names import Declared, Names, RuleScope, SlotsInOrder

ROOT = pathlib.Path(__file__).parents[3]
FILES = pathlib.Path(__file__).parent / "files"
CUSTOMER = FILES / "customer.yaml"

HEAD = """\
programme: shop
owner: KHATAM
currency: 364
timezone: Asia/Tehran
point: {value: 100, expires: 24 months}
"""
ONE_RULE = HEAD + "rules:\n  - id: a\n    then: {points: 1}\n"

NUMBERS = {
    ("category", "grocery"): 3,
    ("category", "haircut"): 4,
    ("merchant", "M1"): 70,
    ("institution", "581672"): 900,
    ("club", "student"): 12,
}


def ids(kind: str, name: str) -> int:
    return NUMBERS[kind, name]


def load(text: str) -> CompiledProgramme:
    return switch.programme.load(text, ids=ids)


def rules(*written: str) -> str:
    """A programme of rules, each in one line of flow style from line 7 on."""
    return HEAD + "rules:\n" + "".join(f"  - {{{rule}}}\n" for rule in written)


def scope(**declared: tuple[str, ...]) -> RuleScope:
    """What a condition sees in a programme of two tiers, a stamp card and a club, in a rule that has a grant."""
    known = {
        "rules": ("base", "once"),
        "stamps": ("cut",),
        "tiers": ("silver", "gold"),
        "clubs": ("student",),
        "coupons": ("spring",),
        "tags": ("press", "vip"),
    }
    names = Names(Declared(**(known | declared)), ids, SlotsInOrder())
    for tag in known["tags"]:
        names.slot("tag", tag)
    return RuleScope(names, grant=0, values={"goal": None, "within": None})
