"""Programmes: one YAML file each, validated, and compiled to the table that the kernel walks.

`load(text, ids=…, slots=…)` is the way in. docs/programmes.md tells an author the language, and
`cext.programme_table` the table.

    document → model, problems          YAML with its lines, its shape, what is wrong with it
    expression → terms → code           conditions: text, what it means, instructions
    names, facts, units, events         what words stand for and what may stand together
    checks, never, costs                what only the whole shows
    holdout, flags                      who a member is to a rule: held out by number, brought by another, tagged
    gifts, table → compile              rows, and the programme with all that the switch needs beside them
"""

from switch.programme.compile import CatalogueReward, CompiledProgramme, CompiledRule, Draw, Offer, StampCard, load
from switch.programme.errors import Problem, ProgrammeError, Severity

__all__ = [
    "CatalogueReward",
    "CompiledProgramme",
    "CompiledRule",
    "Draw",
    "Offer",
    "Problem",
    "ProgrammeError",
    "Severity",
    "StampCard",
    "load",
]
