"""Simple models that a search has to beat: each is fitted in seconds and learns from the training part, as networks do.

`Prepared.of` hands them the training and the test part of what a task has read, so that they never see the validation
part; forecasts read the values before them, in whichever part these are.

`fitting` fits them one after the other. `classifiers` are for classes of sequences and steps, `regressors` for numbers,
`token_classifiers` for texts and tags, `ngrams` for language models, `forecasters` and `panel_baselines` for series.
`random_features` learns a linear `readout` of `random_convolutions` or of a reservoir, `ridge` is the linear regression
on windows, which `forecast_maps` makes one map of what a network reads, `statistical_forecasters` are exponential
smoothing and Theta, and `generic` chooses for a data set that consists only of arrays.

What was fitted is a `fitted_models.BaselineModel`, where it can be: arrays that answer as a network does. `keeping`
writes it to files, and reads it back.
"""
