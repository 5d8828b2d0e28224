"""What leads from raw data to inputs and from outputs to answers, as functions of a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evo_nas.champion.exporters.python.code import (
    parameters,
    prepare_heading,
    statement,
    text_literal,
    usage,
)
from evo_nas.champion.exporters.python.holes import filling
from evo_nas.champion.exporters.python.music import music_functions
from evo_nas.champion.exporters.python.panels import panel_functions
from evo_nas.errors import ChampionError
from evo_nas.tasks.answers import ClassAnswers, LabelAnswers, NumberAnswers
from evo_nas.tasks.raw_inputs import NumericInputs, TokenInputs
from evo_nas.tasks.raw_keys import KeyInputs
from evo_nas.tasks.raw_panels import PanelInputs
from evo_nas.tasks.raw_windows import WindowInputs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evo_nas.champion.exporters.python.constants import Constants
    from evo_nas.genome.architecture import Signature
    from evo_nas.tasks.preparation import Preparation

_TOKENIZERS = {"character": "list({})", "word": "words({})", "blank": "pieces({})"}


class PreparationSource:
    """The functions ``prepare``, ``predict`` and ``main`` of a file.

    Attributes:
        functions: Their texts; none where the champion has no preparation.
        purpose: What the champion does, a clause.
        usage: How it is used, line by line.
    """

    def __init__(self, preparation: Preparation | None, signature: Signature, constants: Constants) -> None:
        self.functions: list[str] = []
        self._signature = signature
        self._constants = constants
        self._given: tuple[str, ...] = ("sequences",)
        if preparation is None:
            self.purpose = "a network that takes prepared inputs"
            self.usage = ["from champion import load", "outputs = load()(inputs)"]
            return
        inputs, answers = preparation.inputs, preparation.answers
        if isinstance(inputs, PanelInputs) and isinstance(answers, NumberAnswers):
            self.functions += panel_functions(inputs, answers, constants)
            self.purpose = f"{answers.horizon} steps after each series of a panel"
            self._main(["    for answer in predict(read(path)):", "        print(answer.tolist())"])
            self.usage = usage("data.csv", self._given)
            return
        if isinstance(inputs, KeyInputs) and isinstance(answers, LabelAnswers):
            self.functions += music_functions(inputs, answers, constants)
            self.purpose = "the keys of the next frame"
            self._main(["    for answer in probabilities(read(path)):", "        print(answer[-1].tolist())"])
            self.usage = usage("frames.npy", self._given)
            return
        if isinstance(inputs, TokenInputs):
            self._tokens(inputs)
        elif isinstance(inputs, NumericInputs):
            self._numbers(inputs, inputs.window)
            self._tables(inputs)
        elif isinstance(inputs, WindowInputs):
            self._windows(inputs)
            self._series(inputs)
        else:
            raise ChampionError(
                f"the format python does not know how {type(inputs).__name__} are prepared; export it as native"
            )
        # Inputs say what is read, and answers what is printed.
        if isinstance(answers, ClassAnswers):
            self._classes(answers, inputs)
        elif isinstance(answers, NumberAnswers):
            self._values(answers)
        else:
            raise ChampionError(
                f"the format python does not know how {type(answers).__name__} are written; export it as native"
            )
        name = "text.txt" if isinstance(inputs, TokenInputs) else "data.csv"
        self.usage = usage(name, self._given)

    # Inputs.

    def _tokens(self, inputs: TokenInputs) -> None:
        constants = self._constants
        constants.many("VOCABULARY", inputs.vocabulary, "The token of each id; 0 is any other token.")
        lines = ["    ids = {token: number for number, token in enumerate(VOCABULARY)}"]
        read = "sequence"
        if inputs.level is not None:
            text = 'unicodedata.normalize("NFC", sequence{})'.format(".lower()" if inputs.lower else "")
            tokens = _TOKENIZERS[inputs.level].format(text)
            body = [
                "        if isinstance(sequence, str):",
                f"            sequence = {tokens}",
            ]
        else:
            body = ["        sequence = [sequence] if isinstance(sequence, str) else sequence"]
        if inputs.lower:
            body.append("        sequence = lower(sequence)")
        if inputs.max_length is not None:
            read = f"sequence[:{inputs.max_length}]"
        what = "Texts, or lists of tokens or ids." if inputs.level else "Lists of tokens or ids."
        self.functions.append(
            "\n".join(
                [
                    *prepare_heading(what, "(batch, time)"),
                    *lines,
                    "    prepared = []",
                    "    for sequence in sequences:",
                    *body,
                    f"        prepared.append(token_ids({read}, ids))",
                    "    return padded(prepared)",
                ]
            )
        )
        if self._signature.predicts_inputs:
            reading, says = "[whole_text(path)]", "the text of a file"
        elif inputs.level is None:
            reading, says = "list(map(pieces, lines(path)))", "a list of tokens for each line of a file"
        else:
            reading, says = "lines(path)", "a text for each line of a file"
        self.functions.append(
            f'def read(path: Path) -> list[Any]:\n    """Returns {says}."""\n    return {reading}'
        )

    def _numbers(self, inputs: NumericInputs, window: int | None) -> None:
        """Writes ``prepare`` for sequences, of which at most the last ``window`` steps are read."""
        body = ["        values = standardised(sequence, MEAN, SCALE)"]
        if window is not None:
            self._constants.number("WINDOW", window)
            body.insert(0, "        sequence = torch.as_tensor(sequence)[-WINDOW:]")
        body += filling(inputs, of_series=False)
        self._preparing(inputs, inputs.columns, [*body, "        prepared.append(values)"], inputs.features)

    def _windows(self, inputs: WindowInputs) -> None:
        """Writes ``prepare`` for series, each with rows before the window, and after it where columns are known."""
        constants, body = self._constants, []
        constants.number("WINDOW", inputs.window)
        if inputs.calendar or inputs.is_irregular:
            self._given = ("sequences", "times")
        if inputs.known:
            at = [inputs.columns.index(name) for name in inputs.known]
            constants.many("KNOWN", at, "The features that are known beforehand, by position.")
            constants.number("HORIZON", inputs.horizon)
            body.append("        before = rows_before(sequence, KNOWN)")
        elif inputs.is_irregular:
            body.append("        before = len(sequence)")
        if inputs.is_irregular:
            start = "        sequence = with_elapsed(sequence, stamps, before, "
            body.append(f"{start}{len(inputs.values.mean) - 1})")
        body.append("        values = standardised(sequence, MEAN, SCALE)")
        if inputs.known:
            body += [
                "        ahead = known_ahead(values, KNOWN, before, WINDOW, HORIZON)",
                "        values = values[:before]",
            ]
        if inputs.calendar:
            constants.many("CYCLES", inputs.calendar, "The cycles of the calendar that are read.")
            stamps = "stamps[:before]" if inputs.known else "stamps"
            body.append(f"        values = with_calendar(values, {stamps}, CYCLES)")
        body += [
            "        if len(values) < WINDOW:",
            '            raise ValueError(f"{len(values)} rows; the network reads {WINDOW}")',
            *filling(inputs.values, of_series=True),
        ]
        if inputs.known:
            body.append("        prepared.append(torch.cat([values[-WINDOW:], ahead], dim=1))")
        else:
            body.append("        prepared.append(values[-WINDOW:])")
        self._preparing(inputs.values, inputs.columns, body, inputs.features)

    def _preparing(
        self, values: NumericInputs, columns: Sequence[str], body: Sequence[str], features: int
    ) -> None:
        """Writes ``prepare`` with ``body``, which makes what the network reads of one sequence."""
        if columns:
            self._constants.many("COLUMNS", columns, "The features in the order in which they are read.")
        self._constants.many("MEAN", values.mean, "The mean of each feature in training.")
        self._constants.many("SCALE", values.scale, "The deviation of each feature in training.")
        is_dated = "times" in self._given
        count = len(columns) or len(values.mean)
        of = f"`(time, {count})`: lists, arrays or tensors in original units, nan for a hole"
        loop = (
            "sequence, stamps in zip(sequences, times, strict=True)" if is_dated else "sequence in sequences"
        )
        self.functions.append(
            "\n".join(
                [
                    *prepare_heading(
                        of,
                        f"(batch, time, {features})",
                        *(["The time of each row, for each of them."] if is_dated else []),
                    ),
                    "    prepared = []",
                    f"    for {loop}:",
                    *body,
                    "    return padded(prepared)",
                ]
            )
        )

    def _tables(self, inputs: NumericInputs) -> None:
        layout = inputs.layout
        if layout.row:
            self._constants.many("STEPS", layout.row, "The columns of a row, which is a whole sequence.")
            features = len(inputs.mean)
            body = [
                "    values, _ = columns_of(path, STEPS, {})",
                f"    return [torch.tensor(row).view(-1, {features}) for row in values]",
            ]
            says = "a sequence for each row of a file"
        else:
            columns = "COLUMNS" if inputs.columns else "[]"
            words = {name: list(words) for name, words in layout.categories.items()}
            spelt = "{}"
            if words:
                self._constants.lists("WORDS", words, "The words of a column that have a feature each.")
                spelt = "WORDS"
            body = [
                f"    values, rows = columns_of(path, {columns}, {spelt})",
                f"    group, time = {_named(layout.sequence)}, {_named(layout.time)}",
                "    return list(grouped(values, rows, group, time).values())",
            ]
            says = "the sequences of a file, whose rows are their steps"
        self._reading(says, body)

    def _series(self, inputs: WindowInputs) -> None:
        layout = inputs.layout
        body = [
            f"    values, rows = columns_of(path, {'COLUMNS' if inputs.columns else '[]'}, {{}})",
            f"    group, time = {_named(layout.series)}, {_named(layout.time)}",
            "    return list(grouped(values, rows, group, time).values())",
        ]
        if "times" in self._given:
            body = [
                *body[:-1],
                "    stamps = [row[time] for row in rows]",
                "    found = [grouped(each, rows, group, time) for each in (values, stamps)]",
                "    return tuple(list(each.values()) for each in found)",
            ]
        self._reading(
            f"the series of a file, whose rows are their steps{', and their times' if 'times' in self._given else ''}",
            body,
        )

    def _reading(self, says: str, body: list[str]) -> None:
        is_dated = "times" in self._given
        lines = [
            f"def read(path: Path) -> {'tuple[list[Any], ...]' if is_dated else 'list[Any]'}:",
            f'    """Returns {says}."""',
            # A file of arrays has no times.
            *([] if is_dated else ['    if path.suffix == ".npy":', "        return array(path)"]),
            *body,
        ]
        self.functions.append("\n".join(lines))

    # Answers.

    def _classes(self, answers: ClassAnswers, inputs: object) -> None:
        per_step = self._signature.per_step
        if self._signature.predicts_inputs and isinstance(inputs, TokenInputs):
            self.purpose = "the next token of a text"
            classes = "VOCABULARY"
        else:
            self.purpose = "a class for each step" if per_step else "the class of a sequence"
            self._constants.many("CLASSES", answers.classes, "The class of each output.")
            classes = "CLASSES"
        self._outputs()
        whole = "a tensor `(time, classes)` for each" if per_step else "`(batch, classes)`"
        shares = "[each.softmax(-1) for each in outputs(sequences)]"
        kind = "list[Tensor]"
        if not per_step:
            shares, kind = "outputs(sequences).softmax(-1)", "Tensor"
        self.functions.append(
            "\n".join(
                [
                    f"def probabilities(sequences: Sequence[Any]) -> {kind}:",
                    f'    """Returns the probability of each class, {whole}."""',
                    f"    return {shares}",
                ]
            )
        )
        if per_step:
            names = f"    return [[{classes}[at] for at in each.argmax(-1)] for each in outputs(sequences)]"
            says, kind = "the likeliest class of each step of each sequence", "list[list[str]]"
        else:
            names = f"    return [{classes}[at] for at in outputs(sequences).argmax(-1)]"
            says, kind = "the likeliest class of each sequence", "list[str]"
        self.functions.append(
            "\n".join(
                [f"def predict(sequences: Sequence[Any]) -> {kind}:", f'    """Returns {says}."""', names]
            )
        )
        if self._signature.predicts_inputs and isinstance(inputs, TokenInputs):
            self._generating(inputs)
            return
        self._main(
            [
                "    for answer in predict(read(path)):",
                '        print(answer if isinstance(answer, str) else " ".join(answer))',
            ]
            if per_step
            else [
                "    sequences = read(path)",
                "    shares = probabilities(sequences).max(-1).values.tolist()",
                "    for name, share in zip(predict(sequences), shares, strict=True):",
                '        print(f"{name}\\t{share:.4f}")',
            ]
        )

    def _generating(self, inputs: TokenInputs) -> None:
        parameters = ["text: str", "length: int", "temperature: float = 1.0", "seed: int = 0"]
        between = "" if inputs.level == "character" else " "
        self.functions.append(
            "\n".join(
                [
                    *statement("def generate(", parameters, ") -> str:", indent=0),
                    '    """Returns `text` and as many tokens more, drawn one after the other."""',
                    "    begun, _ = prepare([text])",
                    "    with torch.inference_mode():",
                    "        tokens = continued(load(), begun[0], length, temperature, seed)",
                    f'    return "{between}".join(VOCABULARY[token] for token in tokens)',
                ]
            )
        )
        self._main(["    print(generate(read(path)[0], 200))"])

    def _values(self, answers: NumberAnswers) -> None:
        constants = self._constants
        if answers.columns:
            constants.many("TARGETS", answers.columns, "What is answered.")
        constants.many("TARGET_MEAN", answers.mean, "The mean of each target in training.")
        constants.many("TARGET_SCALE", answers.scale, "The deviation of each target in training.")
        levels = max(len(answers.quantiles), 1)
        shape = ([answers.horizon] if answers.horizon else []) + [len(answers.mean)]
        sizes = ", ".join(map(str, [*shape, levels]))
        passed = ", ".join(self._given)
        body = [f"    found = outputs({passed}).view(-1, {sizes})"]
        if answers.quantiles:
            constants.many("QUANTILES", answers.quantiles, "The levels that are forecast.")
            body += ["    # Sorted, so that quantiles do not cross.", "    found = found.sort(dim=-1).values"]
            body.append("    return in_units(found, TARGET_MEAN, TARGET_SCALE)")
            shape.append(levels)
        else:
            body.append("    return in_units(found, TARGET_MEAN, TARGET_SCALE)[..., 0]")
        self._outputs()
        self.purpose = (
            f"{answers.horizon} steps after a series" if answers.horizon else "numbers for a sequence"
        )
        axes = ["batch", *(["horizon"] if answers.horizon else []), "targets"]
        axes += ["quantiles"] if answers.quantiles else []
        self.functions.append(
            "\n".join(
                [
                    f"def predict({parameters(self._given)}) -> Tensor:",
                    f'    """Returns numbers in the units of the targets, `({", ".join(axes)})`."""',
                    *body,
                ]
            )
        )
        starred = "*" if "times" in self._given else ""
        self._main([f"    for answer in predict({starred}read(path)):", "        print(answer.tolist())"])

    def _outputs(self) -> None:
        per_step = self._signature.per_step
        cut = [
            "    ends = [found.shape[1]] * len(found) if lengths is None else lengths.tolist()",
            "    return [each[:end] for each, end in zip(found, ends, strict=True)]",
        ]
        kind = "list[Tensor]" if per_step else "Tensor"
        self.functions.append(
            "\n".join(
                [
                    f"def outputs({parameters(self._given)}) -> {kind}:",
                    f'    """Returns the outputs of the network{" for each step" if per_step else ""}."""',
                    f"    inputs, lengths = prepare({', '.join(self._given)})",
                    "    with torch.inference_mode():",
                    "        found = load()(inputs, lengths)",
                    *(cut if per_step else ["    return found"]),
                ]
            )
        )

    def _main(self, body: list[str]) -> None:
        self.functions.append(
            "\n".join(
                [
                    "def main() -> None:",
                    '    """Prints the answers for a file."""',
                    "    parser = argparse.ArgumentParser(description=__doc__)",
                    '    parser.add_argument("file", type=Path)',
                    "    path = parser.parse_args().file",
                    *body,
                ]
            )
        )


def _named(column: str | None) -> str:
    return text_literal(column or "")
