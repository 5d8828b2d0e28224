"""From raw values to inputs and from outputs to answers, in C, as `tasks.preparation` does it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evo_nas.champion.exporters.c99.source import literal, loop, string_literal, when
from evo_nas.models.ensemble import Link
from evo_nas.tasks.answers import ClassAnswers, NumberAnswers
from evo_nas.tasks.raw_inputs import NumericInputs
from evo_nas.tasks.raw_windows import WindowInputs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evo_nas.champion.exporters.c99.source import Source
    from evo_nas.tasks.preparation import Preparation

LOST = 1e-6
"""Deviations by which a mean that is rounded to float32 may move an input; beyond, its rest is subtracted as well."""


class InputsWriter:
    """Writes ``prepare(raw, x)``, which standardises a step and fills its holes.

    Args:
        source: Where it is written.
        preparation: Says how; None if inputs are prepared already.
        features: Inputs of the network at each step.
    """

    def __init__(self, source: Source, preparation: Preparation | None, features: int) -> None:
        self._source = source
        inputs = None if preparation is None else preparation.inputs
        self._carries = isinstance(inputs, WindowInputs)
        values = inputs.values if isinstance(inputs, WindowInputs) else inputs
        self._values = values if isinstance(values, NumericInputs) else None
        self.count = features if self._values is None else len(self._values.mean)
        """Raw values of a step."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the raw values."""
        return () if self._values is None else self._values.columns

    @property
    def words(self) -> str:
        """What becomes of missing values, for the comment of the file."""
        if self._values is None:
            return "inputs are taken as they are: the task does not say how raw values are prepared"
        match self._values.missing:
            case "refuse":
                return "raw values in, standardised inside; none may be missing (NaN)"
            case "interpolate":
                return (
                    "raw values in, standardised inside; draw a line between the neighbours of a missing value first, "
                    "since the later one is not known here"
                )
            case _:
                return (
                    "raw values in, standardised inside; NAN is a missing value, which counts as the mean before the "
                    "first known one"
                )

    def write(self) -> bool:
        """Writes the function, and returns whether there is one."""
        values, source = self._values, self._source
        if values is None:
            return False
        mean, scale = np.array(values.mean), np.array(values.scale)
        high = mean.astype(np.float32)
        low, factor = mean - high, 1.0 / scale
        source.weights("mean", high.tolist())
        source.weights("factor", factor.tolist(), "one divided by the deviation")
        rest = ""
        if np.abs(low * factor).max() > LOST:
            source.weights("mean_rest", low.tolist(), "what rounding took from the mean")
            rest = " - mean_rest[i]"
        lines = loop("i", len(mean), f"x[i] = (raw[i] - mean[i]{rest}) * factor[i];")
        if values.missing == "mask":
            lines += self._masked(values.masked)
        elif values.missing == "previous":
            lines += self._carried(len(mean))
        source.function(
            "static void prepare(const float *raw, float *x)", lines, "From raw values to inputs."
        )
        return True

    def _carried(self, count: int) -> list[str]:
        known = self._source.state("known", count, owner="inputs")
        return loop("i", count, f"{known}[i] = isnan(x[i]) ? {known}[i] : x[i];", f"x[i] = {known}[i];")

    def _masked(self, masked: Sequence[int]) -> list[str]:
        if not masked:
            return []
        source, count = self._source, self.count
        at = source.integers("masked", masked)
        since = source.counter("since", owner="inputs", size=len(masked))
        value = f"x[{at}[k]]"
        if self._carries:
            known = source.state("known", len(masked), owner="inputs")
            fill = [f"{known}[k] = is_known ? {value} : {known}[k];", f"{value} = {known}[k];"]
        else:
            fill = when("!is_known", f"{value} = 0.0f;")
        return [
            "/* whether the value is known, and how long ago one was */",
            *loop(
                "k",
                len(masked),
                f"const int32_t is_known = !isnan({value});",
                *fill,
                f"x[{count} + 2 * k] = (float)is_known;",
                f"x[{count} + 2 * k + 1] = log1pf((float){since}[k]);",
                f"{since}[k] = is_known ? 1 : {since}[k] > 0 ? {since}[k] + 1 : 0;",
            ),
        ]


class AnswersWriter:
    """Writes ``finish(answers)``, which makes answers of the outputs of the model, in place.

    Args:
        source: Where it is written.
        preparation: Says how; None if the task does not.
        link: The scale of the outputs, which tells what they are where the task does not say more.
        outputs: How many there are.
    """

    def __init__(self, source: Source, preparation: Preparation | None, link: Link, outputs: int) -> None:
        self._source = source
        self._answers = None if preparation is None else preparation.answers
        self._link = link
        self._outputs = outputs

    @property
    def words(self) -> str:
        """What the answers are, for the comment of the file."""
        answers = self._answers
        if isinstance(answers, NumberAnswers):
            levels = (
                f", each as the quantiles {_listed(answers.quantiles)}, ascending"
                if answers.quantiles
                else ""
            )
            targets = f"{len(answers.mean)} target{'s' if len(answers.mean) > 1 else ''} in their own units"
            return (
                f"{answers.horizon} steps ahead of {targets}{levels}"
                if answers.horizon
                else f"{targets}{levels}"
            )
        if isinstance(answers, ClassAnswers) or self._link is Link.CLASSES:
            return "the probability of each class"
        return "the probability of each label" if self._link is Link.LABELS else "the outputs of the model"

    def names(self, name: str) -> list[str]:
        """Returns what declares the names of classes, targets and levels, each an array of the file ``name``."""
        answers, found = self._answers, []
        if isinstance(answers, ClassAnswers):
            found += [names_array(f"{name}_classes", answers.classes)]
        if isinstance(answers, NumberAnswers):
            found += [names_array(f"{name}_targets", answers.columns)] if answers.columns else []
            if answers.quantiles:
                levels = ", ".join(f"{literal(level)}" for level in answers.quantiles)
                found += [f"const float {name}_levels[{len(answers.quantiles)}] = {{{levels}}};"]
        return found

    def write(self) -> bool:
        """Writes the function, and returns whether there is one."""
        answers, source, size = self._answers, self._source, self._outputs
        if isinstance(answers, NumberAnswers):
            levels, targets = max(1, len(answers.quantiles)), len(answers.mean)
            source.weights("target_mean", answers.mean)
            source.weights("target_scale", answers.scale)
            sort = (
                [f"{source.helper('ascend')}(answers + k * {levels}, {levels});"]
                if len(answers.quantiles) > 1
                else []
            )
            one = f"answers[k * {levels} + level]"
            target = f"k % {targets}"
            lines = loop(
                "k",
                size // levels,
                *sort,
                *loop("level", levels, f"{one} = {one} * target_scale[{target}] + target_mean[{target}];"),
            )
        elif isinstance(answers, ClassAnswers) or self._link is Link.CLASSES:
            lines = [f"{source.helper('softmax')}(answers, {size});"]
        elif self._link is Link.LABELS:
            lines = loop("k", size, f"answers[k] = {source.helper('sigmoid')}(answers[k]);")
        else:
            return False
        source.function("static void finish(float *answers)", lines, "From outputs to answers.")
        return True


def names_array(name: str, values: Sequence[str]) -> str:
    """Returns the declaration of an array of strings."""
    lines = "\n".join(f"    {string_literal(value)}," for value in values)
    return f"const char *const {name}[{len(values)}] = {{\n{lines}\n}};"


def _listed(levels: Sequence[float]) -> str:
    return ", ".join(f"{level:g}" for level in levels)
