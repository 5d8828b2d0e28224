"""Turns an architecture into a trained network, and a candidate into an outcome.

`prepare` puts a task's arrays on a device once. `train` fits one architecture to them and keeps the weights
that were best on the validation part; each of its steps is a `TrainStep`, which a GPU replays as a graph.
`CandidateEvaluator` is what a worker holds: it decodes a candidate's genome, trains it and reports, in several
threads if need be. Whatever goes wrong in a training is a status of its outcome.
"""
