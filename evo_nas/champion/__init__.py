"""The best of a run: selected, retrained beside an LSTM of the same size, judged and exported.

Whatever the search believed, a champion is trained again from scratch with several seeds, next to an LSTM of about the
same size with the same epochs and its own choice of learning rate; the test split is looked at here for the first time.
Every training is kept in the run when it is done, so that a contest that was interrupted goes on where it was.
"""
