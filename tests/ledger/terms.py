"""The programmes of the state machine: a few numbers, the YAML of them, and what they come to.

The arithmetic is written from docs/programmes.md, not from the kernel: that is what makes it a cross-check.
"""

from dataclasses import dataclass

PROGRAMME = "bazaar"
"""The programme in which `seed` makes cards."""
DRAW = "lucky"
CHECK_IN = "checkin"
HELD_OUT = "extra"
REWARDS = ("PURSE", "TENTH", "TEA", "SAMPLE")
FRIDAY = 4
YEAR_BEGINS, MARCH = "march", 3

STAMPS = ("stamp", "cut")
TICKETS = ("ticket", DRAW)
CHECK_INS = ("uses", "checkin/day")

SECONDS = {"minutes": 60, "hours": 3_600, "days": 86_400}

LIFE = 0
"""The period of a counter that is never over."""


@dataclass(frozen=True)
class Purchase:
    """What is bought: minor units, the merchant's category, pieces of tea (None: the till sends no basket)."""

    amount: int
    category: str = "grocery"
    tea: int | None = None
    weekday: int = 0
    stamps: int = 0


@dataclass(frozen=True)
class Reward:
    """What a member may choose: its price in points, and what it gives (0: nothing of that).

    `least_tier`: from this one on (0: anybody). `daily`: once a day.
    """

    code: str
    points: int
    discount: int = 0
    cap: int = 0
    credit: int = 0
    free_tea: bool = False
    least_tier: int = 0
    daily: bool = False

    @property
    def uses(self) -> tuple[str, str]:
        """The counter of its uses."""
        return "uses", f"rewards.{self.code}/day"

    def text(self, tiers: "tuple[tuple[str, int, str], ...]") -> str:
        """The entry in the programme's file."""
        parts = [f"code: {self.code}", f"points: {self.points}"]
        if self.discount:
            parts.append(f"then: {{discount: {self.discount}%, cap: {self.cap}}}")
        elif self.credit:
            parts.append(f"then: {{credit: {self.credit}}}")
        elif self.free_tea:
            parts.append("then: {free: TEA}")
        else:
            parts.append('message: {en: "Hand over a sample"}')
        if self.least_tier:
            parts.append(f'when: tier >= "{tiers[self.least_tier - 1][0]}"')
        if self.daily:
            parts.append("uses: {day: 1}")
        return f"- {{{', '.join(parts)}}}"

    def can_be_had(self, bought: Purchase, tier: int) -> bool:
        """Whether the member and the basket are what it is for."""
        return tier >= self.least_tier and (not self.free_tea or bool(bought.tea))

    def discount_on(self, bought: Purchase) -> int:
        """What it takes off, minor units."""
        if self.free_tea:
            return bought.amount // (bought.tea or 1)
        return min(bought.amount * self.discount // 100, self.cap)


@dataclass(frozen=True)
class Terms:
    """One version of the programme. Rates are per cent; 0 leaves a rule out.

    `points` for each whole `per` paid, worth `value` each until the end of the month `expires` months on.
    """

    name: str
    value: int
    expires: int
    points: int
    per: int
    friday: bool
    discount: int
    discount_from: int
    discount_cap: int
    tea: int
    credit: int
    stamps_needed: int
    tickets: int
    tickets_per: int
    checkin: int
    pending: int
    """Days of the return window; 0: none."""
    tiers: tuple[tuple[str, int, str], ...]
    """Each with its name, the points in a tier year from which on it is reached, and what it multiplies points by."""
    grace: int | None
    """Days of the next tier year for which a tier lives on. None: there are no tier years, and a tier is for life."""
    rewards: tuple[Reward, ...]
    held_out: int
    """Points for every purchase, but for the half of the members who never get them; 0: no such rule."""
    hold: str
    """How long a hold lives, as the file says it; "": as long as it does if the file says nothing."""

    @property
    def text(self) -> str:
        """The programme's file."""
        rules = [f"- id: base\n    then: {{points: {{per: {self.per}, points: {self.points}}}}}"]
        if self.friday:
            rules.append('- id: friday\n    when: weekday == "friday"\n    then: {multiply: 1.5, cap: 30}')
        if self.discount:
            rules.append(
                f"- id: large\n    when: amount >= {self.discount_from}\n"
                f"    then: {{discount: {self.discount}%, cap: {self.discount_cap}}}"
            )
        if self.tea:
            rules.append(f'- id: tea\n    when: qty(sku="TEA") >= 3\n    then: {{discount: {self.tea}}}')
        if self.credit:
            rules.append(f"- id: back\n    then: {{credit: {self.credit}%}}")
        if self.stamps_needed:
            rules.append(
                '- id: barber\n    when: category == "haircut"\n'
                f"    then: {{stamp: {{key: cut, need: {self.stamps_needed}, reward: {{free: CUT}}}}}}"
            )
        if self.tickets:
            rules.append(
                f"- id: lucky\n    then: {{ticket: {{draw: {DRAW}, per: {self.tickets_per}, count: {self.tickets}}}}}"
            )
        rules.append(
            f'- id: checkin\n    when: event == "{CHECK_IN}"\n    uses: {{day: 1}}\n'
            f"    then: {{points: {self.checkin}}}"
        )
        if self.held_out:
            rules.append(f"- id: {HELD_OUT}\n    holdout: 50%\n    then: {{points: {self.held_out}}}")
        pending = f", pending: {self.pending} days" if self.pending else ""
        hold = f"hold: {{lives: {self.hold}}}\n" if self.hold else ""
        tiers = "\n  ".join(
            f"- {{id: {name}, from: {{points: {points}}}, multiply: {rate}}}" for name, points, rate in self.tiers
        )
        rewards = "".join(f"  {reward.text(self.tiers)}\n" for reward in self.rewards)
        rewards = f"rewards:\n{rewards}" if rewards else ""
        grace = f", grace: {self.grace} days" if self.grace else ""
        years = "" if self.grace is None else f"tier_year: {{begins: {YEAR_BEGINS}{grace}}}\n"
        return (
            f"programme: {PROGRAMME}\nowner: KHATAM\ncurrency: 364\ntimezone: Asia/Tehran\n"
            f"point: {{value: {self.value}, expires: {self.expires} months{pending}}}\n{hold}rules:\n  "
            + "\n  ".join(rules)
            + "".join(
                ["\nrewards:", *(f"\n  {reward.text(self.tiers)}" for reward in self.rewards)][: 99 * len(self.rewards)]
            )
            + f"\ntiers:\n  {tiers}\n{years}"
        )

    @property
    def year_begins(self) -> int:
        """The month with which a tier year begins."""
        return MARCH

    @property
    def hold_s(self) -> int:
        """How long a hold lives, seconds."""
        count, unit = (self.hold or "15 minutes").split()
        return int(count) * SECONDS[unit]

    def is_free(self, bought: Purchase) -> bool:
        """Whether the stamp card is full and the purchase is what it gives; without a basket it is all of it."""
        return self._stamped(bought) and bought.stamps >= self.stamps_needed

    def _stamped(self, bought: Purchase) -> bool:
        return bool(self.stamps_needed) and bought.category == "haircut"

    def discount_on(self, bought: Purchase) -> int:
        """Minor units off, at most everything."""
        total = 0
        if self.discount and bought.amount >= self.discount_from:
            total += min(bought.amount * self.discount // 100, self.discount_cap)
        if self.tea and (bought.tea or 0) >= 3:
            total += self.tea
        if self.is_free(bought):
            total += bought.amount
        return min(total, bought.amount)

    def reward(self, code: str) -> Reward | None:
        """What the catalogue has under a code."""
        return next((reward for reward in self.rewards if reward.code == code), None)

    def tier_of(self, points: int) -> int:
        """The highest tier that so many points reach, from 1 on; 0: none."""
        return sum(points >= threshold for _, threshold, _ in self.tiers)

    def points_on(self, paid: int, bought: Purchase, tier: int, *, held_out: bool) -> int:
        """Points for what is really paid, and those that not everybody gets."""
        points = paid // self.per * self.points
        if self.friday and bought.weekday == FRIDAY:
            points += min(points * 3 // 2 - points, 30)
        if tier:
            n, d = (int(part) for part in self.tiers[tier - 1][2].split("/"))
            points = points * n // d
        return points if held_out else points + self.held_out

    def credit_on(self, paid: int) -> int:
        """Club credit for what is really paid, minor units."""
        return paid * self.credit // 100

    def counts_of(self, paid: int, bought: Purchase) -> dict[tuple[str, str], int]:
        """What the purchase adds to the member's counters for life."""
        counts = {}
        if self._stamped(bought):
            counts[STAMPS] = -self.stamps_needed if self.is_free(bought) else 1
        if self.tickets:
            counts[TICKETS] = paid // self.tickets_per * self.tickets
        return {name: count for name, count in counts.items() if count}


PLAIN = Terms(
    "plain", value=100, expires=3, points=1, per=10_000, friday=False, discount=10, discount_from=2_000_000,
    discount_cap=300_000, tea=9_000, credit=3, stamps_needed=3, tickets=1, tickets_per=500_000, checkin=7,
    pending=2, hold="3 hours", tiers=(("silver", 200, "5/4"), ("gold", 700, "3/2")), grace=20,
    rewards=(
        Reward("PURSE", 40, credit=5_000), Reward("TENTH", 25, discount=10, cap=90_000, least_tier=1, daily=True),
        Reward("TEA", 15, free_tea=True), Reward("SAMPLE", 0, daily=True),
    ),
    held_out=2,
)  # fmt: skip
GENEROUS = Terms(
    "generous", value=70, expires=5, points=3, per=9_000, friday=True, discount=33, discount_from=500_000,
    discount_cap=5_000_000, tea=0, credit=7, stamps_needed=2, tickets=2, tickets_per=300_000, checkin=11,
    pending=14, hold="", tiers=(("silver", 600, "4/3"), ("gold", 2_000, "2/1")), grace=0,
    rewards=(
        Reward("PURSE", 100, credit=9_000, daily=True), Reward("TENTH", 1, discount=60, cap=900_000, least_tier=2),
        Reward("SAMPLE", 3),
    ),
    held_out=5,
)  # fmt: skip
MEAN = Terms(
    "mean", value=130, expires=1, points=1, per=25_000, friday=True, discount=0, discount_from=0,
    discount_cap=0, tea=0, credit=0, stamps_needed=0, tickets=0, tickets_per=1, checkin=1,
    pending=0, hold="31 days", tiers=(("silver", 50, "3/2"), ("gold", 500, "7/3")), grace=None,
    rewards=(), held_out=0,
)  # fmt: skip
VERSIONS = (PLAIN, GENEROUS, MEAN)
