"""The head of a network in C: pooling that runs along with the steps, a hidden layer, and the outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

from evo_nas.champion.exporters.c99.source import loop
from evo_nas.genome.architecture import Pooling
from evo_nas.models.head import Attention, LastStep
from evo_nas.models.layers import TiedEmbedding, TiedOutput

if TYPE_CHECKING:
    from evo_nas.champion.exporters.c99.source import Source
    from evo_nas.models.network import Network


class HeadWriter:
    """Writes ``PREFIXpool(features, pooled)`` and ``PREFIXhead(features, outputs)``.

    Args:
        source: Where it is written.
        network: The network.
        features: Values that the head reads of a step.
        prefix: Beginning of all names.
        owner: Whose the states are; see `Source.state`.
    """

    def __init__(self, source: Source, network: Network, features: int, *, prefix: str, owner: str) -> None:
        self._source = source
        self._head = network.head
        self._settings = network.architecture.head
        self._embedding = network.front.embedding
        self._features = features
        self._prefix = prefix
        self._owner = owner

    @property
    def is_pooled(self) -> bool:
        """Whether the steps are pooled."""
        return self._head.pooling is not None

    @property
    def backward(self) -> list[bool]:
        """For each feature whether the first step counts instead of the last."""
        pooling = self._head.pooling
        return pooling.backward.tolist() if isinstance(pooling, LastStep) else [False] * self._features

    def pool(self) -> str:
        """Adds the function that pools the steps so far, and returns its name."""
        name, size = f"{self._prefix}pool", self._features
        match self._settings.pooling:
            case Pooling.LAST:
                comment = "The last step."
                body = [f"{self._source.helper('copy')}(pooled, features, {size});"]
            case Pooling.MEAN:
                comment, body = "The mean of the steps so far.", self._mean()
            case Pooling.MAX:
                comment, body = "The largest values of the steps so far.", self._max()
            case Pooling.ATTENTION:
                comment, body = (
                    "The mean of the steps so far, weighted by a softmax of scores.",
                    self._attention(),
                )
        self._source.function(f"static void {name}(const float *features, float *pooled)", body, comment)
        return name

    def head(self) -> str:
        """Adds the function that gives outputs from features, and returns its name."""
        name, source, hidden = f"{self._prefix}head", self._source, self._head.hidden
        lines: list[str] = []
        read = "features"
        if isinstance(hidden, nn.Linear):
            size = hidden.out_features
            lines += [f"float hidden[{size}];", *self._linear("hidden", hidden, "features", "hidden")]
            lines += loop("i", size, "hidden[i] = tanhf(hidden[i]);")
            read = "hidden"
        output = self._head.output
        if isinstance(output, TiedOutput):
            lines += self._tied(output, read)
        else:
            assert isinstance(output, nn.Linear)
            lines += self._linear("outputs", output, read, "output")
        source.function(
            f"static void {name}(const float *features, float *outputs)", lines, "From features to outputs."
        )
        return name

    def _linear(self, target: str, linear: nn.Linear, read: str, name: str) -> list[str]:
        copy, product = map(self._source.helper, ("copy", "add_product"))
        rows, columns = linear.weight.shape
        weight = self._source.weights(f"{self._prefix}{name}_weight", linear.weight, f"{rows} x {columns}")
        bias = self._source.weights(f"{self._prefix}{name}_bias", linear.bias)
        return [
            f"{copy}({target}, {bias}, {rows});",
            f"{product}({target}, {weight}, {read}, {rows}, {columns});",
        ]

    def _tied(self, output: TiedOutput, read: str) -> list[str]:
        """Returns the lines that score tokens; the embedding is stored scaled up, so that scores are scaled down."""
        assert isinstance(self._embedding, TiedEmbedding)
        source, width = self._source, self._embedding.embedding_dim
        tokens = self._embedding.num_embeddings
        dot, fill, product = map(source.helper, ("dot", "fill", "add_product"))
        bias, lines = source.weights(f"{self._prefix}output_bias", output.bias), []
        if isinstance(output.projection, nn.Linear):
            columns = output.projection.in_features
            matrix = source.weights(
                f"{self._prefix}projection", output.projection.weight, f"{width} x {columns}"
            )
            lines += [
                f"float projected[{width}];",
                f"{fill}(projected, 0.0f, {width});",
                f"{product}(projected, {matrix}, {read}, {width}, {columns});",
            ]
            read = "projected"
        scores = source.weights(f"{self._prefix}output_weight", self._embedding.weight, "a token a row")
        return [
            *lines,
            *loop("i", tokens, f"outputs[i] = {bias}[i] + {dot}({scores} + i * {width}, {read}, {width});"),
        ]

    def _state(self, name: str, size: int, begins: str = "0.0f") -> str:
        return self._source.state(f"{self._prefix}{name}", size, owner=self._owner, begins=begins)

    def _mean(self) -> list[str]:
        total, size = self._state("pooled_sum", self._features), self._features
        steps = self._source.counter(f"{self._prefix}pooled_steps", owner=self._owner)
        return [
            f"{steps}++;",
            *loop("i", size, f"{total}[i] += features[i];", f"pooled[i] = {total}[i] / (float){steps};"),
        ]

    def _max(self) -> list[str]:
        largest, size = self._state("pooled_max", self._features, "-INFINITY"), self._features
        return loop(
            "i", size, f"{largest}[i] = fmaxf({largest}[i], features[i]);", f"pooled[i] = {largest}[i];"
        )

    def _attention(self) -> list[str]:
        pooling, size = self._head.pooling, self._features
        assert isinstance(pooling, Attention)
        score = self._source.weights(f"{self._prefix}score_weight", pooling.score.weight)
        weighted = self._state("pooled_sum", size)
        weights, largest = self._state("pooled_weights", 1), self._state("pooled_largest", 1, "-INFINITY")
        return [
            f"const float score = {self._source.helper('dot')}({score}, features, {size});",
            f"const float larger = fmaxf({largest}[0], score);",
            f"const float kept = expf({largest}[0] - larger), weight = expf(score - larger);",
            f"{largest}[0] = larger;",
            f"{weights}[0] = kept * {weights}[0] + weight;",
            *loop(
                "i",
                size,
                f"{weighted}[i] = kept * {weighted}[i] + weight * features[i];",
                f"pooled[i] = {weighted}[i] / {weights}[0];",
            ),
        ]
