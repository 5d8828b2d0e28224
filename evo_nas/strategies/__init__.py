"""How the next genome is chosen: ask a strategy for candidates, tell it their evaluations.

Every strategy sees the same thing, a vector of bounded integers per candidate, and its state is a pure function of
what it was told; so any of them can be stopped, resumed, verified and compared on equal terms. A strategy of
one's own is one class, registered by `evo_nas.strategies.registry.register_strategy` and tested by
`evo_nas.testing`.
"""
