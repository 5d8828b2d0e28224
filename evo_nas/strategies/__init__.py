"""Strategies choose the next genomes: ask a strategy for candidates, tell it their evaluations.

Every strategy sees the same: a vector of bounded integers per candidate. Its state is a pure function of what it was
told, so that any strategy can be stopped, resumed, verified and compared on equal terms. A new strategy is one class,
registered by `evo_nas.strategies.registry.register_strategy` and tested by `evo_nas.testing`.
"""
