"""The champion of a run: selected, retrained beside an LSTM of the same size, judged and exported.

The score in the search is not trusted: the champion is trained again from scratch with several seeds, beside an LSTM of
about the same size with the same epochs and its own choice of learning rate. The test split is used here for the first
time. Every finished training is kept in the run, so that an interrupted contest continues where it stopped.
"""
