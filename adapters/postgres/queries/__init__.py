"""The SQL of this package, by name.

A file holds many queries, each under a heading line and a comment on what it does:

    -- name_of_the_query --
    -- What it does.
    SELECT …
"""

import re
from functools import cache
from importlib.resources import files

_HEADING = re.compile(r"^-- (?P<name>[a-z][a-z0-9_]*) --\s*$", re.MULTILINE)


@cache
def named(file: str) -> dict[str, str]:
    """The queries of `file`.sql in the order in which they stand, by name. Raises ValueError on a name given
    twice.
    """
    text = files(__name__).joinpath(f"{file}.sql").read_text(encoding="utf-8")
    headings = list(_HEADING.finditer(text))
    queries: dict[str, str] = {}
    for index, heading in enumerate(headings):
        end = headings[index + 1].start() if index + 1 < len(headings) else len(text)
        name = heading["name"]
        if name in queries:
            raise ValueError(f"{file}.sql has two queries named {name}")
        queries[name] = text[heading.end() : end].strip()
    return queries
