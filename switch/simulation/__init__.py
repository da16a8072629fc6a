"""What-if: the journal decided again by a draft, and what a rule did to the members who had it.

Pure: histories come in as plain tuples, whoever read them; reports come out as sums of integers, so that the work may
be split among processes in any way without changing a figure.
"""
