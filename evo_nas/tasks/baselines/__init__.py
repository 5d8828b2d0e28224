"""Simple models that a search has to beat: each is fitted in seconds, and learns from training and validation part.

`fitting` fits them one after the other. `classifiers` are for classes of sequences and steps, `regressors` for numbers,
`token_classifiers` for texts and tags, `ngrams` for language models, `forecasters` and `panel_baselines` for series.
`random_features` learns a linear `readout` of `random_convolutions` or of a reservoir, `ridge` is the linear regression
on windows, `statistical_forecasters` are exponential smoothing and Theta, and `generic` chooses for a data set that
consists only of arrays.
"""
