"""Blocks around the recurrent layers: what a network reads besides raw steps, and what leads past the recurrence."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from evo_nas.errors import GenomeError
from evo_nas.genome.json_text import UNTRUSTED

MAX_SEGMENT = 1024
"""Most steps of a segment or of a convolution's kernel."""
MAX_NGRAM = 8
NGRAM_WIDTH = 16
"""Width of the vectors of n-grams that are joined to an embedding."""
LONGEST_SPELLING = 24
"""Characters of a token's spelling that are read, with the marks of its ends."""
MAX_NGRAM_ROWS = 1 << 20
"""Most rows of a table of hashed n-grams."""
ATTENTION_WINDOW = 64
"""Steps that attention sees, the present one among them."""
ATTENTION_BLOCK = 16
"""Steps of a long sequence for which attention is computed at once; more share less of what they see, fewer make more
copies."""
ATTENTION_HEADS = 4
MEMORY_SLOTS = 16


@dataclass(frozen=True, slots=True)
class Ngrams:
    """A table into which runs of tokens are hashed (Joulin et al., 2017).

    Attributes:
        shortest: Fewest tokens of a run.
        longest: Most tokens of a run.
        rows: Rows of the table, shared by runs of all lengths; one of them stands for places without a run.
    """

    __pydantic_config__ = UNTRUSTED

    shortest: int
    longest: int
    rows: int

    def __post_init__(self) -> None:
        if not 1 <= self.shortest <= self.longest <= MAX_NGRAM:
            raise GenomeError(
                f"n-grams of {self.shortest} to {self.longest} tokens; must be 1 to {MAX_NGRAM}, shortest first"
            )
        if not 2 <= self.rows <= MAX_NGRAM_ROWS:
            raise GenomeError(f"n-grams have {self.rows} rows; must be 2 to {MAX_NGRAM_ROWS}")

    @property
    def orders(self) -> int:
        """How many lengths of runs there are."""
        return self.longest - self.shortest + 1

    def __str__(self) -> str:
        return f"{self.shortest}-{self.longest} x {self.rows}"


class FrontKind(StrEnum):
    """What leads from the input to the first layer."""

    NONE = "none"
    """Numbers as they are; the embedding of tokens."""
    DIFFERENCES = "differences"
    """Each step beside its difference from the step before, zero at the first."""
    SEGMENTS = "segments"
    """Steps of numbers embedded ``size`` at a time, so that the recurrence has fewer steps (Lin et al., 2023)."""
    CONVOLUTION = "convolution"
    """A convolution over ``size`` steps at every ``stride``-th step."""
    NGRAMS = "ngrams"
    """Vectors of the hashed n-grams that end at each token, beside its embedding."""
    SUBWORDS = "subwords"
    """Vectors of the hashed character n-grams of each token's spelling, added to its embedding (Bojanowski et al.,
    2017)."""


_HASHED = frozenset({FrontKind.NGRAMS, FrontKind.SUBWORDS})
_SIZED = frozenset({FrontKind.SEGMENTS, FrontKind.CONVOLUTION})


