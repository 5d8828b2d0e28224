"""Domains of Ray Tune as genes."""

from __future__ import annotations

import random

import pytest
from ray import tune

from evo_nas.errors import ConfigError
from evo_nas.tune import DomainSpace


def choices(domain, **options):
    return DomainSpace({"it": domain}, **options).genes[0].choices


def test_numbers_keep_their_bounds_and_their_scale() -> None:
    assert choices(tune.uniform(0.0, 1.0), resolution=5) == (0.0, 0.25, 0.5, 0.75, 1.0)
    assert choices(tune.loguniform(1e-3, 1e-1), resolution=3) == pytest.approx((1e-3, 1e-2, 1e-1))
    assert choices(tune.randint(2, 6)) == (2, 3, 4, 5)
    assert choices(tune.quniform(0.1, 0.5, 0.1)) == (0.1, 0.2, 0.3, 0.4, 0.5)
    assert choices(tune.qrandint(16, 64, 16)) == (16, 32, 48, 64)
    assert choices(tune.qrandint(2, 6, 1)) == (2, 3, 4, 5)
    assert choices(tune.qloguniform(1.0, 4.0, 1.0)) == (1.0, 2.0, 3.0, 4.0)
    assert choices(tune.uniform(2.0, 2.0)) == (2.0,)


def test_every_value_of_a_gene_is_one_that_tune_permits() -> None:
    domains = {
        "a": tune.lograndint(1, 10_000),
        "b": tune.qlograndint(8, 4096, 8),
        "c": tune.randint(-5, 3_000),
        "d": tune.loguniform(1e-5, 1.0),
    }
    for gene in DomainSpace(domains).genes:
        assert gene.ordered
        assert all(domains[gene.name].is_valid(value) for value in gene.choices)
        assert list(gene.choices) == sorted(set(gene.choices))
        assert gene.size <= 1024
    assert max(choices(tune.randint(-5, 3_000))) == 2_999


def test_a_choice_is_ordered_only_if_it_ascends() -> None:
    space = DomainSpace({"a": tune.choice([1, 4, 9]), "b": tune.choice(["x", "y"]), "c": tune.choice([3, 1])})
    assert [gene.ordered for gene in space.genes] == [True, False, False]


def test_nested_spaces_come_back_nested_and_constants_are_left_to_tune() -> None:
    space = DomainSpace({"model": {"width": tune.choice([8, 16])}, "rate": tune.uniform(0, 1), "fixed": 3})
    config = space.config(space.random(random.Random(1)))
    assert set(config) == {"model", "rate"}
    assert config["model"]["width"] in (8, 16)


def test_points_take_the_nearest_values() -> None:
    domains = {"rate": tune.uniform(0.0, 1.0), "kind": tune.choice(["x", "y"])}
    space = DomainSpace(domains, resolution=5, points=({"rate": 0.3, "kind": "y"},))
    assert [space.config(genome) for _, genome in space.seeds()] == [{"rate": 0.25, "kind": "y"}]
    for point, reason in (
        ({"rate": 0.3}, "has no kind"),
        ({"rate": 3.0, "kind": "x"}, "rate is 3.0; must be 0.0 to 1.0"),
        ({"rate": 0.3, "kind": "z"}, "kind is 'z'; must be one of"),
    ):
        with pytest.raises(ConfigError, match=reason):
            DomainSpace(domains, points=(point,))


@pytest.mark.parametrize(
    ("domain", "reason"),
    [
        (tune.randn(), "has no bounds"),
        (tune.sample_from(lambda _: 1), "has no bounds"),
        (tune.grid_search([1, 2]), "is a grid_search"),
        (tune.choice([{"a": 1}, {"b": 2}]), "a choice between other domains"),
    ],
)
def test_what_cannot_be_enumerated_is_refused_by_its_name(domain, reason) -> None:
    with pytest.raises(ConfigError, match=f"^it .*{reason}"):
        DomainSpace({"it": domain})


def test_a_space_without_domains_is_refused() -> None:
    with pytest.raises(ConfigError, match="has no domain"):
        DomainSpace({"fixed": 3})
    with pytest.raises(ConfigError, match="resolution is 1"):
        DomainSpace({"it": tune.uniform(0, 1)}, resolution=1)
