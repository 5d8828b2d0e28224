"""Turns an architecture into a trained network, and a candidate into an outcome.

`prepare` puts a task's arrays on a device once. `train` fits one architecture to them and keeps the weights
that were best on the validation part. `CandidateEvaluator` is what a worker holds: it decodes a candidate's
genome, trains it and reports. Whatever goes wrong in a training is a status of its outcome.
"""
