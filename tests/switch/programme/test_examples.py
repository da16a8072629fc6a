"""The programmes of examples/ are sound, and one of them uses all that there is."""

import re
from pathlib import Path

import pytest

import switch.programme
from cext.programme_table import Effect, Lookup
from switch.programme.document import read
from switch.programme.facts import FACTS, SHAPES
from switch.programme.model import Budget, Choice, Club, Gift, Grant, Reward, Rule, Stamp, Then, Ticket, Uses
from tests.switch.programme.programmes import ROOT

EXAMPLES = sorted((ROOT / "examples").glob("*/programmes/*.yaml"))
FULL = ROOT / "examples" / "bazaar-full" / "programmes" / "bazaar-full.yaml"


def load(path: Path) -> switch.programme.CompiledProgramme:
    numbers: dict[tuple[str, str], int] = {}
    return switch.programme.load(
        path.read_text(encoding="utf-8"), ids=lambda *name: numbers.setdefault(name, len(numbers) + 1)
    )


def test_there_is_one_for_each_kind_of_owner() -> None:
    kinds = {"airline", "bank", "bazaar", "bazaar-full", "chain-store", "clinic", "insurer", "petrol", "restaurant"}
    assert kinds <= {path.parents[1].name for path in EXAMPLES}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_has_no_mistakes(path: Path) -> None:
    programme = load(path)
    assert programme.warnings == ()
    assert programme.name == path.stem.replace("-", "_")


def test_the_full_example_uses_every_fact() -> None:
    facts = {fact for rule in load(FULL).rules for fact in rule.facts}
    assert set(FACTS) <= facts
    assert {re.split(r"[(.]", fact)[0] for fact in facts} >= set(SHAPES)


def test_the_full_example_uses_every_lookup() -> None:
    assert {row[0] for row in load(FULL).kernel.table[4]} == set(Lookup)
    assert "referred" in {fact for rule in load(FULL).rules for fact in rule.facts}


def test_the_full_example_has_about_forty_rules() -> None:
    assert 36 <= len(load(FULL).model.rules) <= 44


def test_the_full_example_uses_every_effect() -> None:
    assert {row[0] for row in load(FULL).kernel.table[3]} == set(Effect)


def test_the_full_example_uses_every_key() -> None:
    content = read(FULL.read_text(encoding="utf-8")).content

    def used(*path: str, of: str = "rules") -> set[str]:
        parts = content[of]
        for step in path:
            parts = [part[step] for part in parts if isinstance(part, dict) and step in part]
        return {key for part in parts if isinstance(part, dict) for key in part}

    def known(part) -> set[str]:
        return {field.alias or name for name, field in part.model_fields.items()}

    assert used() == known(Rule)
    assert used("then") == known(Then)
    assert used("uses") == known(Uses)
    assert used("grant") == known(Grant)
    assert used("budget") | used("budget", of="rewards") == known(Budget)
    assert used("then", "ticket") == known(Ticket)
    assert used("then", "stamp") == known(Stamp)
    assert used("then", "stamp", "reward") == known(Reward)
    assert used(of="rewards") == known(Choice)
    assert used("then", of="rewards") == known(Gift)
    assert used(of="clubs") == known(Club)
    assert set(content) == known(switch.programme.compile.ProgrammeModel)
