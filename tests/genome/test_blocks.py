"""Fronts and shortcuts: how they are written, and which of them fit a task."""

from __future__ import annotations

import pytest

from evo_nas.errors import ConfigError, GenomeError
from evo_nas.genome.architecture import Signature
from evo_nas.genome.blocks import MAX_NGRAM_ROWS, Front, FrontKind, Ngrams, Shortcut, ShortcutKind
from evo_nas.genome.options import SpaceOptions
from evo_nas.genome.space import SearchSpace

FORECAST = Signature(2, 12, last_values=(0, 1), steps=24, horizon=6)
ONE_TARGET = Signature(2, 6, last_values=(0,), steps=24, horizon=6)
SERIES = Signature(3, 4, steps=10)
STEPS = Signature(3, 4, per_step=True, steps=10)
TEXT = Signature(0, 4, vocabulary=50, steps=30)


@pytest.mark.parametrize(
    ("text", "front"),
    [
        ("none", Front()),
        ("segments 8", Front(FrontKind.SEGMENTS, 8)),
        ("convolution 5", Front(FrontKind.CONVOLUTION, 5)),
        ("convolution 5/2", Front(FrontKind.CONVOLUTION, 5, 2)),
        ("ngrams 1-2 x 8192", Front(FrontKind.NGRAMS, ngrams=Ngrams(1, 2, 8192))),
    ],
)
def test_front_is_read_as_it_is_written(text, front) -> None:
    assert Front.of(text) == front
    assert str(front) == text


@pytest.mark.parametrize(
    "text", ["", "segments", "segments -8", "convolution 5/6", "convolution 1", "ngrams 2-1 x 8"]
)
def test_what_is_no_front_is_refused(text) -> None:
    with pytest.raises(GenomeError, match="must be"):
        Front.of(text)


def test_block_that_lacks_its_ngrams_says_that_it_needs_them() -> None:
    with pytest.raises(GenomeError, match="front.ngrams of subwords is None; ngrams and subwords need them"):
        Front(FrontKind.SUBWORDS)
    with pytest.raises(GenomeError, match="shortcut.ngrams of ngrams is None; ngrams needs them"):
        Shortcut(ShortcutKind.NGRAMS)


def test_table_of_ngrams_has_a_limit() -> None:
    with pytest.raises(GenomeError, match=f"{MAX_NGRAM_ROWS + 1} rows; must be 2 to {MAX_NGRAM_ROWS}"):
        Shortcut.of(f"ngrams 1-2 x {MAX_NGRAM_ROWS + 1}")
    assert Shortcut.of("ngrams 1-2 x 64") == Shortcut(ShortcutKind.NGRAMS, Ngrams(1, 2, 64))


@pytest.mark.parametrize(
    ("options", "signature", "message"),
    [
        ({"fronts": ["none", "segments 25"]}, FORECAST, "longer than a sequence, 24 steps"),
        ({"fronts": ["differences"]}, FORECAST, "forecasts: "),
        ({"fronts": ["none", "segments 2"]}, STEPS, "every step has an output"),
        ({"fronts": ["ngrams 1-2 x 64"]}, SERIES, "the inputs are numbers"),
        ({"shortcuts": ["none", "shared"]}, SERIES, "no forecast"),
        ({"shortcuts": ["none", "ngrams 1-2 x 64"]}, FORECAST, "the inputs are numbers"),
        ({"shortcuts": ["flat"]}, TEXT, "no sequence of numbers"),
        ({"segments": [0, 7]}, FORECAST, "longer than the horizon, 6 steps"),
        ({"segments": [0, 2]}, SERIES, "the task is no forecast"),
        ({"periods": [1, 25]}, FORECAST, "longer than a sequence, 24 steps; leave it out, so that 1 is left"),
        (
            {"periods": [4], "fronts": ["none", "segments 8"]},
            FORECAST,
            "has 4, .* longer than what 'segments 8' of space.fronts leaves, 3 steps; permit 1 instead",
        ),
        (
            {"delays": [3], "fronts": ["segments 8"]},
            FORECAST,
            "24 steps, of which space.fronts leave 3; must be",
        ),
        ({"columns": ["apart"]}, SERIES, "no forecast of several targets .* permit 'together' instead"),
        ({"columns": ["apart"]}, ONE_TARGET, "no forecast of several targets"),
        ({"segments": [2]}, SERIES, "space.segments has 2, .* permit 0 instead"),
    ],
)
def test_block_that_does_not_fit_the_task_is_refused_with_its_reason(options, signature, message) -> None:
    with pytest.raises(ConfigError, match=message):
        SearchSpace(SpaceOptions.model_validate(options), signature, epochs=5)


def test_blocks_that_fit_are_choices_in_their_order() -> None:
    options = SpaceOptions.model_validate(
        {"fronts": ["segments 8", "none"], "shortcuts": ["shared", "none", "full"]}
    )
    space = SearchSpace(options, FORECAST, epochs=5)
    choices = {gene.name: gene.choices for gene in space.genes}
    assert choices["front"] == (Front(FrontKind.SEGMENTS, 8), Front())
    assert choices["shortcut"] == (Shortcut(ShortcutKind.SHARED), Shortcut(), Shortcut(ShortcutKind.FULL))


@pytest.mark.parametrize(
    ("signature", "fronts", "shortcuts"),
    [
        (Signature(3, 4, steps=10), ["none", "differences"], ["none"]),
        (Signature(88, 88, per_step=True, steps=120), ["none"], ["none"]),
        (Signature(2, 12, last_values=(0, 1), steps=24, horizon=6), ["none"], ["none", "shared"]),
        (
            Signature(2, 48, last_values=(0, 1), steps=96, horizon=24),
            ["none", "segments 8"],
            ["none", "shared"],
        ),
        (
            Signature(0, 6, vocabulary=3000, steps=30),
            ["none", "ngrams 1-2 x 8192"],
            ["none", "ngrams 1-2 x 8192"],
        ),
        (
            Signature(0, 2, vocabulary=5, steps=81),
            ["none", "ngrams 3-6 x 4096"],
            ["none", "ngrams 3-6 x 4096"],
        ),
        (
            Signature(0, 66, vocabulary=66, per_step=True, predicts_inputs=True),
            ["none"],
            ["none", "ngrams 2-4 x 4096"],
        ),
        (Signature(0, 9000, vocabulary=9000, per_step=True, predicts_inputs=True), ["none"], ["none"]),
    ],
    ids=["series", "music", "short window", "long window", "words", "letters", "next letter", "next word"],
)
def test_choices_that_nobody_asked_for_are_those_that_helped_tasks_of_the_kind(
    signature, fronts, shortcuts
) -> None:
    space = SearchSpace(SpaceOptions(), signature, epochs=5)
    choices = {gene.name: [str(choice) for choice in gene.choices] for gene in space.genes}
    assert (choices["front"], choices["shortcut"]) == (fronts, shortcuts)


@pytest.mark.parametrize(("targets", "horizon", "segments"), [(1, 96, (0,)), (7, 24, (0,)), (7, 96, (0, 24))])
def test_decoder_is_a_choice_unasked_for_long_forecasts_of_several_targets(
    targets, horizon, segments
) -> None:
    signature = Signature(7, targets * horizon, last_values=tuple(range(targets)), steps=96, horizon=horizon)
    genes = {gene.name: gene.choices for gene in SearchSpace(SpaceOptions(), signature, epochs=5).genes}
    assert genes["head.segment"] == segments
