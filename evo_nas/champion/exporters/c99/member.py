"""One network in C: one step a call, or a whole window a call where a part of it needs that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evo_nas.champion.exporters.c99.fronts import FrontWriter
from evo_nas.champion.exporters.c99.heads import HeadWriter
from evo_nas.champion.exporters.c99.layers import LayerWriter
from evo_nas.champion.exporters.c99.places import PlaceWriter
from evo_nas.champion.exporters.c99.shortcuts import ShortcutWriter
from evo_nas.champion.exporters.c99.source import loop
from evo_nas.genome.blocks import Columns
from evo_nas.genome.columns import network_signature, targets_of
from evo_nas.models.recurrent_layer import RecurrentLayer

if TYPE_CHECKING:
    from evo_nas.champion.exporters.c99.places import Window
    from evo_nas.champion.exporters.c99.source import Source
    from evo_nas.models.network import Network


class Member:
    """Writes one network.

    Args:
        source: Where it is written.
        network: The network, in evaluation mode.
        prefix: Beginning of all names; empty for the only one.
    """

    def __init__(self, source: Source, network: Network, *, prefix: str) -> None:
        self._source = source
        self._network = network
        self._architecture = network.architecture
        self._signature = network.signature
        self._read = network_signature(network.architecture, network.signature)
        self._prefix = prefix
        self._owner = f"{prefix}network"
        owner = self._owner
        self._front = FrontWriter(source, network, prefix=prefix, owner=owner)
        self._layers: list[LayerWriter] = []
        for number, (settings, layer) in enumerate(
            zip(self._architecture.layers, network.layers, strict=True), 1
        ):
            assert isinstance(layer, RecurrentLayer)
            self._layers.append(
                LayerWriter(source, settings, layer, prefix=f"{prefix}layer{number}", owner=owner)
            )
        self._widths = [self._front.width, *(layer.outputs for layer in self._layers)]
        skip = self._architecture.head.skip
        self._features = self._widths[-1] + (0 if skip is None else self._widths[skip])
        self._head = HeadWriter(source, network, self._features, prefix=prefix, owner=owner)
        self._shortcut: tuple[str, str] | None = None
        if network.shortcut is not None:
            writer = ShortcutWriter(source, network, prefix=prefix, owner=f"{prefix}shortcut")
            self._shortcut = writer.write()

    def streaming(self) -> tuple[str, str]:
        """Adds what makes one step a call, and returns the functions ``reset()`` and ``step(input, outputs)``."""
        source, prefix = self._source, self._prefix
        lines, row = self._entered_step()
        front = self._front.step()
        if front is not None:
            arguments = f"{row}, id" if self._front.takes_id else row
            lines += [f"float value0[{self._front.width}];", f"{front}({arguments}, value0);"]
            row = "value0"
        lines += [f"float features[{self._features}];", f"{self._through_layers()}({row}, features);"]
        read = "features"
        if self._head.is_pooled:
            lines += [f"float pooled[{self._features}];", f"{self._head.pool()}(features, pooled);"]
            read = "pooled"
        lines.append(f"{self._head.head()}({read}, outputs);")
        given = "id" if self._signature.vocabulary else "x"
        if self._shortcut is not None:
            lines += [f"{self._shortcut[0]}({given});", f"{self._shortcut[1]}(outputs);"]
        lines += self._with_last("x")
        argument = "int32_t id" if self._signature.vocabulary else "const float *x"
        source.function(f"static void {prefix}network_step({argument}, float *outputs)", lines, "One step.")
        return self._reset(), f"{prefix}network_step"

    def whole(self, window: Window) -> str:
        """Adds what reads a window a call, and returns the function ``(steps, outputs)``."""
        source, prefix, read = self._source, self._prefix, self._read
        apart = self._architecture.columns is Columns.APART
        by_layer = any(layer.bidirectional for layer in self._architecture.layers)
        place = PlaceWriter(source, self._network, self._front, prefix=prefix).write(window)
        features = self._all_features(window, place) if by_layer else self._through_layers()
        stride = self._front.stride
        lines = [
            f"const int32_t places = (steps + {stride - 1}) / {stride};"
            if stride > 1
            else "const int32_t places = steps;"
        ]
        per_target = read.outputs
        out = "of_target" if apart else "outputs"
        inner = [f"{prefix}network_reset();"]
        target = "target" if apart else "0"
        if by_layer:
            inner += self._pooled_from_buffer(features, target)
        else:
            inner += self._pooled_as_it_comes(features, place, target)
        inner += self._answered(out)
        self._reset()
        if apart:
            targets = targets_of(self._signature)
            horizon = self._signature.horizon
            each = per_target // horizon
            lines += loop(
                "target",
                len(targets),
                f"float of_target[{per_target}];",
                *inner,
                *loop(
                    "h",
                    horizon,
                    *loop(
                        "k",
                        each,
                        f"outputs[(h * {len(targets)} + target) * {each} + k] = of_target[h * {each} + k];",
                    ),
                ),
            )
        else:
            lines += inner
        lines += self._shortcut_of_window(window)
        if self._network.residual is not None:
            lines += self._with_last(f"{window.inputs} + (steps - 1) * {self._signature.features}")
        source.function(
            f"static void {prefix}network_whole(int32_t steps, float *outputs)", lines, "The whole window."
        )
        return f"{prefix}network_whole"

    def _reset(self) -> str:
        source, prefix = self._source, self._prefix
        source.reset_function(f"{prefix}network_reset", self._owner)
        if self._shortcut is not None:
            source.reset_function(f"{prefix}shortcut_reset", f"{prefix}shortcut")
        return f"{prefix}network_reset"

    @property
    def resets(self) -> list[str]:
        """The functions that bring all states to those before the first step."""
        shortcut = [f"{self._prefix}shortcut_reset"] if self._shortcut is not None else []
        return [f"{self._prefix}network_reset", *shortcut]

    def _entered_step(self) -> tuple[list[str], str]:
        if self._front.table is None:
            return [], "x"
        return [f"const float *row = {self._front.table} + id * {self._front.read};"], "row"

    def _with_last(self, last: str) -> list[str]:
        """Returns the lines that add the last values of the targets, ``last`` being the last step."""
        if self._network.residual is None:
            return []
        values = self._source.integers(f"{self._prefix}last_values", self._signature.last_values)
        size = len(self._signature.last_values)
        return loop("k", self._signature.outputs, f"outputs[k] += ({last})[{values}[k % {size}]];")

    def _joined(
        self, below: list[str], widths: list[int], skip: int | None, name: str
    ) -> tuple[list[str], str]:
        """Returns the lines that join the topmost value with the one that ``skip`` names, and what is then read."""
        if skip is None:
            return [], below[-1]
        copy, first, second = self._source.helper("copy"), widths[-1], widths[skip]
        return [
            f"float {name}[{first + second}];",
            f"{copy}({name}, {below[-1]}, {first});",
            f"{copy}({name} + {first}, {below[skip]}, {second});",
        ], name

    def _through_layers(self) -> str:
        """Adds the function from what the first layer reads of a step to what the head reads; returns its name."""
        name, lines, below = f"{self._prefix}layers", [], ["value0"]
        widths = [self._front.width]
        for number, (settings, layer) in enumerate(
            zip(self._architecture.layers, self._layers, strict=True), 1
        ):
            joining, read = self._joined(below, widths, settings.skip, f"joined{number}")
            below.append(f"value{number}")
            widths.append(layer.outputs)
            lines += [
                *joining,
                f"float value{number}[{layer.outputs}];",
                f"{layer.step()}({read}, value{number});",
            ]
        joining, read = self._joined(below, widths, self._architecture.head.skip, "joined")
        lines += [*joining, f"{self._source.helper('copy')}(features, {read}, {self._features});"]
        self._source.function(
            f"static void {name}(const float *value0, float *features)", lines, "All layers."
        )
        return name

    def _pooled_as_it_comes(self, layers: str, place: str, target: str) -> list[str]:
        """Returns the lines that read place after place, and pool them or write every step's outputs."""
        size = self._features
        body = [
            f"float value0[{self._front.width}];",
            f"{place}(place, {target}, steps, value0);",
            f"{layers}(value0, features);",
        ]
        if self._signature.per_step:
            head = self._head.head()
            body += [f"{head}(features, outputs + place * {self._signature.outputs});"]
            return [f"float features[{size}];", *loop("place", "places", *body)]
        if not self._head.is_pooled:
            return [f"float features[{size}];", *loop("place", "places", *body)]
        body += [f"{self._head.pool()}(features, pooled);"]
        return [f"float features[{size}], pooled[{size}];", *loop("place", "places", *body)]

    def _all_features(self, window: Window, place: str) -> str:
        """Adds the function that runs layer after layer over all places, into static memory; returns its name."""
        source, prefix = self._source, self._prefix
        most = -(-window.most // self._front.stride)
        stride = self._front.stride
        expression = f"({window.expression} + {stride - 1}) / {stride}" if stride > 1 else window.expression

        def kept(name: str, width: int) -> str:
            return source.buffer(f"{prefix}{name}", f"({expression}) * {width}", most * width)

        below = [kept("value0", self._front.width)]
        lines = loop(
            "place", "places", f"{place}(place, target, steps, {below[0]} + place * {self._front.width});"
        )
        for number, (settings, layer) in enumerate(
            zip(self._architecture.layers, self._layers, strict=True), 1
        ):
            read = below[-1]
            if settings.skip is not None:
                read = kept(f"joined{number}", layer.inputs)
                lines += self._joined_places(below, self._widths[:number], settings.skip, read)
            below.append(kept(f"value{number}", layer.outputs))
            if settings.bidirectional:
                run = layer.run(expression, most)
                lines.append(f"{run}({read}, {below[-1]}, places);")
            else:
                step = layer.step()
                lines += loop(
                    "place",
                    "places",
                    f"{step}({read} + place * {layer.inputs}, {below[-1]} + place * {layer.outputs});",
                )
        read = below[-1]
        if (skip := self._architecture.head.skip) is not None:
            read = kept("joined", self._features)
            lines += self._joined_places(below, self._widths, skip, read)
        lines.append(f"return {read};")
        name = f"{prefix}layers"
        source.function(
            f"static const float *{name}(int32_t places, int32_t target, int32_t steps)",
            lines,
            "All layers, one after the other over all places.",
        )
        return name

    def _joined_places(self, below: list[str], widths: list[int], skip: int, joined: str) -> list[str]:
        copy, first, second = self._source.helper("copy"), widths[-1], widths[skip]
        at = f"{joined} + place * {first + second}"
        return loop(
            "place",
            "places",
            f"{copy}({at}, {below[-1]} + place * {first}, {first});",
            f"{copy}({at} + {first}, {below[skip]} + place * {second}, {second});",
        )

    def _pooled_from_buffer(self, layers: str, target: str) -> list[str]:
        size, source = self._features, self._source
        backward = [f"{layer.prefix}_back_reset();" for layer in self._layers if layer.is_bidirectional]
        lines = [*backward, f"const float *features = {layers}(places, {target}, steps);"]
        if self._signature.per_step:
            call = f"{self._head.head()}(features + place * {size}, outputs + place * {self._signature.outputs});"
            return [*lines, *loop("place", "places", call)]
        if not self._head.is_pooled:
            return [*lines, "(void)features;"]
        lines += [f"float pooled[{size}];"]
        lines += loop("place", "places", f"{self._head.pool()}(features + place * {size}, pooled);")
        if any(self._head.backward):
            first = source.integers(f"{self._prefix}reads_first", list(map(int, self._head.backward)))
            lines += ["/* a cell that reads backwards ends at the first step */"]
            lines += loop("i", size, f"pooled[i] = {first}[i] ? features[i] : pooled[i];")
        return lines

    def _answered(self, out: str) -> list[str]:
        """Returns the lines from what was pooled to the outputs of one target or of all."""
        if self._signature.per_step:
            return []
        queries = self._network.queries
        if queries is None:
            return [f"{self._head.head()}(pooled, {out});"]
        source, top, copy = self._source, self._layers[-1], self._source.helper("copy")
        segments = len(queries.positions)
        of_segment = self._network.head.output.out_features
        positions = source.weights(f"{self._prefix}positions", queries.positions, "a segment a row")
        wide = queries.positions.shape[1]
        lines = [f"float query[{top.inputs}];", f"{copy}(query, {positions} + segment * {wide}, {wide});"]
        if queries.targets is not None:
            own = queries.targets.shape[1]
            of_targets = source.weights(f"{self._prefix}of_targets", queries.targets, "a target a row")
            lines.append(f"{copy}(query + {wide}, {of_targets} + target * {own}, {own});")
        pooled = self._features if self._head.is_pooled else 0
        lines += [
            f"float decoded[{top.outputs + pooled}], values[{of_segment}];",
            f"{top.decode()}(query, decoded);",
            *([f"{copy}(decoded + {top.outputs}, pooled, {pooled});"] if pooled else []),
            f"{self._head.head()}(decoded, values);",
            "/* the last segment may reach beyond the horizon */",
            f"for (int32_t k = 0; k < {of_segment} && segment * {of_segment} + k < {self._read.outputs}; k++) {{",
            f"    {out}[segment * {of_segment} + k] = values[k];",
            "}",
        ]
        return loop("segment", segments, *lines)

    def _shortcut_of_window(self, window: Window) -> list[str]:
        if self._shortcut is None:
            return []
        read, add = self._shortcut
        features = self._signature.features
        step = f"{window.inputs}[t]" if self._signature.vocabulary else f"{window.inputs} + t * {features}"
        if not self._signature.per_step:
            return [
                f"{self._prefix}shortcut_reset();",
                *loop("t", "steps", f"{read}({step});"),
                f"{add}(outputs);",
            ]
        return [
            f"{self._prefix}shortcut_reset();",
            *loop("t", "steps", f"{read}({step});", f"{add}(outputs + t * {self._signature.outputs});"),
        ]
