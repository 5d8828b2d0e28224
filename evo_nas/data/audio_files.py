"""Files of sound as sequences of log-mel spectra: WAV and FLAC; needs the extra ``audio``."""

from __future__ import annotations

import io
import re
from collections import Counter
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field, PositiveInt

from evo_nas.data.examples import Examples, Places
from evo_nas.data.files import content_of, format_of, in_one_line
from evo_nas.data.layout import Layout
from evo_nas.data.numerals import is_text
from evo_nas.data.options import StrictOptions
from evo_nas.data.table_files import has_texts, is_packed, read_table
from evo_nas.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt

    from evo_nas.data.examples import Label
    from evo_nas.data.table import Table

    Numeric = npt.NDArray[np.float64]

SOUNDS = (".wav", ".flac")
_NAMES_SOUNDS = re.compile(rb"\.(?:wav|flac)|\\u00(?:2e|[4-7])", re.IGNORECASE)
"""The end of such a name, or an escape of JSON for a character of it."""
_NO_TABLES = frozenset({*SOUNDS, ".ts", ".npz", ".npy", ".mat"})
"""Formats of sequences; every other file is read as a table."""
SILENCE = 1e-10
"""The least power of a band: the logarithm of a silent one stays finite."""

BLOCK_STEPS = 4096
"""Steps whose spectra are computed together."""


class AudioOptions(StrictOptions):
    """The front end of files of sound: the logarithm of the power in bands of the mel scale.

    Attributes:
        n_mels: Number of bands from 0 to half the sample rate: values of a step.
        window_ms: Length of the piece of sound that a step sees, in milliseconds.
        hop_ms: Time from one step to the next, in milliseconds.
        sample_rate: Samples in a second; other files are converted to it. That of the first file if not given.
    """

    n_mels: PositiveInt = 40
    window_ms: Annotated[float, Field(gt=0.0)] = 25.0
    hop_ms: Annotated[float, Field(gt=0.0)] = 10.0
    sample_rate: PositiveInt | None = None


@dataclass(frozen=True, slots=True)
class Sound:
    """One channel of sound, and what was done to get it.

    Attributes:
        samples: float64 ``(samples,)``, -1 to 1.
        rate: Samples in a second.
        channels: How many channels were averaged.
    """

    samples: Numeric
    rate: int
    channels: int


class AudioReader:
    """Reads files of sound, the training part first: its first file settles the sample rate if no option does.

    Args:
        options: The front end.
    """

    def __init__(self, options: AudioOptions) -> None:
        self._options = options
        self._rate = options.sample_rate

    def read(
        self,
        paths: Sequence[Path],
        labels: Sequence[Label] | None = None,
        groups: Sequence[str] | None = None,
    ) -> Examples[Numeric]:
        """Returns a sequence ``(time, n_mels)`` for each file.

        Args:
            paths: The files, at least one.
            labels: The label of each; the name of the folder that it is in if not given.
            groups: The group of each, if there are groups.

        Raises:
            DataError: The extra is not installed, or a file is no sound.
        """
        items, rates, channels = [], Counter[int](), Counter[int]()
        for path in paths:
            sound = read_sound(path)
            self._rate = self._rate or sound.rate
            items.append(log_mel(resampled(sound, self._rate), self._rate, self._options))
            rates[sound.rate] += 1
            channels[sound.channels] += 1
        return Examples(
            str(paths[0]) if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1:,} more",
            items=items,
            labels=[path.parent.name for path in paths] if labels is None else labels,
            groups=groups,
            remarks=self._remarks(rates, channels, has_labels=labels is not None),
            places=Places([f"{path.parent}, file" for path in paths], [path.name for path in paths]),
            layout=Layout(rate=self._rate),
            features=tuple(f"band {band}" for band in range(1, self._options.n_mels + 1)),
        )

    def _remarks(self, rates: Counter[int], channels: Counter[int], *, has_labels: bool) -> tuple[str, ...]:
        options = self._options
        remarks = [
            f"every file is a sequence of {options.n_mels} log-mel bands, a step each {options.hop_ms:g} ms"
            + ("" if has_labels else "; its folder is the label")
        ]
        if others := {rate: count for rate, count in rates.items() if rate != self._rate}:
            listed = ", ".join(f"{count:,} with {rate:,} Hz" for rate, count in sorted(others.items()))
            remarks.append(f"files are converted to {self._rate:,} Hz: {listed}")
        if several := channels.total() - channels[1]:
            remarks.append(f"the channels of {several:,} files are averaged")
        return tuple(remarks)


def column_of_sounds(table: Table) -> str | None:
    """Returns the first column that names files of sound, if there is one."""
    for name, values in table.columns.items():
        first = next((value for value in values if value.is_valid), None) if is_text(values) else None
        if first is not None and first.as_py().lower().endswith(SOUNDS):
            return name
    return None


