"""The search space: which genes there are, and what a vector of them means."""

Genome = tuple[int, ...]
"""One small integer per gene of a `SearchSpace`, each in ``range(gene.size)``."""
