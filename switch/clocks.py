"""The clock that follows the messages: a story of months runs over the wire in seconds.

It is for tests, demonstrations and training. A switch that serves members keeps the wall's time, since with this clock
whoever writes DE7 decides when points expire.
"""

from time import time

from protocol.message import Message
from protocol.session import Session
from switch.authorise import Authoriser, Decline
from switch.calendars import nearest_moment
from switch.transaction import Link, Transaction


class MessageClock:
    """Epoch seconds of the message heard last; the wall's time before the first one."""

    def __init__(self) -> None:
        self._now_s = time()

    def __call__(self) -> float:
        """The time in epoch seconds."""
        return self._now_s

    def hear(self, sent: object) -> None:
        """Take DE7 as the time; what is no DE7 changes nothing. Its year is the one nearest to the time before it."""
        moment = nearest_moment(sent, self._now_s)
        if moment is not None:
            self._now_s = moment


class FollowingAuthoriser(Authoriser):
    """An authoriser whose clock hears each message before the message is looked at."""

    def admit(
        self, message: Message, session: Session, link: Link, header: bytes, received: float
    ) -> Transaction | Decline:
        """Set the clock by DE7, then do what any authoriser does."""
        assert isinstance(self._clock, MessageClock)
        self._clock.hear(message.fields.get(7))
        return super().admit(message, session, link, header, received)
