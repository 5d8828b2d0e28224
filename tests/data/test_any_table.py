"""Whatever a table holds, it is read sanely or refused in one line; nothing of it ends in a traceback.

    EVO_NAS_TABLES=50000 pytest tests/data/test_any_table.py

draws fifty thousand tables, at random.
"""

from __future__ import annotations

import io
import json
import os
import zlib
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import HealthCheck, given, note, settings

from evo_nas.cli.data_view import data_view
from evo_nas.cli.terminal import plain_console
from evo_nas.config import configured
from evo_nas.config.yaml_text import parse_yaml
from evo_nas.drafts import draft_of
from evo_nas.drafts.parts import GivenFiles
from evo_nas.errors import ConfigError, DataError, EvoNasError
from evo_nas.experiment import Experiment
from evo_nas.tasks.dataset import Dataset, Objective, Part, Sequences, Stream, Windows
from evo_nas.views.data import data_fields
from evo_nas.views.drafting import readable
from evo_nas.views.picture import picture_of
from tests.data.any_table import EXTRA, NAMED_FORMATS, READING, Drawn, drawn

TABLES = int(os.environ.get("EVO_NAS_TABLES", "600"))
BASELINES_EVERY, PICTURES_EVERY = 60, 5
"""Of so many tables one is drawn as a picture, and baselines are fitted to one, which takes a hundred times as long."""
FEWEST_READ = 0.2
"""Share of the tables that must be read: a test in which all are refused would test nothing."""

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("kind", READING)
def test_any_table_is_read_or_refused_in_one_line(kind: str, tmp_path: Path) -> None:
    ends: Counter[str] = Counter()

    @settings(
        max_examples=TABLES // len(READING) + 1,
        derandomize=TABLES <= 600,  # a campaign looks elsewhere each time
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(table=drawn(kind))
    def check(table: Drawn) -> None:
        ends[read_or_refused(kind, table, tmp_path)] += 1

    check()
    print(kind, dict(ends))  # noqa: T201 - what a campaign is run for
    assert ends["read"] > FEWEST_READ * ends.total(), f"of {kind}, {ends}"


def read_or_refused(kind: str, table: Drawn, folder: Path) -> str:
    """Does what ``evo-nas data`` does, and returns whether the table was read or refused."""
    for name, content in table.files.items():
        (folder / name).write_bytes(content)
    note(f"{ {name: content[:2000] for name, content in table.files.items()} }")
    try:
        task = {"kind": kind, **table.options}
        experiment = Experiment.of(configured({"name": "any", "base_dir": str(folder), "task": task}))
        dataset = experiment.dataset
        # Chosen by the content: hypothesis would draw one end of a range far too often.
        lot = zlib.crc32(table.files[table.options["path"]])
        shown = _shown(dataset, experiment.baselines if lot % BASELINES_EVERY == 0 else {})
        if lot % PICTURES_EVERY == 0:
            ElementTree.fromstring(picture_of(dataset))
        experiment.fingerprint  # noqa: B018 - hashes the files
    except EvoNasError as error:
        # A configuration may have several problems, each in a line of its own; data have one.
        for line in str(error).split("\n") if isinstance(error, ConfigError) else [str(error)]:
            assert line.strip()
            assert not set("\r\n") & set(line), repr(line)
        return "refused"
    finally:
        for name in table.files:
            (folder / name).unlink()
    _check(dataset, table)
    assert all(f"  {part}" in shown or part in shown for part in dataset.parts)
    return "read"


def _shown(dataset: Dataset, baselines: dict[str, float]) -> str:
    json.dumps(data_fields(dataset, baselines), allow_nan=False)
    console = plain_console(file=io.StringIO(), width=100)
    console.print(data_view(dataset, baselines))
    return console.file.getvalue()


def _check(dataset: Dataset, table: Drawn) -> None:
    for part in dataset.parts.values():
        assert len(part) > 0
        _check_inputs(dataset, part)
        _check_targets(dataset, part)
    _check_apart(dataset, table)
    # A language model reads a table as the text that it is, all of it.
    has_columns = table.options["path"].split(".")[1] in NAMED_FORMATS and not isinstance(
        dataset.train, Stream
    )
    if EXTRA in table.kinds and has_columns:
        assert any(EXTRA in remark for remark in dataset.remarks), dataset.remarks


def _check_inputs(dataset: Dataset, part: Part) -> None:
    if isinstance(part, Stream):
        assert part.tokens.min() >= 0
        assert part.tokens.max() < dataset.signature.vocabulary
        return
    if isinstance(part, Sequences):
        assert len(part.targets) == len(part.inputs)
        if part.lengths is not None:
            assert 1 <= part.lengths.min() <= part.lengths.max() <= part.inputs.shape[1]
    if dataset.signature.vocabulary:
        assert 0 <= part.inputs.min() <= part.inputs.max() < dataset.signature.vocabulary
    else:
        assert part.inputs.dtype == np.float32
        assert part.inputs.shape[-1] == dataset.signature.features
        assert np.isfinite(part.inputs).all()


def _check_targets(dataset: Dataset, part: Part) -> None:
    if isinstance(part, Stream):
        return
    few = part.cut() if isinstance(part, Windows) else part
    targets = few.targets
    if dataset.objective is Objective.CROSS_ENTROPY:
        assert 0 <= targets.min() <= targets.max() < dataset.signature.outputs
    elif not getattr(dataset, "has_target_holes", False):
        assert targets.dtype == np.float32
        assert np.isfinite(targets).all()


def _check_apart(dataset: Dataset, table: Drawn) -> None:
    """No sequence of numbers is in the training and in the test part."""
    split = table.options.get("split") or {}
    keeps = isinstance(split, dict) and split.get("duplicates") == "keep"
    # Only where cells can tell sequences apart: constants, bits and values that float32 rounds away cannot.
    tells = set(table.kinds.values()) & {"floats", "walk", "lists", "pairs", "equal lists"}
    if keeps or dataset.signature.vocabulary or not tells or not isinstance(dataset.train, Sequences):
        return
    if table.is_touched or set(table.kinds.values()) & {"beyond", "huge", "nearly constant", "infinite"}:
        return
    if table.options.get("inputs"):
        return
    learnt = {sequence.tobytes() for sequence in dataset.train.inputs}
    assert not any(sequence.tobytes() in learnt for sequence in dataset.test.inputs)


@pytest.mark.parametrize("kind", READING)
def test_any_table_is_drafted_or_refused_in_one_line(kind: str, tmp_path: Path) -> None:
    ends: Counter[str] = Counter()

    @settings(
        max_examples=TABLES // len(READING) // 5 + 1,
        derandomize=TABLES <= 600,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(table=drawn(kind))
    def check(table: Drawn) -> None:
        ends[drafted_or_refused(table, tmp_path)] += 1

    check()
    assert ends["drafted"] > FEWEST_READ * ends.total(), f"of {kind}, {ends}"


def drafted_or_refused(table: Drawn, folder: Path) -> str:
    """Does what ``evo-nas init`` does, and returns whether a draft was made that a configuration can be read from."""
    for name, content in table.files.items():
        (folder / name).write_bytes(content)
    note(f"{ {name: content[:2000] for name, content in table.files.items()} }")
    try:
        draft = draft_of(GivenFiles.of([folder / name for name in table.files], folder))
        text = draft.to_yaml("any", ("heading",))
        Experiment.of(configured({**parse_yaml(text, source="the draft"), "base_dir": str(folder)}))
        readable(draft, folder)
    except DataError as error:
        refusal = str(error)
    else:
        return "drafted"
    finally:
        for name in table.files:
            (folder / name).unlink()
    assert not set("\r\n") & set(refusal), repr(refusal)
    return "refused"
