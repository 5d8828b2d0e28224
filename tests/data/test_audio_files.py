"""Files of sound become sequences of log-mel bands, and what was converted is said."""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import feather, parquet

from evo_nas.config import TrainingConfig
from evo_nas.data.audio_files import AudioOptions, AudioReader, log_mel, sounds_named_in
from evo_nas.data.columns import Roles
from evo_nas.data.paths import expanded
from evo_nas.data.sequence_files import SequenceReader
from evo_nas.errors import DataError
from evo_nas.genome.architecture import Architecture, Layer
from evo_nas.genome.blocks import Front
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.tasks.classification import ClassificationTask, SequenceOptions
from evo_nas.training.batches import prepare
from evo_nas.training.trainer import train

soundfile = pytest.importorskip("soundfile", reason="the extra audio is not installed")


def tone(hertz: float, *, rate: int = 8000, seconds: float = 0.5):
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(rate * seconds)) / rate)


@pytest.fixture
def folder(tmp_path):
    """Twelve high and twelve low tones, in WAV and FLAC."""
    for name, base in (("low", 300), ("high", 2000)):
        (tmp_path / "sounds" / name).mkdir(parents=True)
        for number in range(12):
            path = tmp_path / "sounds" / name / f"{number}{'.wav' if number % 2 else '.flac'}"
            soundfile.write(path, tone(base + 10 * number), 8000)
    return tmp_path / "sounds"


def loudest_hertz(bands, rate: int = 8000) -> float:
    """The middle of the band that is the loudest on average."""
    edges = 700 * (10 ** (np.linspace(0, 2595 * np.log10(1 + rate / 2 / 700), bands.shape[1] + 2) / 2595) - 1)
    return edges[1:-1][bands.mean(axis=0).argmax()]


