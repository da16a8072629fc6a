"""Reference data: who takes part, as one immutable snapshot that a worker looks things up in.

The snapshot is read whole from the store, and replaced whole when the store's `reference_version` has grown.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

from switch.receipts import USUAL_PRINTER, Language, Printer

AUTOMATIC = "automatic"
WIRE = "wire"
"""How an institution closes its business date: at midnight in its time zone, or by a 0800 with DE70 201."""

ACTIVE = 0


@dataclass(frozen=True, slots=True)
class Institution:
    """A bank, a chain or the operator. `code` is DE32; `business_date` is None while it cuts over
    automatically.
    """

    id: int
    code: str
    name: str
    timezone: str
    business_date: dt.date | None
    cut_over: str


@dataclass(frozen=True, slots=True)
class Merchant:
    """A store. `code` is DE42 (15 characters), `category` what its sales count as in a programme's rules."""

    id: int
    code: str
    institution_id: int
    name: str
    category_id: int
    category: str


@dataclass(frozen=True, slots=True)
class Terminal:
    """A till, with all that a message needs to know of its merchant and its institution: one look-up a
    message.

    `code` is DE41, `acquirer` DE32, `merchant_code` DE42. `status` is 0 unless the terminal is blocked.
    `programme_name` is the programme in which a mobile number alone (DE48 MB) is looked up; "" if there is
    none. `receipt_language` is that of the receipt lines (DE62 MS), unless DE48 LG names another; None: no lines.
    """

    id: int
    code: str
    acquirer: str
    status: int
    merchant_id: int
    merchant_code: str
    category_id: int
    institution_id: int
    timezone: str
    business_date: dt.date | None
    programme_name: str
    receipt_language: Language | None = None
    printer: Printer = USUAL_PRINTER


@dataclass(frozen=True, slots=True)
class ProgrammeVersion:
    """A version of a programme that is live or in shadow: its text, and the institutions (ids) whose tills it serves.

    `id` is the programme's, `hash` that of `source`, the YAML text. `slots` are the numbers by kind and name under
    which accounts keep its counters and offers, `clubs` those of its clubs by code.
    """

    id: int
    name: str
    version: int
    hash: str
    source: str
    owner_id: int
    participants: frozenset[int]
    slots: Mapping[tuple[str, str], int] = field(default_factory=dict)
    clubs: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Directory:
    """One state of the reference data. Its look-ups are dictionary look-ups; nothing in it changes."""

    version: int
    institutions: tuple[Institution, ...]
    merchants: tuple[Merchant, ...]
    terminals: tuple[Terminal, ...]
    programmes: tuple[ProgrammeVersion, ...]
    categories: Mapping[str, int]
    shadows: tuple[ProgrammeVersion, ...] = ()
    _terminals: dict[tuple[str, str], Terminal] = field(init=False, repr=False, compare=False)
    _institutions: dict[str, Institution] = field(init=False, repr=False, compare=False)
    _names: dict[tuple[str, str], int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        keep = object.__setattr__
        keep(self, "_terminals", {(t.acquirer, t.code): t for t in self.terminals})
        keep(self, "_institutions", {i.code: i for i in self.institutions})
        names = {("category", name): number for name, number in self.categories.items()}
        names.update({("merchant", m.code): m.id for m in self.merchants})
        names.update({("institution", i.code): i.id for i in self.institutions})
        names.update({("institution", i.name): i.id for i in self.institutions})
        keep(self, "_names", names)

    def __repr__(self) -> str:
        return (
            f"Directory(version={self.version}, institutions={len(self.institutions)}, "
            f"merchants={len(self.merchants)}, terminals={len(self.terminals)}, "
            f"programmes={len(self.programmes)})"
        )

    def terminal(self, acquirer: object, code: object) -> Terminal | None:
        """The terminal that DE32 and DE41 name, or None."""
        return self._terminals.get((acquirer, code))  # type: ignore[arg-type]  # any hashable may be asked for

    def institution(self, code: object) -> Institution | None:
        """The institution that DE32 names, or None."""
        return self._institutions.get(code)  # type: ignore[call-overload,no-any-return]  # any hashable may be asked for

    def identify(self, kind: str, name: str) -> int:
        """The number of a `category`, `merchant` or `institution` that a programme's rule names.

        A merchant is named by its code, an institution by its code or its name. Raises KeyError if there is
        none.
        """
        return self._names[(kind, name)]