@dataclass(frozen=True, slots=True)
class Front:
    """What a network reads.

    Attributes:
        kind: What is done with the input.
        size: Steps of a segment or of a convolution's kernel; 0 for other kinds.
        stride: Steps from one place of a convolution to the next; 1 for other kinds.
        ngrams: What is hashed, for `FrontKind.NGRAMS` and `FrontKind.SUBWORDS`.

    Raises:
        GenomeError: A number does not belong to the kind, or is out of bounds.
    """

    __pydantic_config__ = UNTRUSTED

    kind: FrontKind = FrontKind.NONE
    size: int = 0
    stride: int = 1
    ngrams: Ngrams | None = None

    def __post_init__(self) -> None:
        least, most = (2, MAX_SEGMENT) if self.kind in _SIZED else (0, 0)
        if not least <= self.size <= most:
            raise GenomeError(f"front.size of {self.kind} is {self.size}; must be {least} to {most}")
        widest = self.size if self.kind is FrontKind.CONVOLUTION else 1
        if not 1 <= self.stride <= widest:
            raise GenomeError(f"front.stride of {self.kind} is {self.stride}; must be 1 to {widest}")
        if (self.ngrams is not None) != (self.kind in _HASHED):
            raise GenomeError(
                f"front.ngrams of {self.kind} is {self.ngrams}; ngrams and subwords need them, no other may"
            )

    @property
    def shortens(self) -> int:
        """Steps of the input for each step of the first layer."""
        return self.size if self.kind is FrontKind.SEGMENTS else self.stride

    def steps(self, steps: int) -> int:
        """Returns how many steps the first layer has for ``steps`` of the input."""
        return -(-steps // self.shortens)

    @classmethod
    def of(cls, text: str) -> Front:
        """Returns the front that is written ``text``, such as ``segments 8`` or ``convolution 5/2``.

        Raises:
            GenomeError: Nothing is written so.
        """
        name, _, rest = text.partition(" ")
        if name in (FrontKind.NONE, FrontKind.DIFFERENCES) and not rest:
            return cls(FrontKind(name))
        if name == FrontKind.SEGMENTS and rest.isdecimal():
            return cls(FrontKind.SEGMENTS, int(rest))
        if name == FrontKind.CONVOLUTION and (found := re.fullmatch(r"(\d+)(?:/(\d+))?", rest)):
            return cls(FrontKind.CONVOLUTION, int(found[1]), int(found[2] or 1))
        if name in _HASHED and (ngrams := _ngrams_of(rest)):
            return cls(FrontKind(name), ngrams=ngrams)
        raise GenomeError(
            f"{text!r} is no front; must be none, differences, segments STEPS, convolution STEPS or STEPS/STRIDE, "
            "ngrams FROM-TO x ROWS or subwords FROM-TO x ROWS, such as segments 8 or ngrams 1-2 x 8192"
        )

    def __str__(self) -> str:
        if self.ngrams is not None:
            return f"{self.kind} {self.ngrams}"
        stride = f"/{self.stride}" if self.stride > 1 else ""
        return f"{self.kind} {self.size}{stride}" if self.size else str(self.kind)


class ShortcutKind(StrEnum):
    """What leads from the input to the outputs past the recurrence."""

    NONE = "none"
    SHARED = "shared"
    """A linear map from the window of each target to its horizon, the same for all targets (Zeng et al., 2023)."""
    FULL = "full"
    """A linear map from the window of all features to the horizon of all targets."""
    FLAT = "flat"
    """A linear map from all steps of a sequence to the outputs."""
    POOLED = "pooled"
    """A linear map from mean and maximum over the steps of a sequence to the outputs."""
    NGRAMS = "ngrams"
    """A bag of hashed n-grams: each has a learnt contribution to every output (Joulin et al., 2017)."""


@dataclass(frozen=True, slots=True)
class Shortcut:
    """A linear path around the recurrence, added to the outputs.

    Attributes:
        kind: What it reads.
        ngrams: What is hashed, for `ShortcutKind.NGRAMS`.

    Raises:
        GenomeError: N-grams without hashing, or hashing without n-grams.
    """

    __pydantic_config__ = UNTRUSTED

    kind: ShortcutKind = ShortcutKind.NONE
    ngrams: Ngrams | None = None

    def __post_init__(self) -> None:
        if (self.ngrams is not None) != (self.kind is ShortcutKind.NGRAMS):
            raise GenomeError(
                f"shortcut.ngrams of {self.kind} is {self.ngrams}; ngrams needs them, no other may"
            )

    @classmethod
    def of(cls, text: str) -> Shortcut:
        """Returns the shortcut that is written ``text``, such as ``shared`` or ``ngrams 1-2 x 8192``.

        Raises:
            GenomeError: Nothing is written so.
        """
        name, _, rest = text.partition(" ")
        if name == ShortcutKind.NGRAMS and (ngrams := _ngrams_of(rest)):
            return cls(ShortcutKind.NGRAMS, ngrams)
        plain = [kind for kind in ShortcutKind if kind is not ShortcutKind.NGRAMS]
        if name not in plain or rest:
            raise GenomeError(
                f"{text!r} is no shortcut; must be {', '.join(plain)} or ngrams FROM-TO x ROWS, such as "
                "ngrams 1-2 x 8192"
            )
        return cls(ShortcutKind(name))

    def __str__(self) -> str:
        return str(self.kind) if self.ngrams is None else f"{self.kind} {self.ngrams}"


class Columns(StrEnum):
    """How a forecast of several targets reads them."""

    TOGETHER = "together"
    """One network reads all features and forecasts all targets."""
    APART = "apart"
    """The same network reads each target by itself, beside the features that are no targets (Nie et al., 2023)."""


class Context(StrEnum):
    """What a layer's output holds besides its recurrent state."""

    NONE = "none"
    ATTENTION = "attention"
    """Causal self-attention over the layer's own last outputs (Vaswani et al., 2017)."""
    MEMORY = "memory"
    """A few slots outside the cell with keys and values, read and written at each step (Graves et al., 2014; Zhang et
    al., 2024)."""


def attention_width(width: int) -> int:
    """Returns the features of keys, of all heads together, for outputs of ``width``: about half as many."""
    return ATTENTION_HEADS * max(1, width // (2 * ATTENTION_HEADS))


def memory_width(width: int) -> int:
    """Returns the features of a slot's key for outputs of ``width``."""
    return max(1, width // 2)


def _ngrams_of(text: str) -> Ngrams | None:
    """Returns what ``FROM-TO x ROWS`` means; None if ``text`` is nothing of the kind."""
    found = re.fullmatch(r"(\d{1,3})-(\d{1,3}) x (\d{1,9})", text)
    return None if found is None else Ngrams(*map(int, found.groups()))
