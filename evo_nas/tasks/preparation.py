"""`Preparation`: what leads from raw sequences to the inputs of a network, and from its outputs to answers."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - pydantic reads the annotations
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from evo_nas.errors import DataError
from evo_nas.tasks.answers import ClassAnswers, LabelAnswers, NumberAnswers
from evo_nas.tasks.raw_inputs import NumericInputs, TokenInputs
from evo_nas.tasks.raw_keys import KeyInputs
from evo_nas.tasks.raw_panels import PanelInputs
from evo_nas.tasks.raw_windows import WindowInputs

if TYPE_CHECKING:
    from evo_nas.data.scaling import Scaler
    from evo_nas.genome.architecture import Signature


@dataclass(frozen=True, slots=True)
class Recipe:
    """How the files of a champion were read and how it was trained, so that further files are treated alike.

    Attributes:
        kind: The kind of the task.
        options: Its options, without the paths of files.
        training: The settings of training.
        files: The SHA-256 of the files that were read.
    """

    kind: str
    options: Mapping[str, Any]
    training: Mapping[str, Any]
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Preparation:
    """What leads from raw sequences to the inputs of a network, and from its outputs to answers.

    It is plain JSON (`to_json`), so that it lies beside the weights of an exported network.

    Attributes:
        inputs: From a raw sequence to the inputs of the network.
        answers: From the outputs of the network to classes or numbers.
        recipe: How files were read and the network was trained; None for data in memory.
    """

    inputs: Annotated[
        NumericInputs | TokenInputs | WindowInputs | PanelInputs | KeyInputs, Field(discriminator="kind")
    ]
    answers: Annotated[ClassAnswers | NumberAnswers | LabelAnswers, Field(discriminator="kind")]
    recipe: Recipe | None = None

    @property
    def options(self) -> Mapping[str, Any]:
        """The options of the task; none for data in memory."""
        return {} if self.recipe is None else self.recipe.options

    @property
    def of_values(
        self,
    ) -> tuple[NumericInputs | TokenInputs | WindowInputs, ClassAnswers | NumberAnswers] | None:
        """Inputs and answers that follow from raw values alone.

        None where more is needed: a calendar, known future values, the unit of each series, or sets of labels.
        """
        inputs, answers = self.inputs, self.answers
        if isinstance(inputs, PanelInputs | KeyInputs) or isinstance(answers, LabelAnswers):
            return None
        return None if isinstance(inputs, WindowInputs) and inputs.needs_rows else (inputs, answers)

    @property
    def numbers(self) -> NumericInputs | None:
        """How the numbers of each step are prepared, of sequences and series; None for tokens, and as `of_values`."""
        plain = self.of_values
        inputs = None if plain is None else plain[0]
        values = inputs.values if isinstance(inputs, WindowInputs) else inputs
        return values if isinstance(values, NumericInputs) else None

    def with_recipe(self, recipe: Recipe | None) -> Preparation:
        """Returns the preparation with the way that files were read."""
        return replace(self, recipe=recipe)

    def to_json(self) -> str:
        """Returns the preparation as JSON, which `from_json` reads."""
        return _adapter().dump_json(self, indent=2).decode()

    @classmethod
    def from_json(cls, text: str | bytes) -> Preparation:
        """Returns the preparation that `to_json` wrote.

        Raises:
            DataError: The text is no preparation.
        """
        try:
            return _adapter().validate_json(text)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "its start"
            raise DataError(f"the preparation is damaged at {where}: {first['msg']}") from error


def plain_preparation(
    signature: Signature,
    *,
    scaler: Scaler | None = None,
    classes: tuple[str, ...] = (),
    vocabulary: tuple[str, ...] = (),
) -> Preparation:
    """Returns the preparation of sequences that come from no file, such as those that a task generates.

    Args:
        signature: Shape of inputs and outputs.
        scaler: What standardised numeric inputs; None if they are read as they are.
        classes: Names of the classes; none if outputs are numbers.
        vocabulary: Token of each id, where inputs are tokens.
    """

    def numbers() -> NumericInputs:
        if scaler is None:
            return NumericInputs((0.0,) * signature.features, (1.0,) * signature.features)
        return NumericInputs(tuple(scaler.mean.tolist()), tuple(scaler.scale.tolist()))

    def tokens() -> TokenInputs:
        is_of_characters = all(len(token) == 1 for token in vocabulary)
        return TokenInputs(vocabulary, "character" if is_of_characters else None, is_closed=True)

    zeros, ones = (0.0,) * signature.outputs, (1.0,) * signature.outputs
    return Preparation(
        tokens() if vocabulary else numbers(),
        ClassAnswers(classes) if classes else NumberAnswers(zeros, ones),
    )


@cache
def _adapter() -> TypeAdapter[Preparation]:
    return TypeAdapter(Preparation)