def sounds_named_in(path: Path, *, delimiter: str | None) -> list[Path]:
    """Returns the files of sound that a file names if it is read as a table, relative to the folder that it is in.

    Raises:
        DataError: The file cannot be read.
    """
    kind = format_of(path)
    # Only tables with such a name somewhere are parsed: others may be large. In packed ones it cannot be seen.
    if kind in _NO_TABLES or not (
        has_texts(path) if is_packed(path) else _NAMES_SOUNDS.search(content_of(path))
    ):
        return []
    table = read_table(path, delimiter=delimiter, nameless=True)
    column = column_of_sounds(table)
    return [] if column is None else [path.parent / name for name in table.texts(column)]


def is_sound(path: Path) -> bool:
    """Whether `AudioReader` knows the format of ``path`` by its name."""
    return format_of(path) in SOUNDS


def read_sound(path: Path) -> Sound:
    """Returns the sound of a file, its channels averaged.

    Raises:
        DataError: The extra is not installed, or the file is no sound or has no sample.
    """
    try:
        import soundfile  # noqa: PLC0415 - an extra
    except (ImportError, OSError):  # OSError: the package is there, but its library is not
        raise DataError(
            f"{path} is sound, but soundfile is not installed; run `pip install 'evo-nas[audio]'`"
        ) from None
    try:
        samples, rate = soundfile.read(io.BytesIO(content_of(path)), dtype="float64", always_2d=True)
    except soundfile.SoundFileError as error:
        raise DataError(
            f"{path} cannot be read as sound: {in_one_line(error)}; save it as WAV or FLAC"
        ) from error
    if not len(samples) or not np.isfinite(samples).all():
        raise DataError(f"{path} has no sample, or one that is not finite; mend it or leave it out")
    return Sound(samples.mean(axis=1), int(rate), samples.shape[1])


def resampled(sound: Sound, rate: int) -> Numeric:
    """Returns the samples of a sound at another rate, float64 ``(samples,)``."""
    if sound.rate == rate:
        return sound.samples
    from scipy.signal import resample_poly  # noqa: PLC0415 - paid only where it is needed

    divisor = int(np.gcd(sound.rate, rate))
    samples: Numeric = resample_poly(sound.samples, rate // divisor, sound.rate // divisor)
    return samples


def log_mel(samples: Numeric, rate: int, options: AudioOptions) -> Numeric:
    """Returns the logarithms of the power in each band, float64 ``(time, n_mels)``.

    A sound shorter than a window is filled up with silence; what is left after the last whole window is not read.

    Raises:
        DataError: A window has less than two samples, or a step none.
    """
    window, hop = round(rate * options.window_ms / 1000), round(rate * options.hop_ms / 1000)
    if window < 2 or hop < 1:
        raise DataError(
            f"audio.window_ms is {options.window_ms:g} and hop_ms {options.hop_ms:g}; at {rate:,} Hz a window needs at "
            "least 2 samples and a step 1: raise them"
        )
    filled = np.pad(samples, (0, max(window - len(samples), 0)))
    pieces = np.lib.stride_tricks.sliding_window_view(filled, window)[::hop]  # (time, window)
    bands = _bands(rate, window, options.n_mels)  # (frequencies, n_mels)
    # In blocks, since the spectra of an hour would fill the memory.
    blocks = (pieces[start : start + BLOCK_STEPS] for start in range(0, len(pieces), BLOCK_STEPS))
    spectra = (np.fft.rfft(block * np.hanning(window), n=2 * (len(bands) - 1)) for block in blocks)
    power = np.concatenate([np.abs(each) ** 2 @ bands for each in spectra])
    logarithms: Numeric = np.log(np.maximum(power, SILENCE))
    return logarithms


@cache
def _bands(rate: int, window: int, count: int) -> Numeric:
    """Returns the weight of each frequency in each band, triangles on the mel scale, ``(frequencies, count)``."""
    edges = _hertz(np.linspace(0.0, _mel(rate / 2), count + 2))
    size = 1 << (window - 1).bit_length()
    while True:
        frequencies = np.linspace(0.0, rate / 2, size // 2 + 1)[:, None]
        rising = (frequencies - edges[:-2]) / (edges[1:-1] - edges[:-2])
        falling = (edges[2:] - frequencies) / (edges[2:] - edges[1:-1])
        bands = np.maximum(np.minimum(rising, falling), 0.0)
        if bands.any(axis=0).all():
            return bands
        size *= (
            2  # a narrow band may lie between two frequencies: zeros after the window put more of them there
        )


def _mel(hertz: float) -> float:
    return 2595.0 * float(np.log10(1.0 + hertz / 700.0))


def _hertz(mel: Numeric) -> Numeric:
    return 700.0 * (10.0 ** (mel / 2595.0) - 1.0)
