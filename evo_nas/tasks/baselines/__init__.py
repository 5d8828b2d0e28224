"""Simple models that a search has to beat: each is fitted in seconds, and learns from training and validation part.

`classifiers` are for classes of sequences, steps, texts and tokens, `forecasters` for windows of series, `ridge` is
the linear regression behind them, `ngrams` is for language models, and `generic` chooses among them for a data set
that consists only of arrays.
"""
