"""Every gene outside the cell: one row says which field it is, what it may be, and how people read it.

A row is a `Slot`. Its field is one of `Training`, `Architecture`, `Head` or `Layer`; encoding reads that field,
decoding fills it, and the JSON of an architecture has it by the same name. The order of the rows is the order of the
genes, so a new row goes to the end of its table: it moves the genes that follow, and runs that were recorded before
cannot go on with it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from evo_nas.genome.architecture import Forecast, Norm, Optimizer, Pooling
from evo_nas.genome.blocks import Columns, Context, Front, Shortcut
from evo_nas.genome.columns import targets_of
from evo_nas.genome.fitting import fitting_fronts, fitting_periods, fitting_segments, fitting_shortcuts

if TYPE_CHECKING:
    from collections.abc import Callable

    from evo_nas.genome.architecture import Signature
    from evo_nas.genome.options import SpaceOptions

Choice = TypeVar("Choice")
Number = TypeVar("Number", int, float)

_OPTIMIZERS = {Optimizer.ADAM: "Adam", Optimizer.RMSPROP: "RMSprop", Optimizer.SGD: "SGD"}
_NORMS = {Norm.NONE: "", Norm.LAYER: "layer norm", Norm.BEFORE: "layer norm before"}
_CONTEXTS = {Context.NONE: "", Context.ATTENTION: "attention to past outputs", Context.MEMORY: "memory"}
_FORECASTS = {
    Forecast.VALUE: "",
    Forecast.CHANGE: "forecasts the change since the last value",
    Forecast.RELATIVE: "reads and forecasts changes to the last value",
}


@dataclass(frozen=True, slots=True)
class Setting:
    """What decides whether there is a gene, and its choices.

    Attributes:
        options: The ``space`` section of the configuration.
        signature: Inputs and outputs of the task.
        epochs: Epochs of training of a candidate.
        sources: Number of outputs further below that a skip may come from.
    """

    options: SpaceOptions
    signature: Signature
    epochs: int
    sources: int = 0

    def regularisation(self, choices: tuple[float, ...], frozen: float) -> tuple[float, ...]:
        """Returns ``choices``, or only ``frozen`` where training is too short to show what they are good for."""
        return (frozen,) if self.epochs < self.options.regularisation.frozen_below_epochs else choices


def _always(setting: Setting) -> bool:  # noqa: ARG001 - the same in every setting
    return True


def _first(choices: tuple[Choice, ...], setting: Setting) -> Choice:  # noqa: ARG001 - the same in every setting
    return choices[0]


def _middle(choices: tuple[Choice, ...], setting: Setting) -> Choice:  # noqa: ARG001 - the same in every setting
    return choices[len(choices) // 2]


def _nearest_to(wanted: Number) -> Callable[[tuple[Number, ...], Setting], Number]:
    """Returns what picks the choice whose ratio to ``wanted`` is nearest to 1."""
    return lambda choices, _: min(choices, key=lambda choice: abs(math.log(choice / wanted)))


def _first_of(choices: tuple[Choice, ...]) -> tuple[Choice, ...]:
    return choices[:1]


def _all_of(choices: tuple[Choice, ...]) -> tuple[Choice, ...]:
    return choices


@dataclass(frozen=True, kw_only=True)  # not slotted, which Python 3.11 cannot do for Slot[int](...)
class Slot(Generic[Choice]):
    """One evolvable field of a part of an architecture.

    Attributes:
        field: Name of the field of the part, and, after the part's prefix, of the gene.
        option: The key of ``space`` that says what its choices are.
        choices: The permitted values.
        words: What people read of a value; empty for the plainest one, which goes without saying.
        exists: Whether the task has a use for the field; otherwise it keeps the default of its dataclass.
        default: The choice in the first networks of a search.
        ordered: Whether neighbouring choices are similar.
        smallest: Choices of which one gives the smallest network, in parameters or another cost; the first, which is
            the smallest of ascending choices, unless the row says otherwise.
        joined: Whether the words follow those of the slot before without a comma.
        regularises: Whether a short training cannot judge it, so that it is frozen there.
    """

    field: str
    option: str
    choices: Callable[[Setting], tuple[Choice, ...]]
    words: Callable[[Choice], str]
    exists: Callable[[Setting], bool] = _always
    default: Callable[[tuple[Choice, ...], Setting], Choice] = _first
    ordered: bool = False
    smallest: Callable[[tuple[Choice, ...]], tuple[Choice, ...]] = _first_of
    joined: bool = False
    regularises: bool = False


def _skips(at: Setting) -> tuple[int | None, ...]:
    return (None, *range(at.sources)) if at.options.skips else (None,)


def _skip_words(skip: int | None) -> str:
    return "" if skip is None else f"skip from layer {skip}" if skip else "skip from input"


def _dropouts(at: Setting) -> tuple[float, ...]:
    options = at.options.regularisation
    return at.regularisation(options.dropouts, options.frozen_dropout)


def _decays(at: Setting) -> tuple[float, ...]:
    options = at.options.regularisation
    return at.regularisation(options.weight_decays, options.frozen_weight_decay)


def _frozen_dropout(_: tuple[float, ...], at: Setting) -> float:
    return at.options.regularisation.frozen_dropout


def _without_norm(choices: tuple[Norm, ...]) -> tuple[Norm, ...]:
    # Before a layer that reads a single feature a norm has no parameters, so neither of the others is always larger.
    return (Norm.NONE,) if Norm.NONE in choices else choices


def _without_attention(choices: tuple[Pooling, ...]) -> tuple[Pooling, ...]:
    # The last step needs no sum, and a maximum one operation fewer than a mean.
    return tuple(pooling for pooling in choices if pooling is not Pooling.ATTENTION) or choices


def _extremes(choices: tuple[Choice, ...]) -> tuple[Choice, ...]:
    return tuple(dict.fromkeys((choices[0], choices[-1])))


TRAINING: tuple[Slot[Any], ...] = (
    Slot[Optimizer](
        field="optimizer",
        option="optimizers",
        choices=lambda at: at.options.optimizers,
        words=lambda value: _OPTIMIZERS[value],
    ),
    Slot[float](
        field="learning_rate",
        option="learning_rates",
        choices=lambda at: at.options.learning_rates.values,
        default=_nearest_to(5e-3),
        ordered=True,
        words=lambda value: f"{value:g}",
        joined=True,
    ),
    Slot[float](
        field="weight_decay",
        option="regularisation.weight_decays",
        regularises=True,
        choices=_decays,
        default=lambda _, at: at.options.regularisation.frozen_weight_decay,
        ordered=True,
        words=lambda value: f"weight decay {value:g}" if value else "",
    ),
    Slot[float](
        field="clip",
        option="clips",
        choices=lambda at: at.options.clips,
        default=_nearest_to(1.0),
        ordered=True,
        words=lambda value: f"clip {value:g}",
    ),
    Slot[int](
        field="batch_size",
        option="batch_sizes",
        choices=lambda at: at.options.batch_sizes,
        default=_nearest_to(16),
        ordered=True,
        words=lambda value: f"batch {value}",
    ),
)
"""Fields of `Training`."""

NETWORK: tuple[Slot[Any], ...] = (
    Slot[int | None](
        field="embedding",
        option="embeddings",
        exists=lambda at: at.signature.vocabulary > 0,
        choices=lambda at: at.options.embeddings,
        default=_middle,
        ordered=True,
        words=lambda value: "" if value is None else f"embedding {value}",
    ),
    Slot[bool](
        field="tied",
        option="tied_embeddings",
        exists=lambda at: at.signature.predicts_inputs,
        choices=lambda at: at.options.tied_embeddings,
        smallest=_all_of,  # tied outputs may need a projection that has more parameters than they save
        words=lambda value: "tied" if value else "",
    ),
    Slot[Forecast](
        field="forecast",
        option="forecasts",
        exists=lambda at: bool(at.signature.last_values),
        choices=lambda at: at.options.forecasts,
        smallest=_all_of,
        words=lambda value: _FORECASTS[value],
    ),
    Slot[Front](
        field="front",
        option="fronts",
        choices=lambda at: fitting_fronts(at.options, at.signature),
        smallest=_all_of,
        words=lambda value: "" if value == Front() else str(value),
    ),
    Slot[Shortcut](
        field="shortcut",
        option="shortcuts",
        choices=lambda at: fitting_shortcuts(at.options, at.signature),
        smallest=_all_of,
        words=lambda value: "" if value == Shortcut() else f"{value} shortcut",
    ),
    Slot[Columns](
        field="columns",
        option="columns",
        exists=lambda at: len(targets_of(at.signature)) > 1,
        choices=lambda at: at.options.columns,
        smallest=_all_of,
        words=lambda value: "columns apart" if value is Columns.APART else "",
    ),
    Slot[float](
        field="embedding_dropout",
        option="embedding_dropouts",
        regularises=True,
        exists=lambda at: at.signature.vocabulary > 0,
        choices=lambda at: at.regularisation(at.options.embedding_dropouts, at.options.embedding_dropouts[0]),
        ordered=True,
        words=lambda value: f"embedding dropout {value:g}" if value else "",
    ),
)
"""Fields of `Architecture` itself."""

HEAD: tuple[Slot[Any], ...] = (
    Slot[Pooling](
        field="pooling",
        option="poolings",
        exists=lambda at: not at.signature.per_step,
        choices=lambda at: at.options.poolings,
        smallest=_without_attention,
        words=lambda value: "" if value is Pooling.LAST else f"{value} pooling",
    ),
    Slot[int](
        field="hidden",
        option="heads",
        choices=lambda at: at.options.heads,
        ordered=True,
        smallest=_all_of,  # a narrow hidden layer may save more at the outputs than it has
        words=lambda value: f"tanh layer {value}" if value else "",
    ),
    Slot[float](
        field="dropout",
        option="regularisation.dropouts",
        regularises=True,
        choices=_dropouts,
        default=_frozen_dropout,
        ordered=True,
        words=lambda value: f"output dropout {value:g}" if value else "",
    ),
    Slot[int | None](field="skip", option="skips", choices=_skips, words=_skip_words),
    Slot[int](
        field="segment",
        option="segments",
        choices=lambda at: fitting_segments(at.options, at.signature),
        ordered=True,
        smallest=_all_of,
        words=lambda value: f"segments of {value} decoded in parallel" if value else "",
    ),
)
"""Fields of `Head`."""

LAYER: tuple[Slot[Any], ...] = (
    Slot[int](
        field="width",
        option="widths",
        choices=lambda at: at.options.widths,
        default=_middle,
        ordered=True,
        words=str,
        joined=True,
    ),
    Slot[bool](
        field="bidirectional",
        option="bidirectional",
        choices=lambda at: (False, True) if at.options.bidirectional else (False,),
        words=lambda value: "bidirectional" if value else "",
    ),
    Slot[float](
        field="dropout",
        option="regularisation.dropouts",
        regularises=True,
        choices=_dropouts,
        default=_frozen_dropout,
        ordered=True,
        words=lambda value: f"dropout {value:g}" if value else "",
    ),
    Slot[Norm](
        field="norm",
        option="norms",
        choices=lambda at: at.options.norms,
        smallest=_without_norm,
        words=lambda value: _NORMS[value],
    ),
    Slot[int | None](field="skip", option="skips", choices=_skips, words=_skip_words),
    Slot[bool](
        field="residual",
        option="residuals",
        choices=lambda at: at.options.residuals,
        words=lambda value: "residual" if value else "",
        smallest=lambda choices: (min(choices),),
    ),
    Slot[float](
        field="recurrent_dropout",
        option="recurrent_dropouts",
        regularises=True,
        choices=lambda at: at.regularisation(at.options.recurrent_dropouts, at.options.recurrent_dropouts[0]),
        ordered=True,
        words=lambda value: f"recurrent dropout {value:g}" if value else "",
    ),
    Slot[int](
        field="period",
        option="periods",
        choices=lambda at: fitting_periods(at.options, at.signature),
        ordered=True,
        smallest=_extremes,  # a slower layer computes less, and keeps the chunk that it reads
        words=lambda value: f"every {value} steps" if value > 1 else "",
    ),
    Slot[Context](
        field="context",
        option="contexts",
        choices=lambda at: at.options.contexts,
        smallest=_all_of,
        words=lambda value: _CONTEXTS[value],
    ),
)
"""Fields of `Layer`; its cell is spelled by genes of its own."""


def words_of(slots: tuple[Slot[Any], ...], part: object) -> str:
    """Returns what people read of the fields of ``part`` that ``slots`` are, such as ``Adam 0.005, clip 1``."""
    text = ""
    for slot in slots:
        words = slot.words(getattr(part, slot.field))
        if words:
            text += f"{' ' if slot.joined else ', '}{words}" if text else words
    return text
