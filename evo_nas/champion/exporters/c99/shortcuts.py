"""The shortcut of a network in C: what it keeps of each step, and what it adds to the outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evo_nas.champion.exporters.c99.fronts import runs_of_tokens
from evo_nas.champion.exporters.c99.source import loop, when
from evo_nas.genome.architecture import Forecast
from evo_nas.genome.blocks import ShortcutKind
from evo_nas.models.shortcuts import LinearShortcut, NgramTable, SharedLine

if TYPE_CHECKING:
    from evo_nas.champion.exporters.c99.source import Source
    from evo_nas.models.network import Network


class ShortcutWriter:
    """Writes ``PREFIXshortcut_read(x)`` for each step, and ``PREFIXshortcut_add(outputs)``.

    Args:
        source: Where it is written.
        network: A network with a shortcut.
        prefix: Beginning of all names.
        owner: Whose the states are; see `Source.state`.
    """

    def __init__(self, source: Source, network: Network, *, prefix: str, owner: str) -> None:
        assert network.shortcut is not None
        self._source = source
        self._shortcut = network.shortcut
        self._kind = network.architecture.shortcut.kind
        self._signature = network.signature
        self._relative = network.architecture.forecast is not Forecast.VALUE
        self._ngrams = network.architecture.shortcut.ngrams
        self._prefix = f"{prefix}shortcut"
        self._owner = owner

    @property
    def reads_tokens(self) -> bool:
        """Whether each step is a token."""
        return self._kind is ShortcutKind.NGRAMS

    def write(self) -> tuple[str, str]:
        """Writes both functions and returns their names."""
        writers = {
            ShortcutKind.SHARED: self._window,
            ShortcutKind.FULL: self._window,
            ShortcutKind.FLAT: self._flat,
            ShortcutKind.POOLED: self._pooled,
            ShortcutKind.NGRAMS: self._table,
        }
        read, add = writers[self._kind]()
        argument = "int32_t id" if self.reads_tokens else "const float *x"
        names = f"{self._prefix}_read", f"{self._prefix}_add"
        self._source.function(
            f"static void {names[0]}({argument})", read, f"What the {self._kind} shortcut keeps of a step."
        )
        self._source.function(
            f"static void {names[1]}(float *outputs)",
            add,
            "What it adds to the outputs for the steps so far.",
        )
        return names

    def _state(self, name: str, size: int, begins: str = "0.0f") -> str:
        return self._source.state(f"{self._prefix}_{name}", size, owner=self._owner, begins=begins)

    def _counter(self, name: str) -> str:
        return self._source.counter(f"{self._prefix}_{name}", owner=self._owner)

    def _weights(self) -> tuple[str, str]:
        shortcut = self._shortcut
        assert isinstance(shortcut, LinearShortcut)
        shape = " x ".join(map(str, shortcut.weight.shape))
        return (
            self._source.weights(f"{self._prefix}_weight", shortcut.weight, shape),
            self._source.weights(f"{self._prefix}_bias", shortcut.bias),
        )

    def _window(self) -> tuple[list[str], list[str]]:
        """A map from a window, which is kept as a ring of steps."""
        weight, bias = self._weights()
        steps, outputs = self._signature.steps, self._signature.outputs
        shared = isinstance(self._shortcut, SharedLine)
        read = (
            list(dict.fromkeys(self._signature.last_values))
            if shared
            else list(range(self._signature.features))
        )
        count = len(read)
        columns = self._source.integers(f"{self._prefix}_columns", read)
        ring, place, seen = (
            self._state("window", steps * count),
            self._counter("place"),
            self._counter("seen"),
        )
        keep = [
            f"{place} = ({place} + 1) % {steps};",
            *loop("i", count, f"{ring}[{place} * {count} + i] = x[{columns}[i]];"),
            *when(f"{seen} < {steps}", f"{seen}++;"),
        ]
        less = f" - {ring}[{place} * {count} + i]" if self._relative else ""
        value = f"const float value = row[i]{less};"
        levels = len(self._signature.last_values) // count if shared else 1
        if shared:
            horizon = outputs // (count * levels)
            each = f"outputs[(k * {count} + i) * {levels} + level] += "
            inner = loop(
                "k",
                horizon,
                f"const float added = {weight}[k * {steps} + {steps - 1} - ago] * value;",
                *loop("level", levels, f"{each}added;"),
            )
        else:
            at = f"{weight}[k * {steps * count} + ({steps - 1} - ago) * {count} + i]"
            inner = loop("k", outputs, f"outputs[k] += {at} * value;")
        add = [
            f"{self._source.helper('add')}(outputs, {bias}, {outputs});",
            "/* steps before the first one count as zeros */",
            *loop(
                "ago",
                seen,
                f"const float *row = {ring} + ({place} + {steps} - ago) % {steps} * {count};",
                *loop("i", count, value, *inner),
            ),
        ]
        return keep, add

    def _flat(self) -> tuple[list[str], list[str]]:
        """A map from the first steps, whose products are added up as they come."""
        weight, bias = self._weights()
        steps, features, outputs = self._signature.steps, self._signature.features, self._signature.outputs
        sums, place = self._state("sums", outputs), self._counter("place")
        dot, add = map(self._source.helper, ("dot", "add"))
        at = f"{weight} + k * {steps * features} + {place} * {features}"
        keep = when(
            f"{place} < {steps}",
            *loop("k", outputs, f"{sums}[k] += {dot}({at}, x, {features});"),
            f"{place}++;",
        )
        return keep, [f"{add}(outputs, {bias}, {outputs});", f"{add}(outputs, {sums}, {outputs});"]

    def _pooled(self) -> tuple[list[str], list[str]]:
        """A map from mean and maximum of the steps so far."""
        weight, bias = self._weights()
        features, outputs = self._signature.features, self._signature.outputs
        sums, largest = self._state("sums", features), self._state("largest", features, "-INFINITY")
        steps = self._counter("steps")
        product, add = map(self._source.helper, ("add_product", "add"))
        keep = [
            f"{steps}++;",
            *loop("i", features, f"{sums}[i] += x[i];", f"{largest}[i] = fmaxf({largest}[i], x[i]);"),
        ]
        return keep, [
            f"float read[{2 * features}];",
            *loop(
                "i",
                features,
                f"read[i] = {sums}[i] / (float){steps};",
                f"read[{features} + i] = {largest}[i];",
            ),
            f"{add}(outputs, {bias}, {outputs});",
            f"{product}(outputs, {weight}, read, {outputs}, {2 * features});",
        ]

    def _table(self) -> tuple[list[str], list[str]]:
        """Contributions of runs of tokens: of those that end now, or of all so far."""
        shortcut, outputs = self._shortcut, self._signature.outputs
        assert isinstance(shortcut, NgramTable)
        assert self._ngrams is not None
        table = self._source.weights(f"{self._prefix}_table", shortcut.table, "a hashed run a row")
        sums, add = self._state("sums", outputs), self._source.helper("add")
        per_step = self._signature.per_step
        counted = [] if per_step else [self._counter("runs")]
        found = [f"{add}({sums}, {table} + run * {outputs}, {outputs});", *(f"{runs}++;" for runs in counted)]
        keep = runs_of_tokens(self._source, self._ngrams, f"{self._prefix}_tokens", self._owner, *found)
        if per_step:
            return [f"{self._source.helper('fill')}({sums}, 0.0f, {outputs});", *keep], [
                f"{add}(outputs, {sums}, {outputs});"
            ]
        (runs,) = counted
        return keep, [
            f"const float factor = 1.0f / sqrtf({runs} > 1 ? (float){runs} : 1.0f);",
            *loop("k", outputs, f"outputs[k] += factor * {sums}[k];"),
        ]
