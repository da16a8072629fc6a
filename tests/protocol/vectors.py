"""Messages that other people's software made; see tests/vectors/README.md."""

import json
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "vectors"


@dataclass(frozen=True)
class Vector:
    """One message: what it says, and its bytes."""

    dialect: str
    made_by: str
    note: str
    mti: str
    fields: dict[int, str | bytes]
    data: bytes

    def __str__(self) -> str:
        return f"{self.dialect}: {self.note}"


def load_vectors() -> list[Vector]:
    """All of them."""
    vectors = []
    for path in sorted(FOLDER.glob("*.json")):
        for entry in json.loads(path.read_text()):
            fields: dict[int, str | bytes] = {
                int(number): bytes.fromhex(value) if number in entry["binary"] else value
                for number, value in entry["fields"].items()
            }
            data = bytes.fromhex(entry["hex"])
            vectors.append(Vector(path.stem, entry["made_by"], entry["note"], entry["mti"], fields, data))
    return vectors


VECTORS = load_vectors()
