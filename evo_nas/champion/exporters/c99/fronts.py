"""What leads from prepared inputs to the first layer, in C."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from evo_nas.champion.exporters.c99.source import loop
from evo_nas.genome.blocks import NGRAM_WIDTH, FrontKind
from evo_nas.models.stems import Convolution
from evo_nas.models.token_stems import NgramVectors, Subwords

if TYPE_CHECKING:
    from torch import Tensor

    from evo_nas.champion.exporters.c99.source import Source
    from evo_nas.genome.blocks import Front, Ngrams
    from evo_nas.models.fronts import FrontEnd
    from evo_nas.models.network import Network


class FrontWriter:
    """Writes ``PREFIXfront(...)``, which gives what the first layer reads.

    Args:
        source: Where it is written.
        network: The network.
        prefix: Beginning of all names.
        owner: Whose the states are; see `Source.state`.

    Attributes:
        width: Values that the first layer reads.
        read: Values of a step before the front: features, or the embedding of a token.
    """

    def __init__(self, source: Source, network: Network, *, prefix: str, owner: str) -> None:
        self._source = source
        self._end: FrontEnd = network.front
        self._front: Front = network.architecture.front
        self._prefix = prefix
        self._owner = owner
        self.width = network.front.width
        self.table: str | None = None
        if network.front.embedding is not None:
            self.read = network.front.embedding.embedding_dim
            self.table = source.weights(f"{prefix}embedding", self._vectors(), "a token a row")
        else:
            stem = network.front.stem
            sizes = {FrontKind.NONE: self.width, FrontKind.DIFFERENCES: self.width // 2}
            self.read = (
                stem.kernel.in_features // self._front.size
                if isinstance(stem, Convolution)
                else sizes[self._front.kind]
            )

    @property
    def is_window(self) -> bool:
        """Whether a place reads several steps."""
        return self._front.kind in (FrontKind.SEGMENTS, FrontKind.CONVOLUTION)

    @property
    def stride(self) -> int:
        """Steps from place to place."""
        return self._front.shortens

    @property
    def size(self) -> int:
        """Steps that a place reads."""
        return self._front.size

    def step(self) -> str | None:
        """Adds ``PREFIXfront(row, [id,] out)`` for one step after the other; None if rows are read as they are."""
        source, prefix = self._source, self._prefix
        takes_id = self._front.kind is FrontKind.NGRAMS
        match self._front.kind:
            case FrontKind.NONE | FrontKind.SUBWORDS:
                return None
            case FrontKind.DIFFERENCES:
                comment, body = "Each value, and its difference from the step before.", self._differences()
            case FrontKind.NGRAMS:
                stem = self._end.stem
                assert isinstance(stem, NgramVectors)
                comment = "The embedding, and the vectors of the runs of tokens that end here."
                body = self._ngrams(stem.vectors.weight)
            case _:
                comment = f"A convolution over the last {self.size} steps."
                body = self._convolution()
        name = f"{prefix}front"
        arguments = "const float *row, int32_t id, float *out" if takes_id else "const float *row, float *out"
        source.function(f"static void {name}({arguments})", body, comment)
        return name

    @property
    def takes_id(self) -> bool:
        """Whether the function that `step` adds takes the token besides its embedding."""
        return self._front.kind is FrontKind.NGRAMS

    def place(self) -> list[str]:
        """Returns the lines that make ``value0`` of ``joined``, the steps of a place, the oldest first."""
        copy, product = map(self._source.helper, ("copy", "add_product"))
        relu, columns = self._source.helper("relu"), self.size * self.read
        kernel, bias = self._kernel()
        return [
            f"{copy}(value0, {bias}, {self.width});",
            f"{product}(value0, {kernel}, joined, {self.width}, {columns});",
            *loop("i", self.width, f"value0[i] = {relu}(value0[i]);"),
        ]

    def _vectors(self) -> Tensor:
        """Returns what is read of each token, ``(vocabulary, width)``, with what its spelling adds."""
        embedding, stem = self._end.embedding, self._end.stem
        assert embedding is not None
        tokens = torch.arange(embedding.num_embeddings, device=embedding.weight.device)
        with torch.no_grad():
            vectors: Tensor = embedding(tokens)
            return vectors + stem.vectors(stem.spellings) if isinstance(stem, Subwords) else vectors

    def _kernel(self) -> tuple[str, str]:
        stem = self._end.stem
        assert isinstance(stem, Convolution)
        # The model's columns are ordered by feature first; here the steps of a place lie one after the other.
        by_step = stem.kernel.weight.view(self.width, self.read, self.size).transpose(1, 2)
        shape = f"{self.width} x {self.size} steps of {self.read}"
        return (
            self._source.weights(f"{self._prefix}kernel", by_step, shape),
            self._source.weights(f"{self._prefix}kernel_bias", stem.kernel.bias),
        )

    def _differences(self) -> list[str]:
        last = self._source.state(f"{self._prefix}last", self.read, owner=self._owner)
        begun = self._source.counter(f"{self._prefix}begun", owner=self._owner)
        return [
            *loop(
                "i",
                self.read,
                "out[i] = row[i];",
                f"out[{self.read} + i] = {begun} ? row[i] - {last}[i] : 0.0f;",
                f"{last}[i] = row[i];",
            ),
            f"{begun} = 1;",
        ]

    def _convolution(self) -> list[str]:
        columns, before = self.size * self.read, (self.size - 1) * self.read
        past = self._source.state(f"{self._prefix}past", before, owner=self._owner)
        copy = self._source.helper("copy")
        return [
            f"float joined[{columns}];",
            "float *value0 = out;",
            f"{copy}(joined, {past}, {before});",
            f"{copy}(joined + {before}, row, {self.read});",
            f"{copy}({past}, joined + {self.read}, {before});",
            *self.place(),
        ]

    def _ngrams(self, table: Tensor) -> list[str]:
        ngrams = self._front.ngrams
        assert ngrams is not None
        vectors = self._source.weights(f"{self._prefix}ngrams", table, "a hashed run a row")
        copy, fill, add = map(self._source.helper, ("copy", "fill", "add"))
        return [
            f"{copy}(out, row, {self.read});",
            f"{fill}(out + {self.read}, 0.0f, {NGRAM_WIDTH});",
            *runs_of_tokens(
                self._source,
                ngrams,
                f"{self._prefix}tokens",
                self._owner,
                f"{add}(out + {self.read}, {vectors} + run * {NGRAM_WIDTH}, {NGRAM_WIDTH});",
            ),
        ]


def runs_of_tokens(source: Source, ngrams: Ngrams, name: str, owner: str, *body: str) -> list[str]:
    """Returns lines that remember ``id`` and run ``body`` for the row ``run`` of each run that ends at it.

    A row of 0 stands for no run, and is left out.
    """
    tokens = source.counter(name, owner=owner, size=ngrams.longest)
    remember, hashed = map(source.helper, ("remember_token", "hashed_run"))
    return [
        f"{remember}({tokens}, {ngrams.longest}, id);",
        f"for (int32_t count = {ngrams.shortest}; count <= {ngrams.longest}; count++) {{",
        f"    const int32_t run = {hashed}({tokens} + {ngrams.longest} - count, count, {ngrams.rows});",
        "    if (run != 0) {",
        *(f"        {line}" for line in body),
        "    }",
        "}",
    ]
