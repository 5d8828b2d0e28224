"""`c_file`: a champion as one C99 file, and its header."""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evo_nas.champion.exporters.c99.answers import AnswersWriter, InputsWriter, names_array
from evo_nas.champion.exporters.c99.member import Member
from evo_nas.champion.exporters.c99.places import Window
from evo_nas.champion.exporters.c99.source import Source, in_comment, indented, literal, loop, when
from evo_nas.errors import ChampionError
from evo_nas.genome.describe import describe
from evo_nas.genome.footprint import state_bytes
from evo_nas.genome.streaming import stream_obstacle
from evo_nas.models.ensemble import Ensemble, Link
from evo_nas.models.network import Network
from evo_nas.tasks.raw_inputs import NumericInputs, TokenInputs

if TYPE_CHECKING:
    from evo_nas.models.ensemble import Model
    from evo_nas.tasks.preparation import Preparation

C_WORDS = frozenset(
    """auto break case char const continue default do double else enum extern float for goto if inline int long main
    register restrict return short signed sizeof static struct switch typedef union unsigned void volatile while
    """.split()  # noqa: SIM905 - the list would be a line a word
)
"""Names that C has for itself."""


@dataclass(frozen=True, slots=True)
class CFile:
    """A model in C.

    Attributes:
        name: Beginning of the names of its functions.
        source: The content of the C file.
        header: The content of its header, which only declares.
        streams: Whether it has ``NAME_step``, one step a call; otherwise ``NAME_predict``, a window a call.
        inputs: Raw values of a step; 0 for tokens.
        outputs: Values of an answer.
        weight_bytes: Bytes of constant arrays of numbers.
        state_bytes: Bytes that are kept from call to call.
        buffer_bytes: Bytes of static memory for windows.
        stack_bytes: Bytes of local arrays.
    """

    name: str
    source: str
    header: str
    streams: bool
    inputs: int
    outputs: int
    weight_bytes: int
    state_bytes: int
    buffer_bytes: int
    stack_bytes: int


def c_file(model: Model, preparation: Preparation | None, link: Link, *, name: str, title: str = "") -> CFile:
    """Returns a model as C.

    Args:
        model: The model, in evaluation mode.
        preparation: What leads from raw values to its inputs and from its outputs to answers; None if its task does not
            say.
        link: The scale of its outputs.
        name: Beginning of the names of its functions; see `c_name`.
        title: What it is called in the comment at the top; ``name`` if not given.

    Raises:
        ChampionError: The model cannot be expressed.
    """
    return _FileWriter(model, preparation, link, name, title or name).file()


def c_name(text: str) -> str:
    """Returns ``text`` as a name of C in small letters, such as ``pen_digits`` for ``Pen digits``."""
    name = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
    if not name or name[0].isdigit() or name in C_WORDS or keyword.iskeyword(name):
        name = f"model_{name}".rstrip("_")
    return name