@pytest.mark.parametrize("rate", [8000, 16000, 44100])
@pytest.mark.parametrize("hertz", [440, 1000, 3000])
def test_the_band_of_a_tone_is_the_loudest(hertz, rate) -> None:
    bands = log_mel(tone(hertz, rate=rate), rate, AudioOptions())
    assert bands.shape == (1 + (rate // 2 - round(rate * 0.025)) // round(rate * 0.01), 40)
    assert loudest_hertz(bands, rate) == pytest.approx(hertz, rel=0.1)


def test_a_louder_sound_adds_the_same_to_every_band() -> None:
    sound = np.random.default_rng(0).normal(size=4000)
    difference = log_mel(10 * sound, 8000, AudioOptions()) - log_mel(sound, 8000, AudioOptions())
    assert difference == pytest.approx(np.log(100))


def test_a_short_sound_is_one_step_and_silence_is_finite() -> None:
    assert log_mel(np.zeros(7), 8000, AudioOptions(n_mels=80)).shape == (1, 80)
    assert np.isfinite(log_mel(np.zeros(900), 8000, AudioOptions())).all()


def test_no_band_is_empty_however_narrow_it_is() -> None:
    noise = np.random.default_rng(0).normal(size=8000)
    assert (log_mel(noise, 8000, AudioOptions(n_mels=128)).std(axis=0) > 0).all()


def test_folders_are_the_classes(folder) -> None:
    examples = SequenceReader(Roles()).read(expanded([folder]))
    assert sorted(set(examples.labels)) == ["high", "low"]
    assert {item.shape for item in examples.items} == {(48, 40)}
    for item, label in zip(examples.items, examples.labels, strict=True):
        assert (loudest_hertz(item) < 1000) == (label == "low")
    assert examples.where[0] == f"{folder / 'high'}, file 0.flac"
    assert examples.remarks == (
        "every file is a sequence of 40 log-mel bands, a step each 10 ms; its folder is the label",
    )


def test_a_task_learns_from_sounds(folder) -> None:
    prepared = ClassificationTask(SequenceOptions(path=(folder,), audio=AudioOptions(n_mels=13))).read()
    assert prepared.dataset.signature.features == 13


def test_a_table_may_name_the_sounds(folder) -> None:
    rows = [
        f"{label}/{number}{suffix},{label.upper()},{number % 3}"
        for label in ("low", "high")
        for number, suffix in ((0, ".flac"), (1, ".wav"))
    ]
    (folder / "sounds.csv").write_text("\n".join(["file,class,speaker", *rows]))
    examples = SequenceReader(Roles(group="speaker")).read([folder / "sounds.csv"])
    assert examples.labels == ["LOW", "LOW", "HIGH", "HIGH"]
    assert examples.groups == ["0", "1", "0", "1"]
    assert examples.remarks[0] == "column file names files of sound, class the label of each"
    (folder / "sounds.csv").write_text("file,class\nlow/0.flac,a\nlow/99.wav,b\n")
    with pytest.raises(DataError, match=r"99\.wav cannot be read: No such file"):
        SequenceReader(Roles()).read([folder / "sounds.csv"])


def test_what_is_converted_is_said(folder) -> None:
    (folder / "mixed").mkdir()
    soundfile.write(folder / "mixed" / "a.wav", tone(440, rate=16000), 16000)
    soundfile.write(folder / "mixed" / "b.wav", np.stack([tone(440), -tone(440)], axis=1), 8000)
    reader = AudioReader(AudioOptions())
    reader.read([folder / "low" / "1.wav"])
    examples = reader.read([folder / "mixed" / "a.wav", folder / "mixed" / "b.wav"])
    assert loudest_hertz(examples.items[0]) == pytest.approx(440, rel=0.1)
    assert examples.items[1].max() < -10  # the channels cancel each other, but for rounding
    assert examples.remarks[1:] == (
        "files are converted to 8,000 Hz: 1 with 16,000 Hz",
        "the channels of 1 files are averaged",
    )


def test_an_option_settles_the_sample_rate(folder) -> None:
    examples = AudioReader(AudioOptions(sample_rate=4000)).read([folder / "low" / "1.wav"])
    assert examples.remarks[1:] == ("files are converted to 4,000 Hz: 1 with 8,000 Hz",)
    assert loudest_hertz(examples.items[0], 4000) == pytest.approx(310, rel=0.1)


def test_a_packed_sound_is_read(folder) -> None:
    path = folder / "low" / "1.wav"
    packed = folder / "low" / "packed.wav.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    one, two = AudioReader(AudioOptions()).read([path, packed]).items
    assert np.array_equal(one, two)


@pytest.mark.parametrize("content", [b"", b"RIFF", b"no sound at all"])
def test_what_is_no_sound_is_one_clear_line(content, tmp_path) -> None:
    (tmp_path / "a.wav").write_bytes(content)
    with pytest.raises(DataError, match=r"a\.wav cannot be read as sound: .*; save it as WAV or FLAC"):
        AudioReader(AudioOptions()).read([tmp_path / "a.wav"])


def test_a_sound_without_a_sample_is_refused(tmp_path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(0), 8000)
    with pytest.raises(DataError, match="has no sample"):
        AudioReader(AudioOptions()).read([tmp_path / "a.wav"])


def test_a_window_needs_samples(folder) -> None:
    with pytest.raises(
        DataError, match="audio.window_ms is 0.1 and hop_ms 10; at 8,000 Hz a window needs at least 2"
    ):
        AudioReader(AudioOptions(window_ms=0.1)).read([folder / "low" / "1.wav"])


def test_sounds_have_one_label_each(folder) -> None:
    with pytest.raises(DataError, match="has one label for each sequence, where every step needs one"):
        SequenceReader(Roles(label_per_step=True)).read(expanded([folder]))


def test_the_extra_is_named_where_it_is_not_installed(folder, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "soundfile", None)
    with pytest.raises(DataError, match=r"soundfile is not installed; run `pip install 'evo-nas\[audio\]'`"):
        AudioReader(AudioOptions()).read([folder / "low" / "1.wav"])


def test_a_task_watches_the_sounds_that_a_table_names(folder) -> None:
    rows = [f"{label}/{number}.wav,{label}" for label in ("low", "high") for number in range(1, 12, 2)]
    (folder / "sounds.csv").write_text("\n".join(["file,class", *rows]))
    task = ClassificationTask(SequenceOptions(path=(folder / "sounds.csv",)))
    before = task.fingerprint()
    assert len(before) == 13
    soundfile.write(folder / "low" / "1.wav", tone(700), 8000)
    assert {name for name, digest in task.fingerprint().items() if digest != before[name]} == {"low/1.wav"}


@pytest.mark.parametrize("front", ["differences", "segments 8", "convolution 5/2"])
def test_fronts_of_networks_read_sounds(folder, front) -> None:
    soundfile.write(
        folder / "low" / "short.wav", tone(300, seconds=0.2), 8000
    )  # so that sequences are padded
    options = SequenceOptions(path=(folder,), audio=AudioOptions(n_mels=13))
    data = prepare(ClassificationTask(options).read().dataset)
    architecture = Architecture((Layer(NAMED_CELLS["gru"], 8),), front=Front.of(front))
    trained = train(architecture, data, TrainingConfig(), epochs=8, seed=0)
    assert trained.outcome.curve[-1] == 1.0


@pytest.mark.parametrize("suffix", ["parquet", "arrow", "ipc"])
@pytest.mark.parametrize("kind", [pa.string(), pa.binary(), pa.string_view()], ids=str)
def test_sounds_are_seen_that_a_packed_table_names(tmp_path: Path, suffix: str, kind: pa.DataType) -> None:
    path = tmp_path / f"sounds.{suffix}"
    for names in ([f"{number}.wav" for number in range(100)], ["none"] * 100):
        table = pa.table({"path": pa.array(names).cast(kind), "label": ["a", "b"] * 50})
        match suffix:
            case "parquet":
                parquet.write_table(table, path, compression="zstd")
            case "arrow":
                feather.write_feather(table, path, compression="zstd")
            case "ipc":
                with pa.ipc.new_stream(str(path), table.schema) as stream:
                    stream.write_table(table)
        found = sounds_named_in(path, delimiter=None)
        assert [each.name for each in found] == (names if names[0] != "none" else [])


def test_a_packed_table_of_numbers_is_not_read_for_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "numbers.parquet"
    parquet.write_table(pa.table({"x": [1.0, 2.0]}), path)
    monkeypatch.delattr("evo_nas.data.audio_files.read_table")
    assert sounds_named_in(path, delimiter=None) == []
