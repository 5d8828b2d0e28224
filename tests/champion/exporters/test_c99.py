"""Networks as C: compiled strictly, and compared with the model."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pytest
import torch

from evo_nas.champion.export import write_export
from evo_nas.champion.exporters.c99 import cells
from evo_nas.champion.exporters.c99 import compiled as compiled_files
from evo_nas.champion.exporters.c99.compiled import STRICT, Compiled, compile_files, find_compiler
from evo_nas.champion.exporters.c99.file import CFile, c_file, c_name
from evo_nas.champion.exporters.checking import Unchecked
from evo_nas.errors import ChampionError
from evo_nas.genome.architecture import Architecture, Forecast, Head, Layer, Norm, Pooling, Signature
from evo_nas.genome.blocks import Columns, Context, Front, Shortcut
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.genome.footprint import state_bytes
from evo_nas.genome.ops import Op
from evo_nas.models.ensemble import Link, Model, model_of
from evo_nas.models.network import Network
from evo_nas.tasks.answers import ClassAnswers, NumberAnswers
from evo_nas.tasks.preparation import Preparation
from evo_nas.tasks.raw_inputs import NumericInputs, TokenInputs
from evo_nas.tasks.raw_windows import WindowInputs
from evo_nas.testing.champions import tiny_champion
from tests.models.test_any_architecture import SPACES, inputs_for
from tests.models.test_streaming import FORECAST, SERIES, TEXT, with_weights

GRU = NAMED_CELLS["gru"]
LABELS = Signature(features=3, outputs=4, per_step=True, steps=6)
NEXT = Signature(features=0, vocabulary=7, outputs=7, per_step=True, predicts_inputs=True)
MOST_STEPS = 80  # longer than in training, and than the window of attention
TOLERANCE = 1e-4  # relative to outputs of about 1, of sums of float32 in another order
BOTH = {"bidirectional": True}
PLAIN = Architecture((Layer(GRU, 4),))

pytestmark = pytest.mark.skipif(find_compiler() is None, reason="there is no C compiler here")


def layered(*layers: Layer, **parts: object) -> Architecture:
    return Architecture(layers, **parts)


BLOCKS: dict[str, tuple[Architecture, Signature]] = {
    **{f"cell {name}": (layered(Layer(cell, 4)), SERIES) for name, cell in NAMED_CELLS.items()},
    **{f"pooling {each}": (layered(Layer(GRU, 4), head=Head(each)), SERIES) for each in Pooling},
    **{f"context {each}": (layered(Layer(GRU, 9, context=each)), SERIES) for each in Context},
    **{
        f"context {each}, both ways": (layered(Layer(GRU, 9, context=each, **BOTH)), SERIES)
        for each in Context
    },
    "period": (layered(Layer(GRU, 4, period=2)), SERIES),
    "period, both ways": (layered(Layer(GRU, 4, period=3, **BOTH)), SERIES),
    "norm of the output": (layered(Layer(GRU, 4, norm=Norm.LAYER, residual=True)), SERIES),
    "norm of the input": (layered(Layer(GRU, 3, norm=Norm.BEFORE, residual=True)), SERIES),
    "skips": (
        layered(Layer(GRU, 4), Layer(GRU, 3), Layer(GRU, 4, skip=1), head=Head(skip=0, hidden=3)),
        SERIES,
    ),
    "skips, both ways": (
        layered(Layer(GRU, 4, **BOTH), Layer(GRU, 3), Layer(GRU, 4, skip=1), head=Head(Pooling.MEAN, skip=0)),
        SERIES,
    ),
    **{
        f"front {front}": (layered(Layer(GRU, 4), front=Front.of(front)), SERIES)
        for front in ("differences", "segments 3", "convolution 3", "convolution 4/2")
    },
    **{
        f"shortcut {each}": (layered(Layer(GRU, 4), shortcut=Shortcut.of(each)), SERIES)
        for each in ("flat", "pooled")
    },
    **{
        f"forecast {forecast}, shortcut {each}": (
            layered(Layer(GRU, 4), shortcut=Shortcut.of(each), forecast=forecast),
            FORECAST,
        )
        for each in ("none", "shared", "full")
        for forecast in Forecast
    },
    **{f"segment {each}": (layered(Layer(GRU, 4), head=Head(segment=each)), FORECAST) for each in (1, 3)},
    "segment and mean": (layered(Layer(GRU, 4), Layer(GRU, 5), head=Head(Pooling.MEAN, segment=1)), FORECAST),
    "segment, both ways": (layered(Layer(GRU, 5, **BOTH), head=Head(segment=1)), FORECAST),
    "columns apart": (layered(Layer(GRU, 4), columns=Columns.APART), FORECAST),
    "columns apart in segments": (
        layered(
            Layer(GRU, 4), Layer(GRU, 5), head=Head(segment=1), columns=Columns.APART, forecast="relative"
        ),
        FORECAST,
    ),
    **{
        f"tokens, front {front}": (layered(Layer(GRU, 4), embedding=4, front=Front.of(front)), TEXT)
        for front in ("none", "ngrams 1-3 x 9", "subwords 1-2 x 9", "convolution 3", "convolution 3/2")
    },
    **{
        f"tokens, shortcut {each}": (layered(Layer(GRU, 4), embedding=4, shortcut=Shortcut.of(each)), TEXT)
        for each in ("ngrams 1-1 x 9", "ngrams 2-4 x 9")
    },
    "tied": (layered(Layer(GRU, 4), embedding=4, tied=True), NEXT),
    "tied and projected": (
        layered(Layer(GRU, 5), embedding=4, tied=True, shortcut=Shortcut.of("ngrams 1-2 x 9")),
        NEXT,
    ),
    "a label a step": (layered(Layer(GRU, 4)), LABELS),
    "a label a step, both ways": (layered(Layer(GRU, 4, **BOTH)), LABELS),
}
DRAWN = [(kind, seed) for kind in SPACES for seed in (5, 6)]


def compiled(folder: Path, files: list[CFile]) -> list[Compiled]:
    """Compiles files strictly, and lets windows be longer than in training."""
    sources = []
    for file in files:
        sources.append(folder / f"{file.name}.c")
        sources[-1].write_text(file.source)
    longer = [f"-D{file.name.upper()}_MAX_STEPS={MOST_STEPS}" for file in files if not file.streams]
    compiler = find_compiler()
    assert compiler is not None
    compile_files(compiler, sources, folder / "models.so", flags=["-O0", *longer])
    return [Compiled(folder / "models.so", file) for file in files]


def drawn(kind: str, seed: int) -> Model:
    """One network or three, of any architecture of a space."""
    space = SPACES[kind]
    torch.manual_seed(seed)
    networks = [
        with_weights(Network(space.decode(space.random(Random(seed))), space.signature))
        for _ in range(1 + 2 * (seed % 2))
    ]
    return model_of(networks, link=Link.VALUES, shares=range(1, len(networks) + 1))


@pytest.fixture(scope="module")
def exported(tmp_path_factory) -> dict[object, tuple[Model, CFile, Compiled]]:
    """Every block and some drawn architectures, in one library."""
    torch.manual_seed(1)
    models: dict[object, Model] = {
        name: with_weights(Network(architecture, signature))
        for name, (architecture, signature) in BLOCKS.items()
    }
    # What reads whole texts needs to know how long they are.
    models |= {(kind, seed): drawn(kind, seed) for kind, seed in DRAWN}
    files = [c_file(model, None, Link.VALUES, name=f"n{at}") for at, model in enumerate(models.values())]
    libraries = compiled(tmp_path_factory.mktemp("c"), files)
    return dict(zip(models, zip(models.values(), files, libraries, strict=True), strict=True))


def assert_equal(found, wanted) -> None:
    np.testing.assert_allclose(found, wanted, rtol=TOLERANCE, atol=TOLERANCE)


@pytest.mark.parametrize("name", [*BLOCKS, *DRAWN], ids=str)
def test_c_gives_the_outputs_of_the_model_at_every_length(name, exported) -> None:
    model, _, library = exported[name]
    for steps in (1, 2, 6, MOST_STEPS):
        inputs = inputs_for(model.signature, batch=1, time=steps)
        with torch.no_grad():
            wanted = model(inputs)[0].numpy()
        assert_equal(library.whole(inputs[0].numpy(), per_step=model.signature.per_step), wanted)


@pytest.mark.parametrize(
    "name", ["cell lstm", "pooling attention", "context memory", "forecast change, shortcut shared"]
)
def test_a_thousand_steps_give_the_outputs_for_each_sequence_so_far(name, exported) -> None:
    model, file, library = exported[name]
    assert file.streams
    inputs = inputs_for(model.signature, batch=1, time=1000)
    answers = library.every_step(inputs[0].numpy())
    with torch.no_grad():
        for steps in (1, 2, 10, 63, 64, 65, 500, 1000):
            assert_equal(answers[steps - 1], model(inputs[:, :steps])[0].numpy())


def test_a_thousand_labels_are_those_of_the_model(exported) -> None:
    model, _, library = exported["a label a step"]
    inputs = inputs_for(model.signature, batch=1, time=1000)
    with torch.no_grad():
        assert_equal(library.every_step(inputs[0].numpy()), model(inputs)[0].numpy())


def test_a_window_that_is_empty_or_too_long_is_refused(exported) -> None:
    _, _, library = exported["front segments 3"]
    for steps in (0, MOST_STEPS + 1):
        with pytest.raises(ChampionError, match=f"window of {steps} steps"):
            library.whole(np.zeros((steps, 3), np.float32))


@pytest.mark.parametrize(
    "name", ["cell lstm", "pooling mean", "pooling attention", "period", "context memory"]
)
def test_the_state_is_as_large_as_the_search_counted(name, exported) -> None:
    model, file, _ = exported[name]
    assert file.state_bytes == state_bytes(model.architecture, model.signature)
    assert file.weight_bytes == 4 * sum(parameter.numel() for parameter in model.parameters())
    assert f"state {file.state_bytes}" in file.source


@pytest.mark.parametrize("link", list(Link))
def test_an_ensemble_answers_on_the_scale_of_its_link(link, tmp_path) -> None:
    model = model_of([with_weights(Network(PLAIN, SERIES)) for _ in range(3)], link=link, shares=[1, 2, 3])
    (library,) = compiled(tmp_path, [c_file(model, None, link, name="ensemble")])
    inputs = inputs_for(SERIES, batch=1, time=5)
    with torch.no_grad():
        outputs = model(inputs)[0]
    answers = {Link.VALUES: outputs, Link.CLASSES: outputs.softmax(-1), Link.LABELS: outputs.sigmoid()}
    assert_equal(library.whole(inputs[0].numpy()), answers[link].numpy())


@pytest.mark.parametrize(("missing", "masked"), [("mask", (2, 0)), ("previous", ()), ("refuse", ())])
def test_raw_values_become_probabilities_as_in_python(missing, masked, tmp_path) -> None:
    signature = replace(SERIES, features=3 + 2 * len(masked))
    network = with_weights(Network(PLAIN, signature))
    inputs = NumericInputs((1e4, -2.0, 0.5), (3.0, 0.1, 1e60), ("a", 'b */ "x"', "ü??/"), missing, masked)
    preparation = Preparation(inputs, ClassAnswers(("yes\\", "no\n")))
    (library,) = compiled(tmp_path, [c_file(network, preparation, Link.CLASSES, name="raw")])
    raw = np.random.default_rng(0).normal(size=(12, 3)) * (3.0, 0.1, 1.0) + (1e4, -2.0, 0.5)
    raw = raw.astype(np.float32)
    if missing != "refuse":
        raw[[3, 4, 9], 0] = raw[5, 2] = np.nan
    prepared = torch.from_numpy(inputs(raw.astype(np.float64)))[None]
    with torch.no_grad():
        wanted = preparation.answers.probabilities(network(prepared).numpy())[0]
    assert_equal(library.whole(raw), wanted)


@pytest.mark.parametrize("forecast", [Forecast.VALUE, Forecast.RELATIVE])
def test_a_forecast_has_units_and_ordered_quantiles(forecast, tmp_path) -> None:
    signature = Signature(features=2, outputs=6, horizon=3, steps=5, last_values=(1, 1))
    network = with_weights(Network(replace(PLAIN, forecast=forecast), signature))
    inputs = WindowInputs(5, NumericInputs((10.0, 20.0), (2.0, 4.0), ("load", "heat"), "previous"), 3)
    answers = NumberAnswers((20.0,), (4.0,), ("heat",), horizon=3, quantiles=(0.1, 0.5))
    (library,) = compiled(tmp_path, [c_file(network, Preparation(inputs, answers), Link.VALUES, name="heat")])
    series = np.random.default_rng(0).normal(15, 4, size=(5, 2)).astype(np.float32)
    series[2, 0] = np.nan
    prepared, _ = inputs.raw([series])
    with torch.no_grad():
        wanted = answers.every_level(network(torch.from_numpy(prepared)).numpy())[0]  # (horizon, 1, levels)
    found = library.whole(series).reshape(wanted.shape)
    assert_equal(found, wanted)
    assert (np.diff(found, axis=-1) >= 0).all()


def test_a_program_finds_what_it_needs_in_the_header(tmp_path) -> None:
    network = with_weights(Network(replace(PLAIN, embedding=4), replace(TEXT, vocabulary=3)))
    preparation = Preparation(TokenInputs(("<unknown>", "höhe", "b")), ClassAnswers(("low", "mid", "high")))
    file = c_file(network, preparation, Link.CLASSES, name="words")
    (tmp_path / "words.c").write_text(file.source)
    (tmp_path / "words.h").write_text(file.header)
    (tmp_path / "main.c").write_text("""
