"""`DomainSpace`: a search space of Ray Tune as genes."""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING, Any, cast

from ray.tune.search.sample import Categorical, Domain, Float, Integer, LogUniform, Normal, Quantized, Uniform
from ray.tune.search.variant_generator import parse_spec_vars
from ray.tune.utils import flatten_dict

from evo_nas.errors import ConfigError
from evo_nas.genome.gene import Gene, Genome

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping

    from evo_nas.genome.space import SearchSpace

MOST_CHOICES = 1024
"""More multiples of a quantum, or more whole numbers, than that are thinned out evenly."""


class DomainSpace:
    """The part of `SearchSpace` that strategies use, over the domains of a search space of Tune.

    A number is a gene of ``resolution`` values, evenly spaced in the scale of its sampler, both bounds included; a
    quantised one has the multiples of its quantum, a whole one all whole numbers, if there are no more than that. The
    values of a choice are ordered if they are ascending numbers.

    Args:
        domains: The search space, which may be nested; what is no domain is left to Tune.
        resolution: Values of a continuous number.
        points: Configurations to begin with; a number takes its nearest value.

    Attributes:
        genes: What each position of a genome chooses.

    Raises:
        ConfigError: A domain cannot be enumerated, or a point leaves one out.
    """

    def __init__(
        self,
        domains: Mapping[str, Any],
        *,
        resolution: int = 65,
        points: tuple[Mapping[str, Any], ...] = (),
    ) -> None:
        if resolution < 2:
            raise ConfigError(
                f"resolution is {resolution}; must be at least 2, since both bounds of a number count"
            )
        if grids := parse_spec_vars(dict(domains))[2]:
            raise ConfigError(
                f"{_named(grids[0][0])} is a grid_search, which Tune itself expands; use tune.choice instead"
            )
        _, found, _ = parse_spec_vars(flatten_dict(dict(domains), prevent_delimiter=True))
        self.genes = tuple(_gene(_named(path), domain, resolution) for path, domain in found)
        if not self.genes:
            raise ConfigError(
                "the search space has no domain; give at least one, such as tune.loguniform(1e-4, 0.1)"
            )
        self._seeds = tuple(
            (f"point {number}", self._genome_of(point)) for number, point in enumerate(points, start=1)
        )

    def as_search_space(self) -> SearchSpace:
        """Returns this space under the type that strategies declare, of which they use only what is here."""
        return cast("SearchSpace", self)

    def config(self, genome: Genome) -> dict[str, Any]:
        """Returns the configuration that ``genome`` means, nested as the search space is."""
        flat = {gene.name: gene.choices[value] for gene, value in zip(self.genes, genome, strict=True)}
        nested: dict[str, Any] = {}
        for name, value in flat.items():
            *outer, last = name.split("/")
            section = nested
            for key in outer:
                section = section.setdefault(key, {})
            section[last] = value
        return nested

    def canonical_hash(self, genome: Genome) -> str:
        """Returns what tells ``genome`` from all others."""
        return hashlib.sha256(repr(genome).encode()).hexdigest()[:32]

    def active_genes(self, genome: Genome) -> tuple[int, ...]:  # noqa: ARG002 - all domains always count
        """Returns the positions, ascending, of the genes that can vary."""
        return tuple(place for place, gene in enumerate(self.genes) if gene.size > 1)

    @property
    def regularisation_genes(self) -> frozenset[int]:
        """No domain is known to regularise."""
        return frozenset()

    def is_feasible(self, genome: Genome) -> bool:
        """Whether ``genome`` may be asked; all of them may."""
        return len(genome) == len(self.genes)

    def random(self, rng: random.Random) -> Genome:
        """Returns a genome, each gene drawn uniformly, as the samplers of Tune draw."""
        return tuple(rng.randrange(gene.size) for gene in self.genes)

    def seeds(self) -> tuple[tuple[str, Genome], ...]:
        """Returns the points to begin with by name."""
        return self._seeds

    def _genome_of(self, point: Mapping[str, Any]) -> Genome:
        flat = flatten_dict(dict(point))
        missing = [gene.name for gene in self.genes if gene.name not in flat]
        if missing:
            raise ConfigError(
                f"points_to_evaluate: a point has no {missing[0]}; each needs "
                f"{', '.join(gene.name for gene in self.genes)}"
            )
        return tuple(_place(gene, flat[gene.name]) for gene in self.genes)


