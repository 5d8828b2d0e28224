"""Tiny untrained champions: one of every kind of task, and every block of networks in at least one of them."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Literal

import torch

from evo_nas.champion.exporters.exporter import Exportable
from evo_nas.champion.exporters.native import (
    GENOME_FILE,
    Member,
    Provenance,
    native_files,
    weights_of,
)
from evo_nas.data.layout import SeriesLayout
from evo_nas.data.panel_files import PanelColumns
from evo_nas.genome.architecture import (
    Architecture,
    Forecast,
    Head,
    Layer,
    Norm,
    Pooling,
    Signature,
)
from evo_nas.genome.blocks import Columns, Context, Front, Shortcut
from evo_nas.genome.cell import CellGraph, H, X
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.genome.ops import DELAYS, Op
from evo_nas.genome.options import SpaceOptions
from evo_nas.genome.sketch import Sketch
from evo_nas.models.ensemble import Link, model_of
from evo_nas.models.network import Network
from evo_nas.tasks.answers import ClassAnswers, LabelAnswers, NumberAnswers
from evo_nas.tasks.preparation import Preparation
from evo_nas.tasks.raw_inputs import NumericInputs, TokenInputs
from evo_nas.tasks.raw_keys import KeyInputs
from evo_nas.tasks.raw_panels import PanelInputs
from evo_nas.tasks.raw_windows import WindowInputs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evo_nas.data.calendar import Cycle
    from evo_nas.data.holes import Missing

STEPS = 6
"""Longest sequence of the training that the champions claim to have had."""
WORDS = ("<unknown>", "a", "bb", "née", "of the", "gg", "h")
LSTM, GRU = NAMED_CELLS["lstm"], NAMED_CELLS["gru"]


def every_op() -> CellGraph:
    """Returns a cell of two states in which every op occurs, delays of two and three steps among them."""
    sketch = Sketch(states=2)
    driven = sketch.affine(X, H, 2)
    other = sketch(Op.LINEAR, X)
    parts = [
        sketch(op, driven)
        for op in Op
        if op.row.arity[0] == 1 and op not in {Op.LINEAR, Op.MEAN, *DELAYS.values()}
    ]
    parts += [sketch(op, driven, other) for op in (Op.SUBTRACT, Op.MAX, Op.DIVIDE, Op.MUL)]
    parts += [sketch(op) for op in Op if op.row.arity == (0, 0)]
    parts += [sketch(Op.BLEND, sketch(Op.SIGMOID, other), driven, H)]
    parts += [sketch(Op.DELAY_2, H), sketch(Op.DELAY_3, 2)]
    joined = sketch(Op.TANH, sketch(Op.MEAN, *parts))
    return sketch.cell(joined, sketch(Op.ADD, sketch(Op.SCALE, 2), joined))


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a tiny champion is made of.

    Attributes:
        signature: Shape of inputs and outputs.
        members: Its architectures; more than one are an ensemble.
        preparation: What leads from raw data to its inputs and from its outputs to answers.
        link: The scale of its outputs.
    """

    signature: Signature
    members: tuple[Architecture, ...]
    preparation: Preparation | None = None
    link: Link = Link.VALUES


def _classes(*members: Architecture, inputs: NumericInputs | TokenInputs, per_step: bool = False) -> Recipe:
    answers = ClassAnswers(("low", "middle", "high"))
    vocabulary = len(inputs.vocabulary)
    signature = Signature(inputs.features, 3, vocabulary=vocabulary, per_step=per_step, steps=STEPS)
    return Recipe(signature, members, Preparation(inputs, answers), Link.CLASSES)


