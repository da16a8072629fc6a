"""Programmes: one YAML file each, validated, and compiled to the table that the kernel walks.

`load(text, ids=…)` is the way in; the language is described in docs, its table in `cext.programme_table`.
"""

from switch.programme.compile import CompiledProgramme, load
from switch.programme.errors import Problem, ProgrammeError

__all__ = ["CompiledProgramme", "Problem", "ProgrammeError", "load"]