def _named(path: tuple[Any, ...]) -> str:
    return "/".join(map(str, path))


def _place(gene: Gene, wanted: object) -> int:
    if wanted in gene.choices:
        return gene.choices.index(wanted)
    numbers = [choice for choice in gene.choices if isinstance(choice, int | float)]
    if len(numbers) < gene.size or not isinstance(wanted, int | float):
        raise ConfigError(f"points_to_evaluate: {gene.name} is {wanted!r}; must be one of {gene.choices}")
    if not numbers[0] <= wanted <= numbers[-1]:
        raise ConfigError(
            f"points_to_evaluate: {gene.name} is {wanted}; must be {numbers[0]} to {numbers[-1]}"
        )
    return min(range(gene.size), key=lambda place: abs(numbers[place] - wanted))


def _gene(name: str, domain: Domain, resolution: int) -> Gene:
    """Returns the gene of a domain.

    Raises:
        ConfigError: Its values cannot be enumerated.
    """
    sampler = domain.get_sampler()
    quantum = None
    if isinstance(sampler, Quantized):
        quantum, sampler = sampler.q, sampler.get_sampler()
    if isinstance(domain, Categorical):
        if any(isinstance(value, Domain | dict | list) for value in domain.categories):
            raise ConfigError(
                f"{name} is a choice between other domains, mappings or lists; give the domains names of their own, "
                "and ignore those that a choice leaves without use"
            )
        return Gene(name, tuple(domain.categories), ordered=_ascends(domain.categories))
    is_logarithmic = isinstance(sampler, LogUniform)
    if not isinstance(domain, Float | Integer) or isinstance(sampler, Normal):
        raise ConfigError(
            f"{name} is {type(domain).__name__} with {type(sampler).__name__}, which has no bounds; use tune.uniform, "
            "loguniform, randint, lograndint, their quantised forms, or tune.choice"
        )
    if not isinstance(sampler, Uniform | LogUniform) or not (
        math.isfinite(domain.lower) and math.isfinite(domain.upper)
    ):
        raise ConfigError(f"{name} must have finite bounds; is {domain.lower} to {domain.upper}")
    if isinstance(domain, Integer):
        # The upper bound of whole numbers is exclusive, unless they are quantised.
        upper = domain.upper if quantum not in (None, 1) else domain.upper - 1
        values: tuple[float, ...] = _multiples(domain.lower, upper, quantum or 1, is_logarithmic)
        return Gene(name, tuple(round(value) for value in values), ordered=True)
    if quantum is not None:
        return Gene(name, _multiples(domain.lower, domain.upper, quantum, is_logarithmic), ordered=True)
    return Gene(name, _spaced(domain.lower, domain.upper, resolution, is_logarithmic), ordered=True)


def _ascends(values: list[Any]) -> bool:
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    return numbers and values == sorted(values)


def _multiples(
    lower: float,
    upper: float,
    quantum: float,
    is_logarithmic: bool,  # noqa: FBT001 - two scales
) -> tuple[float, ...]:
    """Returns the multiples of ``quantum`` from ``lower`` to ``upper``, thinned out if they are too many."""
    tiny = 1e-9 * max(1.0, abs(upper / quantum))
    first, last = math.ceil(lower / quantum - tiny), math.floor(upper / quantum + tiny)
    if last - first < MOST_CHOICES:
        places: list[int] = list(range(first, last + 1))
    else:
        places = sorted({round(value) for value in _spaced(first, last, MOST_CHOICES, is_logarithmic)})
    # Rounded, since 3 * 0.1 is not 0.3.
    return tuple(round(place * quantum, 12) for place in places)


def _spaced(lower: float, upper: float, count: int, is_logarithmic: bool) -> tuple[float, ...]:  # noqa: FBT001
    if lower == upper:
        return (lower,)
    if is_logarithmic:
        exponents = _spaced(math.log(lower), math.log(upper), count, is_logarithmic=False)
        # Exactly the bounds, which exp and log may miss.
        return (lower, *map(math.exp, exponents[1:-1]), upper)
    return tuple(lower + (upper - lower) * step / (count - 1) for step in range(count))
