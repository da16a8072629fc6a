"""What pages say is checked: links lead somewhere, examples are real, every setting and limit is there."""

import re
from pathlib import Path

import pytest

from protocol.codec import codec_for
from protocol.codes import PRECEDENCE, RESPONSE_MEANINGS
from protocol.dialect import names
from protocol.framing import framing_for
from protocol.iso93 import ACTION_CODES
from switch.limits import Limits
from switch.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
PAGES = [path.relative_to(ROOT) for path in (*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"))]
WIRE = (ROOT / "docs/wire-profile.md").read_text(encoding="utf-8")
OPERATIONS = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```hex ([\w-]+)\n(.*?)```", WIRE, re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target, anchor in re.findall(r"\]\(([^)#\s]*)(?:#([^)\s]+))?\)", (ROOT / page).read_text(encoding="utf-8")):
        if "://" in target:
            continue
        other = ROOT / page.parent / target if target else ROOT / page
        assert other.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", other.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize(("dialect", "block"), EXAMPLES)
def test_examples_of_the_wire_profile_are_real(dialect: str, block: str) -> None:
    octets = bytes.fromhex("".join(line.partition("#")[0] for line in block.splitlines()))
    splitter = framing_for("length2").splitter()
    ((payload, _),) = splitter.feed(octets)
    assert splitter.pending == 0
    codec = codec_for(dialect)
    message = codec.decode(payload)
    assert codec.encode(message) == payload
    told = dict(re.findall(r"# DE(\d+) .*?  (\S+?)(?:,|$)", block, re.MULTILINE))
    assert told == {str(number): value for number, value in message.fields.items()}


def test_there_are_examples() -> None:
    assert {dialect for dialect, _ in EXAMPLES} == {"iso87-ascii", "iso87-binary"}


def test_the_wire_profile_has_every_response_code_and_its_action_code() -> None:
    rows = dict(re.findall(r"^\| (\d\d) \|.*\| (\d{3}) \|$", WIRE, re.MULTILINE))
    assert rows == dict(ACTION_CODES)
    assert rows.keys() == RESPONSE_MEANINGS.keys()
    assert ", ".join(PRECEDENCE) in WIRE


@pytest.mark.parametrize("dialect", names())
def test_the_wire_profile_has_every_dialect(dialect: str) -> None:
    assert f"`{dialect}`" in WIRE


@pytest.mark.parametrize("name", sorted(Limits.model_fields))
def test_every_limit_is_on_the_page_with_its_default(name: str) -> None:
    default = Limits.model_fields[name].default
    assert f"| `{name}` | {default:,g} |" in OPERATIONS


@pytest.mark.parametrize("name", sorted(set(Settings.model_fields) - {"limits"}))
def test_every_setting_is_on_the_page(name: str) -> None:
    assert f"| `{name}` |" in OPERATIONS
