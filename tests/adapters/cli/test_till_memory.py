"""What a till remembers."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from adapters.cli.till_memory import SENT_MAX, Memory, NotRemembered, default_path
from adapters.cli.till_messages import TillError
from protocol.message import Message

CARD = "6037990000000006"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "till" / "till.json"


def message(stan: str, mti: str = "0200", **fields: str) -> Message:
    named: dict[int, str | bytes] = {2: CARD, 3: "000000", 4: "000000000007", 7: "1123210508", 11: stan}
    named |= {32: "581672", 37: f"RRN{stan}   ", 41: "T0000001"}
    return Message(mti, named | {int(name.removeprefix("de")): value for name, value in fields.items()})


def test_stans_count_by_terminal_and_begin_again(path: Path) -> None:
    memory = Memory(path)
    assert [memory.next_stan("581672", "T0000001") for _ in range(2)] == ["000001", "000002"]
    assert memory.next_stan("581672", "T0000002") == "000001"
    stored = json.loads(path.read_text())
    stored["stans"]["581672/T0000001"] = 999_999
    path.write_text(json.dumps(stored))
    assert Memory(path).next_stan("581672", "T0000001") == "000001"


def test_two_tills_at_once_never_take_the_same_stan(path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        stans = list(pool.map(lambda _: Memory(path).next_stan("581672", "T0000001"), range(100)))
    assert sorted(stans) == [f"{number:06d}" for number in range(1, 101)]


def test_the_newest_comes_first_and_the_oldest_goes(path: Path) -> None:
    memory = Memory(path)
    for number in range(SENT_MAX + 1):
        memory.remember(message(f"{number:06d}"))
    assert memory.original("581672", "T0000001", None).stan == f"{SENT_MAX:06d}"
    assert memory.original("581672", "T0000001", "RRN000001").stan == "000001"
    with pytest.raises(NotRemembered):
        memory.original("581672", "T0000001", "RRN000000")


def test_only_financial_messages_can_be_taken_back(path: Path) -> None:
    memory = Memory(path)
    memory.remember(message("000001"))
    memory.remember(message("000002", "0100"))
    memory.remember(message("000003", "0400", de90="0200" + "0" * 38))
    assert memory.original("581672", "T0000001", None).stan == "000001"
    assert memory.last("581672", "T0000001", "0400", None, None).original == "0200" + "0" * 38


def test_a_repeat_is_kept_as_its_original(path: Path) -> None:
    memory = Memory(path)
    memory.remember(message("000001", "0201"))
    assert memory.original("581672", "T0000001", None).named.mti == "0200"


def test_another_terminal_knows_nothing_of_it(path: Path) -> None:
    memory = Memory(path)
    memory.remember(message("000001"))
    with pytest.raises(NotRemembered, match="terminal T0000002"):
        memory.original("581672", "T0000002", None)
    with pytest.raises(NotRemembered):
        memory.last("111111", "T0000001", "0200", None, None)


def test_no_card_is_kept_and_others_cannot_read(path: Path) -> None:
    memory = Memory(path)
    memory.remember(message("000001", de35=f"{CARD}=2912", de48="MB01109121234567"))
    text = path.read_text()
    assert CARD not in text
    assert "0912" not in text
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"\xff", b'{"stans": {"a": "b"}, "sent": []}', b'{"stans": {}, "sent": [{}]}'],
)
def test_a_file_that_is_none_of_ours_starts_anew(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    assert Memory(path).next_stan("581672", "T0000001") == "000001"
    assert Memory(path).next_stan("581672", "T0000001") == "000002"


def test_a_place_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TillError, match="XDG_STATE_HOME"):
        Memory(tmp_path / "file" / "till.json").next_stan("581672", "T0000001")


def test_the_place_follows_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert default_path() == tmp_path / "loyalty-switch" / "till.json"
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_path() == tmp_path / ".local" / "state" / "loyalty-switch" / "till.json"