def _forecast(
    *members: Architecture,
    levels: tuple[float, ...] = (),
    masked: tuple[int, ...] = (),
    calendar: tuple[Cycle, ...] = (),
    known: tuple[str, ...] = (),
    is_irregular: bool = False,
) -> Recipe:
    missing: Missing = "mask" if masked else "previous"
    values = NumericInputs(
        (10.0, -3.0, 0.5), (2.0, 0.1, 4.0), ("load", "price", "wind"), missing, masked=masked
    )
    if is_irregular:
        values = replace(
            values,
            mean=(*values.mean, 0.1),
            scale=(*values.scale, 0.7),
            columns=(*values.columns, "steps since the row before"),
        )
    answers = NumberAnswers((0.5, 10.0), (4.0, 2.0), ("wind", "load"), 3, levels)
    count = max(len(levels), 1)
    layout = SeriesLayout(time="when") if calendar or is_irregular else SeriesLayout()
    inputs = WindowInputs(STEPS, values, 3, layout, known, calendar, is_irregular)
    signature = Signature(
        inputs.features,
        2 * 3 * count,
        last_values=(2,) * count + (0,) * count,
        steps=STEPS,
        horizon=3,
    )
    return Recipe(signature, members, Preparation(inputs, answers))


def _panel(member: Architecture, missing: Literal["refuse", "interpolate", "previous"]) -> Recipe:
    inputs = PanelInputs(STEPS, 3, 2, missing, PanelColumns(series="shop", time="day"))
    answers = NumberAnswers((0.0,), (1.0,), ("value",), 3, (0.1, 0.5, 0.9))
    anchors = tuple(step % 2 for step in range(3) for _ in answers.quantiles)
    signature = Signature(inputs.features, 9, last_values=anchors, horizon=3)
    return Recipe(signature, (member,), Preparation(inputs, answers))


def _architecture(*layers: Layer, **settings: object) -> Architecture:
    return replace(Architecture(layers), **settings)  # type: ignore[arg-type]


