"""What a reply tells of a programme beyond legs and balances: tier, stamps, tickets, offers, receipt lines (DE62).

Made right after a decision, while the account still is as that decision left it: later messages of the batch go on from
there. The compiled `Teller` tells all but the receipt lines, which are made here for the tills that print them.
"""

import datetime as dt
from collections.abc import Iterator

from cext._kernel import Account, Decision
from cext._telling import Teller
from cext.reference import counters, grants
from protocol import tlv
from switch.member_data import asked_for
from switch.programme import CompiledProgramme
from switch.programme import Offer as CompiledOffer
from switch.programme.calendar import last_day_of
from switch.receipts import Language, Offer, Printer, Receipt, lines_of

EPOCH = dt.date(1970, 1, 1)
_REWARD = ".reward"


def teller_of(programme: CompiledProgramme) -> Teller:
    """What tells of this programme, made once for each version."""
    offers = [fired.rule.id if fired.rule.grant is not None or fired.coupons else None for fired in programme.rules]
    stamps = [("SP", f"{card.key}:", card.slot, f"/{card.need}") for card in programme.stamps]
    tickets = [("TK", f"{draw.name}:", draw.slot, "") for draw in programme.draws]
    return Teller(programme.tiers, tuple(offers), (*stamps, *tickets))


class Telling:
    """What there is to print of one decision."""

    def __init__(self, programme: CompiledProgramme, account: Account, decision: Decision, local_day: int) -> None:
        self._programme = programme
        self._account = account
        self._decision = decision
        self._local_day = local_day
        self._counters = {slot: value for slot, _, value in counters.unpack(account.counters)}
        self._fired = [programme.rules[index] for index in decision.rule_list]

    def standing(self, teller: Teller, bytes_max: int) -> str:
        """Tier, stamps, tickets and the offers applied, as every reply tells them, in at most so many bytes."""
        return teller.tell(self._account, self._decision, bytes_max)

    def lines(self, language: Language, printer: Printer) -> list[str]:
        """The receipt's lines."""
        return lines_of(self._receipt(), language, printer)

    @property
    def _tier(self) -> str:
        number = self._account.tier
        tiers = self._programme.tiers
        return tiers[number - 1] if 0 < number <= len(tiers) else ""

    def _stamps(self) -> Iterator[tuple[str, int, int]]:
        for card in self._programme.stamps:
            have = self._counters.get(card.slot, 0)
            if have:
                yield card.key, have, card.need

    def _tickets(self) -> Iterator[tuple[str, int]]:
        for draw in self._programme.draws:
            count = self._counters.get(draw.slot, 0)
            if count:
                yield draw.name, count

    def _receipt(self) -> Receipt:
        decision = self._decision
        return Receipt(
            currency=self._programme.currency,
            points_balance=decision.points_balance - decision.points_pending - decision.points_held,
            points_pending=decision.points_pending,
            points_earned=decision.points_earned,
            points_redeemed=decision.points_redeemed,
            credit_balance=decision.credit_balance - decision.credit_held,
            credit_granted=decision.credit_granted,
            credit_spent=decision.credit_spent,
            discount=decision.discount,
            tier=self._tier,
            points_to_next_tier=self._next_tier(),
            stamps=tuple(self._stamps()),
            tickets=tuple(self._tickets()),
            messages=tuple(self._messages()),
            offers=tuple(self._offers()),
            lapsing=tuple(self._lapsing()),
            asks_for=asked_for(self._account.flags, self._account.born),
        )

    def _lapsing(self) -> Iterator[tuple[int, int]]:
        """Points that lapse within the days of notice, and how many days they have left."""
        notice = self._programme.model.point.notice
        if notice is None:
            return
        for month, points in self._account.lot_list:
            if points > 0:
                days_left = (last_day_of(month) - EPOCH).days - self._local_day
                if 0 <= days_left <= notice:
                    yield points, days_left

    def _next_tier(self) -> tuple[str, int] | None:
        for tier in self._programme.model.tiers:
            if tier.from_.points is not None and tier.from_.points > self._account.tier_points:
                return tier.id, tier.from_.points - self._account.tier_points
        return None

    def _messages(self) -> Iterator[dict[str, str]]:
        for fired in self._fired:
            then = fired.rule.then
            message = then.stamp.reward.message if then.stamp and fired.id.endswith(_REWARD) else then.message
            if message is not None:
                yield message.texts

    def live_offers(self) -> Iterator[str]:
        """The rules whose offers are open."""
        return (offer.rule for offer, _ in self._open())

    def _open(self) -> Iterator[tuple[CompiledOffer, grants.Grant]]:
        held = {grant.slot: grant for grant in grants.unpack(self._account.grants)}
        for offer in self._programme.grants:
            grant = held.get(offer.slot)
            if grant is not None and not grant.state and grant.until >= self._local_day:
                yield offer, grant

    def _offers(self) -> Iterator[Offer]:
        """The offers that are open, in the words of their grants."""
        for offer, grant in self._open():
            if offer.message is None:
                continue
            values = {name: f"{value:,}" for name, value in zip(offer.values, grant.values, strict=False)}
            texts = {language: text.format_map(values) for language, text in offer.message.texts.items()}
            yield Offer(texts, grant.until - self._local_day)


def private_data(elements: list[tuple[str, str]], bytes_max: int) -> str:
    """The elements as DE62 takes them on, as many as fit into so many bytes."""
    kept = []
    left = bytes_max
    for tag, value in elements:
        size = len(value.encode())
        if size > tlv.VALUE_BYTES_MAX:
            continue
        left -= tlv.HEAD_BYTES + size
        if left < 0:
            break
        kept.append((tag, value))
    return tlv.build(kept)
