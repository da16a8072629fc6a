"""Check a draw by yourself, with Python 3 and nothing else:

    python3 verify_draw.py tickets.csv closed.json revealed.json

tickets.csv and closed.json were published when the draw was closed, revealed.json when it was revealed: use the copies
that you kept. Prints who won, or what is not true. draws.md says what this proves.
"""

import hashlib
import hmac
import json
import sys
from pathlib import Path


def must(holds: bool, otherwise: str) -> None:
    if not holds:
        sys.exit(f"NOT TRUE: {otherwise}")


tickets, closed_text, revealed_text = (Path(name).read_bytes() for name in sys.argv[1:4])
closed, revealed = json.loads(closed_text), json.loads(revealed_text)
seed, entropy = bytes.fromhex(revealed["seed"]), revealed["public_entropy"]
changed = [name for name, value in closed.items() if revealed.get(name) != value]
must(not changed, f"it was changed after it was closed: {', '.join(changed)}")
must(hashlib.sha256(tickets).hexdigest() == closed["list_sha256"], "this ticket list is the published one")
must(hashlib.sha256(seed).hexdigest() == closed["commitment"], "this seed is the one that was sealed")
must(bool(entropy) == bool(closed["entropy_source"]), "a public value is mixed in just where one was announced")

rows = [line.split(",") for line in tickets.decode("ascii").splitlines()[1:]]
entries = [(int(first), int(last), code) for first, last, code in rows]
ends = [0, *(last for _, last, _ in entries)]
must([first for first, _, _ in entries] == [end + 1 for end in ends[:-1]], "the numbers have no gap and no overlap")
must(all(first <= last for first, last, _ in entries), "whoever is listed has a ticket")
must(len({code for _, _, code in entries}) == closed["members"] == len(entries), "each member stands in the list once")
must(ends[-1] == closed["tickets"], "the list has as many tickets as was told")

winners, gone = [], []
for prize in range(1, len(closed["prizes"]) + 1):
    left, attempt = ends[-1] - sum(last - first + 1 for first, last in gone), 0
    while True:
        text = "|".join([closed["programme"], closed["draw"], closed["list_sha256"], entropy, str(prize), str(attempt)])
        number = int.from_bytes(hmac.new(seed, text.encode(), hashlib.sha256).digest(), "big")
        if number < 2**256 - 2**256 % left:
            break
        attempt += 1
    ticket = number % left + 1
    for first, last in sorted(gone):
        ticket += last - first + 1 if ticket >= first else 0
    entry = next(entry for entry in entries if entry[0] <= ticket <= entry[1])
    winners.append({"prize": prize, "ticket": ticket, "member_code": entry[2]})
    gone += [] if closed["repeat"] else [entry[:2]]
must(winners == revealed["winners"], f"the winners are {json.dumps(winners)}")
for winner in winners:
    print(f"prize {winner['prize']}: ticket {winner['ticket']}, member {winner['member_code']}")
print("true: this list, this seed and these winners belong together")
