"""The best of a run: chosen, retrained beside an equal LSTM, judged, exported.

Whatever the search believed, a champion is trained again from scratch with several seeds, next to an LSTM of about the
same size with the same epochs and its own choice of learning rate; the test split is looked at here for the first time.
"""

from evo_nas.champion.crown import export_champion, verdict_of
from evo_nas.champion.export import load_champion
from evo_nas.champion.verdict import Contestant, Verdict

__all__ = ["Contestant", "Verdict", "export_champion", "load_champion", "verdict_of"]
