"""The best of a run: chosen, retrained beside an equal LSTM, judged, exported.

Whatever the search believed, a champion is trained again from scratch with several seeds, next to an LSTM of about the
same size with the same epochs and its own choice of learning rate; the test split is looked at here for the first time.
"""
