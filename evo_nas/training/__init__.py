"""Turns an architecture into a trained network, and a candidate into an outcome.

`prepare` puts a task's arrays on a device once. `train` fits one architecture to them, as a `TrainingConfig` says,
and keeps the weights that were best on the validation part. Each of its steps is a `TrainStep`, which a GPU records
once and replays. `CandidateEvaluator` is what a worker holds: it decodes a candidate's genome, trains the
architecture and reports the outcome, in several threads if need be. A training that goes wrong is a status of its
outcome, never an exception.
"""
