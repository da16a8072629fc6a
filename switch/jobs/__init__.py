"""Jobs: what is due by the calendar, as messages that go through the same lanes as a till's.

`due` says what is due on a day, `tasks` makes messages of it, `keys` gives each a key that follows from what it is
about, and `door` sends them down. So a job may be broken off and run again at any point, or run twice at once: the
journal's unique key lets each thing happen once.
"""