#include <stdio.h>
#include "words.h"
int main(void)
{
    const char *text[] = {"b", "h\\303\\266he", "other"};
    const float *answer = 0;
    words_reset();
    for (int i = 0; i < 3; i++) {
        answer = words_step(words_id(text[i]));
    }
    for (int i = 0; i < WORDS_OUTPUTS; i++) {
        printf("%s %.6f\\n", words_classes[i], (double)answer[i]);
    }
    return 0;
}
""")
    sources = [str(tmp_path / name) for name in ("main.c", "words.c")]
    subprocess.run([find_compiler(), *STRICT, "-o", str(tmp_path / "main"), *sources, "-lm"], check=True)
    said = subprocess.run([tmp_path / "main"], check=True, capture_output=True, text=True).stdout.split()
    with torch.no_grad():
        wanted = network(torch.tensor([[2, 1, 0]])).softmax(-1)[0].numpy()
    assert said[::2] == ["low", "mid", "high"]
    assert_equal(list(map(float, said[1::2])), wanted)


def test_what_reads_whole_texts_of_any_length_is_refused_by_name() -> None:
    architecture = Architecture((Layer(GRU, 4, bidirectional=True),), embedding=4)
    network = Network(architecture, replace(TEXT, steps=0))
    with pytest.raises(ChampionError, match=r"layers\[0\] is bidirectional"):
        c_file(network, None, Link.CLASSES, name="text")


def test_weights_that_are_no_numbers_are_refused() -> None:
    network = Network(PLAIN, SERIES)
    torch.nn.init.constant_(network.head.output.bias, torch.inf)
    with pytest.raises(ChampionError, match="output_bias hold a number that is not finite"):
        c_file(network, None, Link.VALUES, name="broken")


@pytest.mark.parametrize(
    ("text", "name"),
    [("Pen digits", "pen_digits"), ("3d/run-1", "model_3d_run_1"), ("float", "model_float"), ("…", "model")],
)
def test_any_text_becomes_a_name_of_c(text, name) -> None:
    assert c_name(text) == name


def test_an_export_without_a_compiler_is_written_and_marked_unchecked(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    export = write_export(tiny_champion("classes"), tmp_path / "out", kind="c")
    assert isinstance(export.check, Unchecked)
    assert "no C compiler" in export.check.reason
    assert {path.name for path in export.files} == {"classes.c", "classes.h", "manifest.json"}


def test_a_compiler_that_takes_too_long_is_one_clear_error(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(compiled_files, "LIMIT_S", 0.0)
    with pytest.raises(ChampionError, match=r"took more than 0\.0 s, so nothing was written"):
        write_export(tiny_champion("classes"), tmp_path / "out", kind="c")
    assert not (tmp_path / "out").exists()


def test_an_export_with_other_answers_is_refused(tmp_path, monkeypatch) -> None:
    monkeypatch.setitem(cells._FORMULAS, Op.TANH, lambda operands: f"0.9f * tanhf({operands[0]})")
    with pytest.raises(ChampionError, match="differ from the model's"):
        write_export(tiny_champion("classes"), tmp_path / "out", kind="c")
    assert not (tmp_path / "out").exists()