NUMBERS = NumericInputs((10.0, -3.0), (2.0, 0.1), ("load", "price"))
HOLES = replace(NUMBERS, missing="mask", masked=(1,))
TOKENS = TokenInputs(WORDS)
RECIPES: Mapping[str, Recipe] = {
    "classes": _classes(_architecture(Layer(LSTM, 3)), inputs=NUMBERS),
    "classes of sequences with holes": _classes(
        _architecture(
            Layer(GRU, 3, bidirectional=True, residual=True, norm=Norm.LAYER),
            Layer(LSTM, 4, skip=0, norm=Norm.BEFORE),
            head=Head(Pooling.ATTENTION, hidden=3, skip=1),
            front=Front.of("differences"),
            shortcut=Shortcut.of("pooled"),
        ),
        inputs=HOLES,
    ),
    "classes by every op": _classes(
        _architecture(Layer(every_op(), 3), shortcut=Shortcut.of("flat")),
        inputs=replace(NUMBERS, missing="interpolate"),
    ),
    "classes by attention and memory": _classes(
        _architecture(
            Layer(GRU, 4, context=Context.ATTENTION),
            Layer(GRU, 3, context=Context.MEMORY),
            head=Head(Pooling.MEAN),
            front=Front.of("convolution 3/2"),
        ),
        inputs=replace(NUMBERS, missing="previous"),
    ),
    "classes by layers of several paces": _classes(
        _architecture(Layer(GRU, 3), Layer(LSTM, 3, period=2, bidirectional=True), head=Head(Pooling.MAX)),
        inputs=NUMBERS,
    ),
    "classes by an ensemble": _classes(
        _architecture(Layer(LSTM, 3)), _architecture(Layer(GRU, 2), head=Head(Pooling.MEAN)), inputs=NUMBERS
    ),
    "class of every step": _classes(
        _architecture(Layer(GRU, 3, bidirectional=True), front=Front.of("convolution 3")),
        inputs=HOLES,
        per_step=True,
    ),
    "labels of every step": Recipe(
        Signature(4, 4, per_step=True, steps=STEPS),
        (_architecture(Layer(LSTM, 3)),),
        Preparation(KeyInputs(4), LabelAnswers(("C", "D", "E", "F"), ahead=True)),
        Link.LABELS,
    ),
    "numbers": Recipe(
        Signature(2, 2, steps=STEPS),
        (_architecture(Layer(NAMED_CELLS["mingru"], 3)),),
        Preparation(NUMBERS, NumberAnswers((1e4, 0.0), (50.0, 1e-3))),
    ),
    "a forecast": _forecast(
        _architecture(
            Layer(GRU, 3),
            head=Head(segment=2),
            forecast=Forecast.RELATIVE,
            shortcut=Shortcut.of("shared"),
            columns=Columns.APART,
        )
    ),
    "a forecast of quantiles": _forecast(
        _architecture(
            Layer(LSTM, 3),
            front=Front.of("segments 2"),
            forecast=Forecast.CHANGE,
            shortcut=Shortcut.of("full"),
        ),
        levels=(0.1, 0.5, 0.9),
        masked=(0,),
    ),
    "a forecast by an ensemble": _forecast(
        _architecture(Layer(LSTM, 3), head=Head(segment=2), columns=Columns.APART), _architecture(Layer(GRU, 3))
    ),
    "a forecast by the calendar": _forecast(
        _architecture(Layer(GRU, 3)),
        masked=(1,),
        calendar=("minute", "hour", "weekday", "day", "week", "month"),
    ),
    "a forecast by what is known beforehand": _forecast(
        _architecture(Layer(GRU, 3)), masked=(0, 2), calendar=("weekday",), known=("price",), is_irregular=True
    ),
    "forecasts of a panel": _panel(_architecture(Layer(GRU, 3), forecast=Forecast.CHANGE), "interpolate"),
    "classes of texts": _classes(
        _architecture(
            Layer(GRU, 3),
            embedding=3,
            head=Head(Pooling.MAX),
            front=Front.of("ngrams 1-2 x 9"),
            shortcut=Shortcut.of("ngrams 1-3 x 9"),
        ),
        inputs=TOKENS,
    ),
    "class of every word": _classes(
        _architecture(Layer(LSTM, 3, bidirectional=True), embedding=3, front=Front.of("subwords 1-2 x 9")),
        inputs=TOKENS,
        per_step=True,
    ),
    "a language model": Recipe(
        Signature(0, len(WORDS), vocabulary=len(WORDS), per_step=True, predicts_inputs=True),
        (
            _architecture(
                Layer(NAMED_CELLS["qrnn"], 3), embedding=4, tied=True, shortcut=Shortcut.of("ngrams 2-3 x 9")
            ),
        ),
        Preparation(TokenInputs(WORDS, "word"), ClassAnswers(WORDS)),
        Link.CLASSES,
    ),
    "episodes of few examples": Recipe(
        Signature(5, 3, per_step=True, steps=STEPS),
        (_architecture(Layer(LSTM, 3, context=Context.MEMORY)),),
        link=Link.CLASSES,
    ),
}  # fmt: skip
"""The champions by name."""


@cache
def tiny_champion(name: str) -> Exportable:
    """Returns the champion of `RECIPES` of this name, with random weights of which none is zero."""
    recipe = RECIPES[name]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(len(name))
        networks = [_drawn(architecture, recipe) for architecture in recipe.members]
    shares = [float(number) for number in range(1, len(networks) + 1)]
    members = [
        Member(network.architecture, weights_of(network), share)
        for network, share in zip(networks, shares, strict=True)
    ]
    provenance = Provenance((), "sample", SpaceOptions(), 1, "sample", 0)
    native = native_files(members, recipe.signature, provenance, recipe.preparation, link=recipe.link)
    model = model_of(networks, link=recipe.link, shares=shares)
    return Exportable(name, model, native, json.loads(native[GENOME_FILE]), recipe.preparation, recipe.link)


def _drawn(architecture: Architecture, recipe: Recipe) -> Network:
    network = Network(architecture, recipe.signature).eval()
    network.front.read_spellings(WORDS)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if not parameter.any():
                parameter.normal_()
                # The row of places where no n-gram ends stays zero.
                if name in {"shortcut.table", "front.stem.vectors.weight"}:
                    parameter[0] = 0.0
    return network
