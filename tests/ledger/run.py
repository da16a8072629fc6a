"""What members, tills and time do in a run; each time the model does it as well, and everything is compared."""

from protocol.message import Message
from tests.ledger import model, undoing
from tests.ledger.comparing import NOTHING, Compared, Made, Row, Sent, key_of, tlv
from tests.ledger.entries import APPROVED, INQUIRY, INVALID, OTHER_CONTENT, TRANSFER, Entry, Wish
from tests.ledger.terms import CHECK_IN, Purchase
from tests.wire.running import changed, original_of
from tests.wire.stories import AT_THE_BARBER


class Run(Compared):
    """What happens to two members."""

    # What members and tills do.

    def purchase(
        self, member: int, bought: Purchase, wish: Wish, mti: str = "0200", held: Sent | None = None
    ) -> tuple[Message, Made]:
        """A purchase, and what the model makes of it; `held` is the hold that it names."""
        more = self._wishes(wish) | self._basket(bought)
        if bought.category == "haircut":
            more |= AT_THE_BARBER
        if held is not None:
            more["de90"] = original_of(held.message)
        sent = self.message("0220" if wish.advice else mti, self._code(wish), member, bought.amount, **more)
        named = None if held is None else held.entry
        return sent, lambda: model.purchase(self.members[member], member, self.terms, bought, wish, self.now, named)

    @staticmethod
    def _wishes(wish: Wish) -> dict[str, str]:
        """DE48, if there is anything to say in it."""
        said = (("PT", wish.points), ("CR", wish.credit), ("RW", wish.reward or None))
        wanted = [(tag, value) for tag, value in said if value is not None]
        return {"de48": "".join(tlv(tag, value) for tag, value in wanted)} if wanted else {}

    @staticmethod
    def _basket(bought: Purchase) -> dict[str, str]:
        """DE63, if the till sends it."""
        return {} if bought.tea is None else {"de63": tlv("LI", f"TEA;tea;{bought.tea};{bought.amount}")}

    @staticmethod
    def _code(wish: Wish) -> str:
        return "006000" if wish.by_points else "006500" if wish.by_credit else "000000"

    def buy(
        self, worker: int, member: int, bought: Purchase, wish: Wish | None = None, mti: str = "0200",
        held: Sent | None = None,
    ) -> Sent:  # fmt: skip
        """Send a purchase."""
        return self.tell(worker, *self.purchase(member, bought, wish or Wish(), mti, held))

    def quote(self, worker: int, member: int, bought: Purchase, wish: Wish) -> Sent:
        """Ask what a purchase would come to."""
        more = self._wishes(wish) | self._basket(bought)
        if bought.category == "haircut":
            more |= AT_THE_BARBER
        sent = self.message("0100", "000000", member, bought.amount, **more)
        state = self.members[member]
        return self.tell(worker, sent, lambda: model.quote(state, member, self.terms, bought, wish, self.now))

    def hold(self, worker: int, member: int, amount: int, wish: Wish, mti: str = "0100") -> Sent:
        """Keep points or credit back for a purchase to come."""
        sent = self.message(mti, self._code(wish), member, amount, **self._wishes(wish))
        return self.tell(
            worker,
            sent,
            lambda: model.hold(self.members[member], member, self.terms, amount, wish, key_of(sent), self.now),
        )

    def happen(self, worker: int, member: int, *, known: bool) -> Sent:
        """Send an event that the programme knows, or one that it doesn't."""
        sent = self.message("0200", "950000", member, 0, de48=tlv("EV", CHECK_IN if known else "nothing"))
        return self.tell(worker, sent, lambda: model.event(self.members[member], member, self.terms, known, self.now))

    def ask_for_balance(self, worker: int, member: int) -> Sent:
        """Send an inquiry."""
        sent = self.message("0100", "310000", member, 0)
        return self.tell(worker, sent, lambda: Entry(INQUIRY, member, 0, legs=dict(NOTHING)))

    def refund(self, worker: int, original: Sent, amount: int) -> Sent:
        """Bring something back."""
        member = original.entry.member
        sent = self.message("0200", "200000", member, amount, de90=original_of(original.message))
        return self.tell(
            worker, sent, lambda: undoing.refund(self.members[member], original.entry, amount, self.terms, self.now)
        )

    def reverse(self, worker: int, original: Sent, kept: int = 0, mti: str = "0400") -> Sent:
        """Take a message back, but for what was kept (DE95)."""
        entry = original.entry
        more = {"de95": f"{kept:012d}{0:012d}C00000000C00000000"} if kept else {}
        sent = self.message(mti, "000000", entry.member, 0, de90=original_of(original.message), **more)

        def made() -> Entry:
            if entry.kind == TRANSFER and entry.code == APPROVED:
                return undoing.reverse_transfer(self.members, entry, self.now)
            return undoing.reverse(self.members[entry.member], entry, kept, self.terms, self.now)

        done = self.tell(worker, sent, made)
        if done.entry.code == APPROVED:
            original.reversal = done.heard
        return done

    def reverse_again(self, worker: int, original: Sent) -> None:
        """A second reversal gets the reply of the first, and moves nothing."""
        member, first = original.entry.member, original.reversal
        assert first is not None
        sent = self.message("0400", "000000", member, 0, de90=original_of(original.message))
        heard = self.bench.ask(worker, sent)
        for number in (38, 39, 54, 62):
            assert heard.fields.get(number) == first.fields.get(number)
        self._compare([key_of(sent)], [Row(member, APPROVED, {}, self.members[member], self.now)])

    def reverse_before_it_comes(self, worker: int, other: int, member: int, amount: int, *, a_hold: bool) -> None:
        """A reversal overtakes its purchase or hold, which is refused when it comes."""
        late = (
            self.message("0100", "006000", member, amount) if a_hold else self.message("0200", "000000", member, amount)
        )
        sent = self.message("0400", "000000", member, 0, de90=original_of(late))
        assert self.bench.ask(worker, sent).fields[39] == APPROVED
        state = self.members[member]
        reversal = Row(member, APPROVED, dict(NOTHING), state, self.now)
        self._compare([key_of(sent), key_of(late)], [reversal, Row(member, INVALID, {}, state, self.now)])
        assert self.bench.ask(other, late).fields[39] == INVALID
        self.unmoved()

    def repeat(self, worker: int, first: Sent) -> None:
        """A repeat gets the first one's reply, byte for byte but for its MTI."""
        heard = self.bench.ask(worker, changed(first.message, first.message.mti[:3] + "1"))
        codec = self.bench.tills[worker].codec
        assert codec.encode(heard) == codec.encode(first.heard)
        self.unmoved()

    def forge(self, worker: int, first: Sent) -> None:
        """The same key with other content is refused."""
        amount = int(str(first.message.fields[4])) + 1
        heard = self.bench.ask(worker, changed(first.message, de4=f"{amount:012d}"))
        assert heard.fields[39] == OTHER_CONTENT
        self.unmoved()

    def transfer(self, worker: int, giver: int, count: int) -> Sent:
        """Points to the other member."""
        receiver = 1 - giver
        sent = self.message("0200", "400000", giver, 0, de48=tlv("PT", count), de103=self.pans[receiver])
        return self.tell(worker, sent, lambda: model.transfer(self.members, giver, receiver, count, self.now))

    def convert(self, worker: int, member: int, count: int) -> Sent:
        """Points into credit."""
        sent = self.message("0200", "406065", member, 0, de48=tlv("PT", count))
        return self.tell(worker, sent, lambda: model.convert(self.members[member], member, self.terms, count, self.now))
