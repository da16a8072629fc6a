"""Ages in whole years, for what is refused to the young: a club at the till, a reward of the catalogue.

They are counted as the fact `age` is (`cext.reference.facts`): the very birthday counts, and whoever was born on
29 February is a year older on 1 March of a year without one. DE39 is 05, as it is the programme that refuses a person;
57 is of cards that a till's acquirer does not serve.
"""

import datetime as dt


def age_on(born: int, day: dt.date) -> int | None:
    """How old somebody is who was born on the day YYYYMMDD, as accounts keep it (0: not known).

    None: the birth date is not known, or is still to come.
    """
    on = int(f"{day:%Y%m%d}")
    # The last four digits are the day in the year: they borrow a year as long as the birthday is still to come.
    return (on - born) // 10_000 if 0 < born <= on else None


def is_under(min_age: int, born: int, day: dt.date) -> bool:
    """Whether somebody is younger than that, or cannot be known not to be."""
    age = age_on(born, day)
    return age is None or age < min_age


def under_age(min_age: int) -> str:
    """DE44 for who is too young: at most 25 characters, and nothing of the birth date."""
    return f"under age {min_age}"
