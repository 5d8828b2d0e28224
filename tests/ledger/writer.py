"""A process to be killed: commits to the run given, and says on its standard output what it did, line by line."""

from __future__ import annotations

import sys
from itertools import count

from evo_nas.ledger import Ledger
from tests.ledger.samples import candidates, evaluations


def say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    with Ledger.open(sys.argv[1]) as ledger:
        history = ledger.history()
        in_flight = [candidate.id for candidate in history.in_flight]
        known = {*in_flight, *(evaluation.candidate.id for evaluation in history.told)}
        fresh = (key for key in count() if key not in known)
        say("ready")
        while True:
            born = [next(fresh), next(fresh)]
            in_flight += born
            say("dispatched", *in_flight)
            told, in_flight = in_flight[:2], in_flight[2:]
            ledger.append(evaluations(*told), born=candidates(*born))
            say("acknowledged", *told)
