"""prizes.yaml: what a draw is for, read with the line of every mistake.

repeat: false                    # a member wins at most once; the default
public_entropy: hash of the first Bitcoin block found after 2026-12-20 09:00 UTC   # optional
prizes:                          # drawn in this order
  - {thing: {fa: دوچرخه, en: a bicycle}}
  - {points: 10000, count: 5}    # five prizes
  - {credit: 5000000, count: 10} # minor units of the programme's currency
"""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from adapters.postgres.load_files import Problems, read_yaml
from switch.draws import PRIZES_MAX, Prize, PrizeKind, Terms

AMOUNT_MAX = 10**15


def _one_line(text: str) -> str:
    if not text.isprintable() or text != text.strip():
        raise ValueError("must be one line of printable characters, without blanks around it")
    return text


Text = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_one_line)]
Amount = Annotated[int, Field(ge=1, le=AMOUNT_MAX)]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


class ThingEntry(_Entry):
    """What a thing is called, in both languages."""

    fa: Text
    en: Text


class PrizeEntry(_Entry):
    """`count` prizes of one kind."""

    points: Amount | None = None
    credit: Amount | None = None
    thing: ThingEntry | None = None
    count: Annotated[int, Field(ge=1, le=PRIZES_MAX)] = 1

    @model_validator(mode="after")
    def _is_one_kind(self) -> "PrizeEntry":
        if sum(each is not None for each in (self.points, self.credit, self.thing)) != 1:
            raise ValueError("a prize is either points, credit or a thing")
        return self

    @property
    def prize(self) -> Prize:
        """One of them."""
        if self.thing is not None:
            return Prize(PrizeKind.THING, name_fa=self.thing.fa, name_en=self.thing.en)
        if self.points is not None:
            return Prize(PrizeKind.POINTS, self.points)
        assert self.credit is not None
        return Prize(PrizeKind.CREDIT, self.credit)


class PrizesFile(_Entry):
    """prizes.yaml."""

    prizes: Annotated[list[PrizeEntry], Field(min_length=1)]
    repeat: bool = False
    public_entropy: Text | None = None

    @model_validator(mode="after")
    def _is_bounded(self) -> "PrizesFile":
        if sum(entry.count for entry in self.prizes) > PRIZES_MAX:
            raise ValueError(f"a draw has at most {PRIZES_MAX} prizes")
        return self


def read_terms(path: Path) -> Terms:
    """The terms of a draw from its file. Raises `LoadingError`, which names each mistake with its line."""
    problems = Problems()
    found = read_yaml(path, path.name, PrizesFile, problems)
    problems.refuse_any()
    assert found is not None, "what cannot be read is a problem"
    return Terms(
        prizes=tuple(entry.prize for entry in found.prizes for _ in range(entry.count)),
        repeat=found.repeat,
        entropy_source=found.public_entropy or "",
    )