class _FileWriter:
    """Puts one file together."""

    def __init__(
        self, model: Model, preparation: Preparation | None, link: Link, name: str, title: str
    ) -> None:
        self._networks = _networks(model)
        self._shares = model.shares if isinstance(model, Ensemble) else (1.0,)
        self._joins = model.link if isinstance(model, Ensemble) else link
        self._signature = model.signature
        self._preparation = preparation
        self._name, self._macro, self._title = name, name.upper(), title
        self._source = Source()
        obstacles = [stream_obstacle(network.architecture) for network in self._networks]
        self._obstacle = next(filter(None, obstacles), "")
        self._inputs = InputsWriter(self._source, preparation, self._signature.features)
        self._answers = AnswersWriter(self._source, preparation, link, self._signature.outputs)
        if self._obstacle and not self._signature.steps:
            raise ChampionError(
                f"the champion reads whole sequences, of which the longest is not known: {self._obstacle}; search "
                "without that part, or export it in another format"
            )

    def file(self) -> CFile:
        """Returns the file."""
        prefixes = ["" if len(self._networks) == 1 else f"m{k}_" for k in range(1, len(self._networks) + 1)]
        prepares = self._inputs.write()
        members = [
            Member(self._source, network, prefix=prefix)
            for network, prefix in zip(self._networks, prefixes, strict=True)
        ]
        if self._obstacle:
            entry, declared = self._whole(members, prepares=prepares)
        else:
            entry, declared = self._step(members, prepares=prepares)
        return self._finished(entry, declared)

    @property
    def _is_tokens(self) -> bool:
        return bool(self._signature.vocabulary)

    def _step(self, members: list[Member], *, prepares: bool) -> tuple[str, list[str]]:
        source, name, outputs = self._source, self._name, self._signature.outputs
        functions = [member.streaming()[1] for member in members]
        resets = [f"{reset}();" for member in members for reset in member.resets]
        resets += self._reset_of_inputs()
        answers = source.buffer("answers", str(outputs), outputs)
        given = "id" if self._is_tokens else "x" if prepares else "raw"
        lines = [f"float x[{self._signature.features}];", "prepare(raw, x);"] if prepares else []
        lines += self._joined([f"{function}({given}, {{out}});" for function in functions], answers)
        lines += ["finish(answers);"] if self._answers.write() else []
        argument = "int32_t id" if self._is_tokens else "const float *raw"
        declared = [f"void {name}_reset(void)", f"const float *{name}_step({argument})"]
        source.function(declared[0], resets, "Begins a sequence; call it before the first step.")
        source.function(
            declared[1], [*lines, "return answers;"], f"Reads a step; returns {self._answers.words}."
        )
        return f"{name}_step", declared

    def _whole(self, members: list[Member], *, prepares: bool) -> tuple[str, list[str]]:
        source, name, signature = self._source, self._name, self._signature
        most = f"{self._macro}_MAX_STEPS"
        size = 1 if self._is_tokens else signature.features
        window = Window(signature.steps, most, "ids" if self._is_tokens else "prepared")
        if not self._is_tokens:
            source.buffer("prepared", f"{most} * {size}", signature.steps * size)
        else:
            source.pointer("static const int32_t *ids;")
        functions = [member.whole(window) for member in members]
        steps = signature.steps if signature.per_step else 1
        expression = f"{most} * {signature.outputs}" if signature.per_step else str(signature.outputs)
        answers = source.buffer("answers", expression, steps * signature.outputs)
        lines = when(f"steps < 1 || steps > {most}", "return 0;")
        lines += self._reset_of_inputs()
        if self._is_tokens:
            lines.append("ids = window;")
        else:
            raw, x = f"window + t * {self._inputs.count}", f"prepared + t * {size}"
            fill = f"prepare({raw}, {x});" if prepares else f"{source.helper('copy')}({x}, {raw}, {size});"
            lines += loop("t", "steps", fill)
        lines += self._joined([f"{function}(steps, {{out}});" for function in functions], answers)
        if self._answers.write():
            each = loop("t", "steps", f"finish(answers + t * {signature.outputs});")
            lines += each if signature.per_step else ["finish(answers);"]
        kind = "const int32_t *window" if self._is_tokens else "const float *window"
        declared = [f"const float *{name}_predict({kind}, int32_t steps)"]
        comment = f"Reads a window, the oldest step first; returns {self._answers.words}"
        comment += " of each step" if signature.per_step else ""
        source.function(
            declared[0], [*lines, "return answers;"], f"{comment}, or 0 if there are not 1 to {most} steps."
        )
        return f"{name}_predict", declared

    def _reset_of_inputs(self) -> list[str]:
        if not self._source.has_states("inputs"):
            return []
        self._source.reset_function("inputs_reset", "inputs")
        return ["inputs_reset();"]

    def _joined(self, calls: list[str], answers: str) -> list[str]:
        """Returns the lines that write the mean of the members, on the scale of the link, to ``answers``."""
        if len(calls) == 1:
            return [calls[0].format(out=answers)]
        source, outputs = self._source, self._signature.outputs
        per_step = bool(self._obstacle) and self._signature.per_step
        size = f"steps * {outputs}" if per_step else str(outputs)
        most = f"{self._macro}_MAX_STEPS * {outputs}" if per_step else str(outputs)
        of_member = source.buffer("of_member", most, outputs * (self._signature.steps if per_step else 1))
        fill = source.helper("fill")
        if self._joins is Link.VALUES:
            lines = [f"{fill}({answers}, 0.0f, {size});"]
            for call, share in zip(calls, self._shares, strict=True):
                lines += [call.format(out=of_member)]
                lines += loop("k", size, f"{answers}[k] += {literal(share)} * {of_member}[k];")
            return lines
        log_add = source.helper("log_add")
        lines = [f"{fill}({answers}, -INFINITY, {size});"]
        if self._joins is Link.CLASSES:
            softmax = source.helper("log_softmax")
            rows = "steps" if per_step else "1"
            for call, share in zip(calls, self._shares, strict=True):
                lines += [call.format(out=of_member)]
                lines += loop("row", rows, f"{softmax}({of_member} + row * {outputs}, {outputs});")
                lines += loop(
                    "k",
                    size,
                    f"{answers}[k] = {log_add}({answers}[k], logf({literal(share)}) + {of_member}[k]);",
                )
            return lines
        unlikely = source.buffer("unlikely", most, outputs * (self._signature.steps if per_step else 1))
        likely = source.helper("log_sigmoid")
        lines += [f"{fill}({unlikely}, -INFINITY, {size});"]
        for call, share in zip(calls, self._shares, strict=True):
            lines += [call.format(out=of_member)]
            lines += loop(
                "k",
                size,
                f"{answers}[k] = {log_add}({answers}[k], logf({literal(share)}) + {likely}({of_member}[k]));",
                f"{unlikely}[k] = {log_add}({unlikely}[k], logf({literal(share)}) + {likely}(-{of_member}[k]));",
            )
        return [*lines, *loop("k", size, f"{answers}[k] -= {unlikely}[k];")]

    def _finished(self, entry: str, declared: list[str]) -> CFile:
        source, macro = self._source, self._macro
        stack = source.stack_bytes(entry)
        comment = self._comment(stack, declared)
        names = self._names()
        constants = self._constants()
        include = "#include <math.h>\n#include <stdint.h>"
        parts = [comment, include, "\n".join(constants), *names, source.text()]
        externs = [f"extern {each.partition(' = ')[0]};" for each in names]
        externs += [f"extern {self._vocabulary_declaration()};"] if self._vocabulary else []
        prototypes = [f"{each};" for each in declared]
        prototypes += [f"int32_t {self._name}_id(const char *token);"] if self._vocabulary else []
        guard = f"{macro}_H"
        header = "\n".join(
            [
                comment,
                f"#ifndef {guard}",
                f"#define {guard}",
                "",
                "#include <stdint.h>",
                "",
                *constants,
                "",
                *externs,
                *prototypes,
                "",
                "#endif",
                "",
            ]
        )
        text = "\n\n".join(parts)
        if self._vocabulary:
            text += "\n" + self._encoder()
        return CFile(
            self._name,
            text,
            header,
            streams=not self._obstacle,
            inputs=0 if self._is_tokens else self._inputs.count,
            outputs=self._signature.outputs,
            weight_bytes=source.weight_bytes,
            state_bytes=source.state_bytes,
            buffer_bytes=source.buffer_bytes,
            stack_bytes=stack,
        )

    def _names(self) -> list[str]:
        columns = self._inputs.columns
        found = [names_array(f"{self._name}_columns", columns)] if columns else []
        return [*found, *self._answers.names(self._name)]

    @property
    def _vocabulary(self) -> tuple[str, ...]:
        inputs = None if self._preparation is None else self._preparation.inputs
        return inputs.vocabulary if isinstance(inputs, TokenInputs) else ()

    def _vocabulary_declaration(self) -> str:
        return f"const char *const {self._name}_vocabulary[{len(self._vocabulary)}]"

    def _encoder(self) -> str:
        """Returns the vocabulary, and the function that finds a token in it."""
        name, size = self._name, len(self._vocabulary)
        lines = [
            *loop(
                "id",
                size,
                f"const char *known = {name}_vocabulary[id];",
                "int32_t at = 0;",
                "while (token[at] != 0 && token[at] == known[at]) {",
                "    at++;",
                "}",
                *when("token[at] == known[at]", "return id;"),
            ),
            "return 0;",
        ]
        return "\n".join(
            [
                names_array(f"{name}_vocabulary", self._vocabulary),
                "",
                "/* The id of a token (UTF-8); 0, which stands for all that training did not have, if it is none. */",
                f"int32_t {name}_id(const char *token)",
                "{",
                *indented(lines),
                "}",
                "",
            ]
        )

    def _constants(self) -> list[str]:
        macro, signature = self._macro, self._signature
        found = [f"#define {macro}_OUTPUTS {signature.outputs}"]
        if not self._is_tokens:
            found.insert(0, f"#define {macro}_INPUTS {self._inputs.count}")
        else:
            found.insert(0, f"#define {macro}_TOKENS {signature.vocabulary}")
        if self._obstacle:
            found += [
                f"#ifndef {macro}_MAX_STEPS",
                f"#define {macro}_MAX_STEPS {signature.steps}",
                "#endif",
            ]
        elif signature.steps:
            found.append(f"#define {macro}_STEPS {signature.steps}")
        return found

    def _comment(self, stack: int, declared: list[str]) -> str:
        source = self._source
        counted = sum(state_bytes(each.architecture, each.signature) for each in self._networks)
        number = f"{len(self._networks)} networks, averaged" if len(self._networks) > 1 else "one network"
        lines = [
            f"{self._title}: {number}, written by evo-nas. C99; no malloc, no library but math.h.",
            "",
            *(f"    {each};" for each in declared),
            "",
            f"Inputs: {self._words_of_inputs()}",
            f"Outputs: {self._signature.outputs}, {self._answers.words}",
            *self._words_of_steps(),
            "",
            f"Memory in bytes: weights {source.weight_bytes:,} (constant); state {source.state_bytes:,}, by the count "
            f"of searches {counted:,}; buffers {source.buffer_bytes:,}; local arrays {stack:,}.",
            "",
            *(f"{each}" for each in dict.fromkeys(describe(net.architecture) for net in self._networks)),
        ]
        return "\n".join(["/*", *(f" * {in_comment_keeping(line)}".rstrip() for line in lines), " */"])

    def _words_of_inputs(self) -> str:
        if self._is_tokens:
            return f"the id of a token, 0 to {self._signature.vocabulary - 1}"
        columns = self._inputs.columns
        named = f" ({', '.join(columns)})" if columns else ""
        return f"{self._inputs.count} a step{named}; {self._inputs.words}"

    def _words_of_steps(self) -> list[str]:
        signature, preparation = self._signature, self._preparation
        inputs = None if preparation is None else preparation.inputs
        if self._obstacle:
            return [
                f"It reads a window a call, of at most {signature.steps} steps, and not a step a call: {self._obstacle}"
            ]
        if signature.horizon:
            return [f"Before a forecast: reset, then the last {signature.steps} steps, the oldest first."]
        if isinstance(inputs, NumericInputs) and inputs.window:
            return [f"Reset, then the last {inputs.window} steps of a sequence: training saw no longer ones."]
        return ["After each step the outputs are those for the steps since the last reset."]


def in_comment_keeping(line: str) -> str:
    """Returns a line of a comment with its indentation."""
    indent = line[: len(line) - len(line.lstrip())]
    return indent + in_comment(line)


def _networks(model: Model) -> list[Network]:
    members = model.members if isinstance(model, Ensemble) else [model]
    return [member for member in members if isinstance(member, Network)]
