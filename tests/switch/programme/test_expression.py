"""Conditions: what they mean in both kernels, and what is wrong with them."""

import datetime as dt

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from cext import _kernel
from cext.programme_table import Lookup
from cext.reference import kernel as reference
from switch.programme.code import condition_code
from switch.programme.errors import ExpressionError
from switch.programme.expression import read_condition, read_number
from switch.programme.facts import FACTS
from tests.cext.kernel_cases import DAY_S, MONTH, NOW, TODAY, account, pack_days, request
from tests.switch.programme.programmes import scope

MEMBER = {
    "visits": 5,
    "spend": 1_000_003,
    "first_visit": NOW - 50 * DAY_S,
    "last_visit": NOW - 10 * DAY_S,
    "credit": 77,
    "tier": 2,
    "enrolled_day": NOW // DAY_S - 364,
    "club": 12,
    # NOW is 2023-11-14: 34 years old, and in 6 days 35.
    "born": 1988_11_20,
    "recent": pack_days((TODAY - 30, 9), (TODAY - 3, 400_000), (TODAY, -1)),
    # Brought by another member, and the first tag.
    "flags": 1 + 256,
}
MESSAGE = {
    "hour": 9,
    "weekday": 4,
    "day_of_month": 31,
    "entry_mode": 7,
    "merchant": 70,
    "institution": 900,
    "category": 3,
}
VALUES = {
    "amount": 250_000,
    "currency": 364,
    "points": 12,
    "days_since_last": 10,
    "mean_amount": 200_000,
    "mean_gap": 10,
    "days_since_enrolment": 364,
    "age": 34,
    "days_to_birthday": 6,
    "spend_30d": 399_999,
    **{name: MEMBER[name] for name in ("visits", "spend", "credit")},
    **{name: MESSAGE[name] for name in ("hour", "weekday", "day_of_month", "entry_mode")},
}
TEXTS = {
    "category": ("grocery", "haircut"),
    "merchant": ("M1", None),
    "institution": ("581672", None),
    "club": ("student", None),
    "tier": ("gold", "silver"),
    "weekday": ("friday", "monday"),
    "today": (str(dt.date.fromordinal(dt.date(1970, 1, 1).toordinal() + NOW // DAY_S)), "2000-01-01"),
}


def compiled(text, start=0):
    return condition_code(read_condition(text, scope()), start)


def compiled_with_lookups(text):
    """The code, and the lookups that it asks for."""
    seen = scope()
    code = condition_code(read_condition(text, seen), 0)
    # Offers and baskets are not here to be looked up.
    flags = (int(Lookup.FLAG), int(Lookup.COUNTER))
    return tuple(code), tuple(row if row[0] in flags else (int(Lookup.FLAG), 2**30, 0) for row in seen.names.lookups)


def fires(text, member=MEMBER):
    """Whether a rule with this condition fires; the same in both kernels."""
    code, lookups = compiled_with_lookups(text)
    header = (364, 100, 24, 0, 1, 1, 0, 0, 0)
    rules = ((0, len(code), 0, 0, 0, 0, 0, 0, 0),)
    table = (header, code, rules, (), lookups, (), (), (), ((0, 10, 1, 1), (0, 20, 1, 1)))
    answers = []
    for kernel in (_kernel, reference):
        someone = account(kernel, (MONTH, 12), **member)
        decision = kernel.decide(kernel.Programme(table), someone, request(kernel, 1, 250_000, **MESSAGE))
        assert decision.rc == "00"
        answers.append(bool(decision.rule_list))
    assert answers[0] == answers[1]
    return answers[0]


@pytest.mark.parametrize("name", sorted(VALUES))
def test_each_number_has_its_value(name):
    assert fires(f"{name} == {VALUES[name]}")
    assert not fires(f"{name} != {VALUES[name]}")
    assert fires(f"{name} + 0 == {VALUES[name]}")


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_each_name_has_its_value(name):
    is_so, is_not_so = TEXTS[name]
    assert fires(f'{name} == "{is_so}"')
    assert not fires(f'{name} != "{is_so}"')
    if is_not_so:
        assert not fires(f'{name} == "{is_not_so}"')


def test_every_fact_is_told_of():
    # What a coupon is, test_coupons.py tells.
    assert set(VALUES) | set(TEXTS) | {"event", "coupon"} == set(FACTS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("amount >= 200000", True),
        ("amount > 250000", False),
        ("250000 <= amount", True),
        ("250000 < amount", False),
        ("visits >= 5 and mean_gap <= 15", True),
        ("visits > 5 and mean_gap <= 15 or hour == 9", True),
        ("not visits > 5", True),
        ("not (visits == 5 and hour == 9)", False),
        ("not (visits == 5 or hour == 8)", False),
        ("not not visits == 5", True),
        ("200000 <= amount < 250001 <= spend", True),
        ("200000 <= amount < 250000", False),
        ("not 200000 <= amount < 250000", True),
        ("hour in (8, 9)", True),
        ("hour in [8, 10]", False),
        ("hour not in {8, 10}", True),
        ("hour not in (9,)", False),
        ("not hour in (9, 10)", False),
        ("referred", True),
        ("not referred", False),
        ("tagged(press)", True),
        ('not tagged("vip")', True),
        ('tagged("vip") or referred and not hour == 8', True),
        ("not (referred and tagged(vip))", True),
        ('category == "grocery"', True),
        ('"grocery" != category', False),
        ('merchant in ("M1",) and institution == "581672"', True),
        ('category not in ("grocery",)', False),
        ('weekday in ("thursday", "friday")', True),
        ("weekday in (3, 4)", True),
        ("weekday >= 4", True),
        ('tier >= "silver"', True),
        ('"silver" < tier', True),
        ('tier < "gold"', False),
        ('tier == "none"', False),
        ("amount >= mean_amount + 4 * 12500", True),
        ("amount > mean_amount + 4 * 12500", False),
        ("-amount == -250000", True),
        ("-amount // 100001 == -3", True),
        ("-amount % 100001 == 50003", True),
        ("amount % -100001 == -50003", True),
        ("amount == 5 * (20000 + 30000)", True),
        ("1 == 1", True),
        ("(\n  visits == 5\n  and hour == 9\n)", True),
    ],
)
def test_meaning(text, expected):
    assert fires(text) is expected


@pytest.mark.parametrize(
    "text",
    [
        "amount // (visits - 5) >= 0",
        "amount % (visits - 5) == 0",
        "not amount // (visits - 5) >= 0",
        "hour == 9 and amount // (visits - 5) != 0",
        "amount * 9223372036854775807 > 0",
        "not amount * 9223372036854775807 > 0",
        "spend + 9223372036854775807 > 0",
        "-spend - 9223372036854775807 < 0",
        "-(-9223372036854775807 - visits) > 0",
        "(-9223372036854775807 - 1 + 0 * visits) // (visits - 6) > 0",
    ],
)
def test_a_fault_is_false_whatever_stands_around_it(text):
    assert fires(text) is False


def test_what_a_short_circuit_skips_cannot_fault():
    assert fires("visits == 5 or amount // (visits - 5) > 0")
    assert not fires("visits == 4 and amount // (visits - 5) > 0")


@pytest.mark.parametrize("fact", ["days_since_last", "mean_amount", "mean_gap", "age", "days_to_birthday"])
def test_a_fact_that_does_not_exist_yet_makes_the_condition_false(fact):
    nobody = {"visits": 0, "spend": 0, "first_visit": 0, "last_visit": 0, "born": 0}
    assert not fires(f"{fact} >= 0", nobody)
    assert not fires(f"not {fact} >= 0", nobody)
    assert not fires(f"{fact} * 2 >= 0", nobody)
    assert fires(f"visits == 0 or {fact} >= 0", nobody)


ERRORS = [
    ("", "empty"),
    ("  \n ", "empty"),
    ("amount", "a condition compares"),
    ("5", "a condition compares"),
    ("amount and hour == 5", "a condition compares"),
    ("not amount", "a condition compares"),
    ('stamps("cut")', "a condition compares"),
    ("amount >=", "cannot be read"),
    ("amount >= 010", "cannot be read"),
    ("amount = 5", "cannot be read"),
    ("amount >= 5; hour == 3", "cannot be read"),
    ("amout >= 5", "unknown fact 'amout'; did you mean amount?"),
    ("zzz >= 5", "unknown fact 'zzz'$"),
    ("amount >= 1.5", "a float is not a whole number"),
    ("amount >= 1e9", "a float is not a whole number"),
    ("amount >= True", "true or false is not a whole number"),
    ("amount >= None", "a NoneType is not a whole number"),
    ("amount / 2 > 1", "divide with //"),
    ("amount ** 2 > 1", "arithmetic knows"),
    ("amount << 2 > 1", "arithmetic knows"),
    ("~amount > 1", "not allowed"),
    ("+amount > 1", "not allowed"),
    ("amount > 1 // 0", "division by zero"),
    ("amount > 1 % (2 - 2)", "division by zero"),
    ("amount > 9223372036854775808", "too large"),
    ("amount > 9223372036854775807 + 1", "too large"),
    ("amount > -9223372036854775807 - 2", "too large"),
    ("amount > -(-9223372036854775807 - 1)", "too large"),
    ('amount == "grocery"', "amount is compared with text 'grocery', but it is a number"),
    ('amount + 1 == "grocery"', "a number is compared with text"),
    ("category == 3", "category is compared with text in quotes"),
    ("tier == 2", "tier is compared with text in quotes"),
    ("event == 1", "event is compared with text in quotes"),
    ("category == merchant", "compared with text"),
    ('category < "grocery"', "text is compared with ==, != or in"),
    ('weekday > "monday"', "text is compared with ==, != or in"),
    ('category + 1 == "grocery"', "takes no part in arithmetic"),
    ("category + 1 == 4", "takes no part in arithmetic"),
    ('"a" == "a"', "one side should be a fact"),
    ('category == "grocerry"', "there is no category 'grocerry'"),
    ('category == b"grocery"', "compared with text in quotes"),
    ('category == f"grocery"', "compared with text in quotes"),
    ('weekday == "firday"', "weekday is never 'firday'; did you mean friday?"),
    ('tier == "golden"', "there is no tier 'golden'; did you mean gold?"),
    ('club == "students"', "there is no club 'students'; did you mean student?"),
    ('event == "check in"', "an event is a code"),
    ("hour in 5", "`in` takes a list"),
    ("hour in ()", "`in` takes a list"),
    ("hour is 5", "`is` is not allowed|cannot be read"),
    ("hour is not visits", "`is` is not allowed"),
    ("(amount, hour) == (1, 2)", "a list is not allowed"),
    ("coupon == 5", "coupon is compared with text in quotes"),
    ('coupon == "sprang"', "there is no coupon 'sprang'; did you mean spring?"),
    ('coupon >= "spring"', "text is compared with ==, != or in"),
    ("coupon + 1 == 2", "coupon is a name and takes no part in arithmetic"),
    ('coupon("A") == 1', "coupon takes no brackets"),
    ("referred > 0", "referred is true or not and stands by itself"),
    ("1 == referred", "referred is true or not and stands by itself"),
    ("referred + 1 > 1", "referred is true or not and stands by itself"),
    ('referred == "yes"', "referred is true or not and stands by itself"),
    ("referred() > 1", "referred takes no brackets"),
    ("refered", "unknown fact 'refered'; did you mean referred"),
    ("hour", "a condition compares"),
    ("stamps(cut)", "a condition compares"),
    ("tagged", "tagged is asked as tagged"),
    ("tagged()", "tagged is asked as tagged"),
    ('tagged(tag="press")', "tagged is asked as tagged"),
    ("tagged(prss)", "there is no tag 'prss'; did you mean press?"),
    ("tagged(press) == 1", "is true or not and stands by itself"),
    ("qty >= 5", "qty is asked as qty"),
    ('qty("A") >= 5', "qty is asked as qty"),
    ('qty(sku="A", category="b") >= 5', "qty is asked as qty"),
    ('qty(catgory="b") >= 5', "qty has no 'catgory'; did you mean category?"),
    ('qty(**{"sku": "A"}) >= 5', "brackets take a name"),
    ('qty(sku="") >= 5', "1 to 64 characters"),
    ('qty(sku="a;b") >= 5', "1 to 64 characters"),
    ("stamps >= 5", "stamps is asked as stamps"),
    ("stamps() >= 5", "stamps is asked as stamps"),
    ("stamps(5) >= 5", "brackets take a name"),
    ('stamps("cuts") >= 5', "there is no stamp card 'cuts'; did you mean cut?"),
    ("uses(onse) >= 5", "there is no rule 'onse'; did you mean once?"),
    ("amount() > 5", "amount takes no brackets"),
    ("grant > 5", "grant is asked as grant.NAME"),
    ("grant.gaol > 5", "the grant sets no 'gaol'; did you mean goal?"),
    ("abs(amount) > 5", "unknown function 'abs'"),
    ("stamp(cut) > 5", "unknown function 'stamp'; did you mean stamps?"),
    ("amount.real > 5", "a dot is not allowed"),
    ("amount.real.real > 5", "a dot is not allowed"),
    ("amount[0] > 5", "an index is not allowed"),
    ("(lambda: 1) == 1", "a function is not allowed"),
    ("(amount := 5) > 1", ":= is not allowed"),
    ("(1 if hour == 3 else 2) > 1", "if … else is not allowed"),
    ("__import__('os').system('true') == 0", "a call is not allowed"),
    ("[x for x in (1,)] == 1", "not allowed"),
    ("amount > \\\n5", "backslashes"),
    ("amount > 5\0", "backslashes"),
    ("amount > " + "9" * 2_000, "at most 1000 characters"),
    ("amount > " + "(" * 300 + "1" + ")" * 300, "cannot be read"),
    ("amount > " + "-" * 900 + "1", "nested"),
    ("not " * 240 + "hour == 1", "nested"),
    ("visits" + " + (visits" * 20 + ")" * 20 + " > 0", "use fewer brackets"),
]


@pytest.mark.parametrize(("text", "reason"), ERRORS)
def test_errors(text, reason):
    with pytest.raises(ExpressionError, match=reason) as raised:
        compiled(text)
    assert len(str(raised.value)) < 160


WORDS = """
amount visits weekday tier category event grant grant.goal stamps stamps(cut) qty(sku="A") uses and or not in is
if else lambda == != < <= > >= ( ) [ ] { } , . : := + - * ** / // % ~ @ 0 7 07 1.5 1e9 "gold" 'x' "" f" b'' None
True … ۵ é \\ \0 #
"""
WORD = st.sampled_from(WORDS.split())


@settings(max_examples=500, deadline=None)
@given(st.one_of(st.text(max_size=60), st.lists(WORD, max_size=14).map(" ".join)))
@example("\ud800")
@example("f'{amount}' == 1")
def test_any_text_is_read_or_refused(text):
    for read in (read_condition, read_number):
        try:
            read(text, scope())
        except ExpressionError as error:
            reason = str(error)
        else:
            reason = ""
        assert len(reason) < 160


SMALL_FACTS = {name: value for name, value in VALUES.items() if value < 1_000}


@st.composite
def arithmetic(draw, depth=2):
    if depth == 0 or draw(st.booleans()):
        return draw(st.one_of(st.integers(0, 99).map(str), st.sampled_from(sorted(SMALL_FACTS))))
    if draw(st.integers(0, 5)) == 0:
        return f"-({draw(arithmetic(depth=depth - 1))})"
    left, right = draw(arithmetic(depth=depth - 1)), draw(arithmetic(depth=depth - 1))
    return f"({left} {draw(st.sampled_from(['+', '-', '*', '//', '%']))} {right})"


@st.composite
def truths(draw, depth=3):
    if depth == 0 or draw(st.booleans()):
        parts = [draw(arithmetic()) for _ in range(draw(st.integers(2, 3)))]
        relations = [draw(st.sampled_from(["==", "!=", "<", "<=", ">", ">="])) for _ in parts[1:]]
        return parts[0] + "".join(f" {r} {p}" for r, p in zip(relations, parts[1:], strict=True))
    if draw(st.integers(0, 2)) == 0:
        return f"not ({draw(truths(depth=depth - 1))})"
    joint = draw(st.sampled_from([" and ", " or "]))
    return joint.join(f"({draw(truths(depth=depth - 1))})" for _ in range(draw(st.integers(2, 3))))


def as_python_sees_it(text):
    try:
        return bool(eval(text, {"__builtins__": {}}, SMALL_FACTS))
    except ZeroDivisionError:
        return False


@settings(max_examples=400, deadline=None)
@given(truths())
@example("(1 < 2) and (visits < 5 or not (visits == 5 and visits > 2))")
def test_a_condition_means_what_python_makes_of_it(units_apart, text):
    """Facts that exist, small numbers: Python itself is the oracle."""
    try:
        compiled(text)
    except ExpressionError:
        assume(False)
    assert fires(text) == as_python_sees_it(text)


@pytest.fixture(scope="module")
def units_apart():
    """Lets any two facts be compared, so that the property above need not find facts that count the same."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("switch.programme.units.check_alike", lambda *_: None)
        patch.setattr("switch.programme.expression.check_alike", lambda *_: None)
        yield
