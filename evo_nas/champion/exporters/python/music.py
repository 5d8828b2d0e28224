"""What leads from frames of keys to inputs and from outputs to the keys of the next frame, as functions of a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evo_nas.champion.exporters.python.constants import Constants
    from evo_nas.tasks.answers import LabelAnswers
    from evo_nas.tasks.raw_keys import KeyInputs

_FUNCTIONS = '''def prepare(sequences: Sequence[Any]) -> tuple[Tensor, Tensor | None]:
    """Returns inputs `(batch, time, {keys})`, and the lengths of sequences that differ.

    Args:
        sequences: Frames `(time, {keys})` of 0 and 1: lists, arrays or tensors.
    """
    return padded([frames_of(sequence, {keys}) for sequence in sequences])


def read(path: Path) -> list[Any]:
    """Returns the sequences of a .npy file, or the rows of a CSV file as one of them."""
    return array(path) if path.suffix == ".npy" else [columns_of(path, [], {{}})[0]]


def outputs(sequences: Sequence[Any]) -> list[Tensor]:
    """Returns the outputs of the network for each step."""
    inputs, lengths = prepare(sequences)
    with torch.inference_mode():
        found = load()(inputs, lengths)
    ends = [found.shape[1]] * len(found) if lengths is None else lengths.tolist()
    return [each[:end] for each, end in zip(found, ends, strict=True)]


def probabilities(sequences: Sequence[Any]) -> list[Tensor]:
    """Returns how likely each key is in the frame after each step, `(time, {keys})`."""
    return [each.double().sigmoid() for each in outputs(sequences)]


def predict(sequences: Sequence[Any]) -> list[Tensor]:
    """Returns which keys are more likely than not after each step, `(time, {keys})`."""
    return [each > 0 for each in outputs(sequences)]


def generate(
    begun: Any, length: int, temperature: float = 1.0, seed: int = 0
) -> Tensor:
    """Returns `length` frames that follow those that are given, one after the other."""
    with torch.inference_mode():
        frames = frames_of(begun, {keys})
        return following(load(), frames, length, temperature, seed)'''


def music_functions(inputs: KeyInputs, answers: LabelAnswers, constants: Constants) -> list[str]:
    """Returns the functions of a file that predicts and draws frames of keys."""
    if answers.labels:
        constants.many("LABELS", answers.labels, "What each key is called.")
    return _FUNCTIONS.format(keys=inputs.keys).split("\n\n\n")
