"""The state machine: every step that members, tills, time and the programme's owner can take, in any order.

To add a step: a function of `tests.ledger.model` that says what must happen, a method of `tests.ledger.run.Run` that
sends the message and hands both to `tell`, and a rule here, or in
`tests.ledger.before` for what comes before a purchase.
"""

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from adapters.postgres import draws
from switch.draws import Prize, PrizeKind
from switch.draws import Terms as DrawTerms
from tests.ledger.before import Before
from tests.ledger.comparing import MEMBERS, Sent
from tests.ledger.entries import PURCHASE, Wish
from tests.ledger.steps import acts, amounts, members, part_of, pick, rewards, shares, wishes, workers
from tests.ledger.terms import DRAW, PROGRAMME, VERSIONS, Purchase, Terms

PROGRAMME_CHANGES_MAX = 2


class Ledger(Before):
    """A run of the machine."""

    def __init__(self) -> None:
        super().__init__()
        self.changes = 0
        self.drawn = False

    # What members buy.

    @initialize(amount=amounts, months=st.integers(0, 2))
    def begin(self, amount: int, months: int) -> None:
        """One has points of several months, the other nothing."""
        for _ in range(months):
            self.told.buy(0, 0, Purchase(amount))
            self.told.wait(31)

    @rule(
        worker=workers, member=members, amount=amounts, tea=st.sampled_from([None, None, 2, 3]),
        mti=st.sampled_from(["0200", "0200", "0201", "0220"]),
    )  # fmt: skip
    def buy(self, worker: int, member: int, amount: int, tea: int | None, mti: str) -> None:
        """A purchase; sometimes the first copy was lost on the way (0201), sometimes the till tells of it later."""
        self.told.buy(worker, member, Purchase(amount, tea=tea), Wish(advice=mti == "0220"), mti)

    @rule(worker=workers, member=members, amount=amounts)
    def have_hair_cut(self, worker: int, member: int, amount: int) -> None:
        """A purchase that brings a stamp, or is the free one."""
        self.told.buy(worker, member, Purchase(amount, "haircut"))

    @rule(worker=workers, member=members, amount=amounts, wish=st.none() | wishes, advice=st.booleans())
    def redeem(self, worker: int, member: int, amount: int, wish: str | None, advice: bool) -> None:
        """A purchase paid by points: all that go, or as many as are said."""
        points = None if wish is None else self._points(member, wish)
        self.told.buy(worker, member, Purchase(amount), Wish(points, by_points=True, advice=advice))

    @rule(worker=workers, member=members, amount=amounts, wish=st.none() | wishes, advice=st.booleans())
    def pay_by_credit(self, worker: int, member: int, amount: int, wish: str | None, advice: bool) -> None:
        """A purchase paid by club credit."""
        credit = None if wish is None else self._credit(member, wish)
        self.told.buy(worker, member, Purchase(amount), Wish(credit=credit, by_credit=True, advice=advice))

    @rule(worker=workers, member=members, amount=amounts, points=wishes, credit=wishes)
    def pay_by_both(self, worker: int, member: int, amount: int, points: str, credit: str) -> None:
        """A purchase in which so many points and so much credit are to go."""
        wish = Wish(self._points(member, points), self._credit(member, credit))
        self.told.buy(worker, member, Purchase(amount), wish)

    @rule(
        worker=workers, member=members, amount=amounts, tea=st.sampled_from([None, None, 1, 2]), reward=rewards,
        wish=st.none() | wishes, advice=st.booleans(), quoted=st.booleans(), times=st.sampled_from([1, 1, 2]),
    )  # fmt: skip
    def choose(
        self, worker: int, member: int, amount: int, tea: int | None, reward: str, wish: str | None, advice: bool,
        quoted: bool, times: int,
    ) -> None:  # fmt: skip
        """A purchase with which the member chooses a reward, or two; the till may ask beforehand what it comes to."""
        points = None if wish is None else self._points(member, wish)
        bought, wanted = Purchase(amount, tea=tea), Wish(points, advice=advice, reward=reward)
        if quoted:
            self.told.quote(worker, member, bought, Wish(points, reward=reward))
        for _ in range(times):
            self.told.buy(worker, member, bought, wanted)

    @rule(member=members, amount=amounts, times=st.integers(2, 4), by_points=st.booleans())
    def buy_at_once(self, member: int, amount: int, times: int, by_points: bool) -> None:
        """Purchases of one member at tills of both workers, at the same time: each sees the one before it.

        They are alike, so that it makes no difference which is first: a run must come to the same whenever it is tried.
        """
        wish = Wish(by_points=by_points)
        self.told.tell_at_once(
            [(number % 2, *self.told.purchase(member, Purchase(amount), wish)) for number in range(times)]
        )

    @rule(worker=workers, member=members, known=st.booleans())
    def happen(self, worker: int, member: int, known: bool) -> None:
        """An event without a purchase."""
        self.told.happen(worker, member, known=known)

    @rule(worker=workers, member=members)
    def ask_for_balance(self, worker: int, member: int) -> None:
        """An inquiry moves nothing, and counts no lot that is over."""
        self.told.ask_for_balance(worker, member)

    # What is undone.

    @precondition(lambda self: self.told.refundable())
    @rule(worker=workers, original=pick("refundable"), share=shares)
    def refund(self, worker: int, original: Sent, share: str) -> None:
        """Bring something back, in parts or whole, or more than there is."""
        self.told.refund(worker, original, part_of(original.entry.rest, share))

    @precondition(lambda self: self.told.touched())
    @rule(worker=workers, original=pick("touched"), share=shares)
    def refund_more(self, worker: int, original: Sent, share: str) -> None:
        """Bring back more of what was brought back in part, or whose refund was taken back."""
        self.told.refund(worker, original, part_of(original.entry.rest, share))

    @precondition(lambda self: self.told.reversible())
    @rule(worker=workers, original=pick("reversible"), mti=st.sampled_from(["0400", "0401", "0420"]), kept=shares)
    def reverse(self, worker: int, original: Sent, mti: str, kept: str) -> None:
        """Take a message back, soon or late: all of it, or (DE95) what is above the amount that really happened."""
        in_part = original.entry.kind == PURCHASE and kept not in ("all", "one")
        self.told.reverse(worker, original, part_of(original.entry.rest, kept) if in_part else 0, mti)

    @precondition(lambda self: self.told.refunds())
    @rule(worker=workers, original=pick("refunds"))
    def reverse_refund(self, worker: int, original: Sent) -> None:
        """Take a refund back."""
        self.told.reverse(worker, original)

    @precondition(lambda self: self.told.transfers())
    @rule(worker=workers, original=pick("transfers"))
    def reverse_transfer(self, worker: int, original: Sent) -> None:
        """Take a transfer back."""
        self.told.reverse(worker, original)

    @precondition(lambda self: self.told.refundable())
    @rule(worker=workers, original=pick("refundable"), acts=st.lists(acts, min_size=2, max_size=6))
    def change_mind(self, worker: int, original: Sent, acts: list[str]) -> None:
        """Refunds of one purchase, some taken back, in a row, with months between them."""
        for act in acts:
            if original not in self.told.known():
                break
            if act == "wait":
                self.told.wait(31)
            elif act != "back":
                self.told.refund(worker, original, part_of(original.entry.rest, act))
            else:
                mine = [s for s in self.told.refunds() if s.entry.original is original.entry]
                for latest in mine[-1:]:
                    self.told.reverse(worker, latest)

    @precondition(lambda self: self.told.reversed())
    @rule(worker=workers, original=pick("reversed"))
    def reverse_again(self, worker: int, original: Sent) -> None:
        """Take something back for the second time."""
        self.told.reverse_again(worker, original)

    @rule(worker=workers, other=workers, member=members, amount=amounts, a_hold=st.booleans())
    def reverse_before_it_comes(self, worker: int, other: int, member: int, amount: int, a_hold: bool) -> None:
        """Take something back that comes later."""
        self.told.reverse_before_it_comes(worker, other, member, amount, a_hold=a_hold)

    # Copies.

    @precondition(lambda self: self.told.known())
    @rule(worker=workers, first=pick("known"))
    def repeat(self, worker: int, first: Sent) -> None:
        """Send a message again, to either worker."""
        self.told.repeat(worker, first)

    @precondition(lambda self: self.told.known())
    @rule(worker=workers, first=pick("known"))
    def forge(self, worker: int, first: Sent) -> None:
        """Send something else under the key of a message."""
        self.told.forge(worker, first)

    # Points that change hands.

    @rule(worker=workers, giver=members, wish=wishes)
    def transfer(self, worker: int, giver: int, wish: str) -> None:
        """Points to the other member."""
        self.told.transfer(worker, giver, self._points(giver, wish))

    @rule(worker=workers, member=members, wish=wishes)
    def convert(self, worker: int, member: int, wish: str) -> None:
        """Points into credit."""
        self.told.convert(worker, member, self._points(member, wish))

    # What happens around them.

    @rule(days=st.sampled_from([1, 1, 2, 3, 13, 14, 20, 31, 70]))
    def wait(self, days: int) -> None:
        """Days pass, at times so many that points expire."""
        self.told.wait(days)

    @rule(step=st.sampled_from(["end of the month", "tier year", "tier year", "grace"]), before=st.booleans())
    def wait_for_the_calendar(self, step: str, before: bool) -> None:
        """The last day on which something still is as it was, or the first one on which it isn't."""
        self.told.wait_for(step, days_before=int(before))

    @rule(member=members)
    def keep_up(self, member: int) -> None:
        """The upkeep job comes by."""
        self.told.tell_upkeep(member)

    @precondition(lambda self: self.changes < PROGRAMME_CHANGES_MAX)
    @rule(terms=st.sampled_from(VERSIONS), really=st.sampled_from([False, False, True]))
    def change_programme(self, terms: Terms, really: bool) -> None:
        """Another version goes live, by maker and checker. Not often: it takes as long as ten messages."""
        if really and terms is not self.told.terms:
            self.bench.change_programme(terms)
            self.changes += 1

    @precondition(lambda self: not self.drawn and any(self.told.tickets().values()))
    @rule(prizes=st.integers(1, 2))
    def draw(self, prizes: int) -> None:
        """The draw is closed with the tickets of this moment and revealed by another; no account moves."""
        self.drawn = True
        terms = DrawTerms(tuple(Prize(PrizeKind.POINTS, 1_000) for _ in range(prizes)), repeat=True)
        try:
            self.bench.run(draws.close(self.bench.url, PROGRAMME, DRAW, terms, user="sara"))
            rows = self.bench.rows("SELECT shard, account, last - first + 1 AS tickets FROM draw_ticket")
            held = {(row["shard"], row["account"]): row["tickets"] for row in rows}
            places = [(token.shard, token.id) for token in self.told.tokens]
            assert {number: held.get(places[number], 0) for number in range(MEMBERS)} == self.told.tickets()
            drawn, is_new = self.bench.run(draws.reveal(self.bench.url, PROGRAMME, DRAW, user="reza"))
            assert is_new
            assert [prize.state for prize in drawn.prizes] == [draws.OWED] * prizes
            assert sum(held.values()) == drawn.announced.tickets
        finally:
            # A draw is closed once, and the next run must find it open.
            for table in ("draw_prize", "draw_ticket", "draw"):
                self.bench.rows(f"DELETE FROM {table}")
        self.told.unmoved()
