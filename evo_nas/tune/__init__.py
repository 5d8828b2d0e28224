"""Evolution for users of Ray Tune: a searcher for any search space of theirs, or for one of this package.

A `Domain` of Tune becomes a gene, so that the evolution of this package can search what has nothing to do with
networks. `DomainSpace` holds the genes, and `AgingEvolutionSearch` is what a `Tuner` asks.
"""

from evo_nas.tune.aging import AgingEvolutionSearch
from evo_nas.tune.domains import DomainSpace

__all__ = ["AgingEvolutionSearch", "DomainSpace"]
