"""The exported Python file computes what the network computes, and a person can read it."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
import torch

from evo_nas.champion.champion import Champion
from evo_nas.champion.export import write_export
from evo_nas.champion.exporters.checking import Checked
from evo_nas.champion.exporters.python.document import MODULE_FILE, Title, python_files
from evo_nas.data.layout import Layout, SeriesLayout
from evo_nas.data.panel_files import PanelColumns
from evo_nas.genome.architecture import Architecture, Forecast, Head, Layer, Norm, Pooling, Signature
from evo_nas.genome.blocks import Columns, Context, Front, Shortcut
from evo_nas.genome.cell import CellGraph, H, Node, X
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.genome.ops import Op
from evo_nas.models.ensemble import Ensemble, Link, Model
from evo_nas.models.network import Network
from evo_nas.tasks.answers import ClassAnswers, NumberAnswers
from evo_nas.tasks.preparation import Preparation
from evo_nas.tasks.raw_files import read_raw_file
from evo_nas.tasks.raw_inputs import NumericInputs, TokenInputs
from evo_nas.tasks.raw_panels import PanelInputs
from evo_nas.tasks.raw_windows import WindowInputs
from evo_nas.testing.champions import tiny_champion

if TYPE_CHECKING:
    from types import ModuleType

    from evo_nas.data.calendar import Cycle

SERIES = Signature(features=3, outputs=2, steps=4)
STEPWISE = Signature(features=3, outputs=4, per_step=True, steps=4)
TOKENS = Signature(features=0, vocabulary=7, outputs=4, steps=4)
NEXT_TOKEN = Signature(features=0, vocabulary=7, outputs=7, per_step=True, predicts_inputs=True)
FORECAST = Signature(features=3, outputs=6, horizon=3, steps=4, last_values=(2, 0))
QUANTILES = Signature(features=3, outputs=12, horizon=3, steps=4, last_values=(2, 2, 0, 0))
LSTM, GRU = Layer(NAMED_CELLS["lstm"], 3), Layer(NAMED_CELLS["gru"], 4)
BOTH_WAYS = Layer(NAMED_CELLS["gru"], 3, bidirectional=True)
ARCHITECTURES = {
    "the first steps of a sequence beside the layers": (
        SERIES,
        Architecture((LSTM,), shortcut=Shortcut.of("flat")),
    ),
    "mean and maximum beside the layers": (SERIES, Architecture((GRU,), shortcut=Shortcut.of("pooled"))),
    "both directions, and the last of both": (SERIES, Architecture((BOTH_WAYS,), Head(skip=0))),
    "norms, residuals and skips": (
        SERIES,
        Architecture(
            (
                Layer(NAMED_CELLS["lstm"], 3, norm=Norm.BEFORE, residual=True),
                Layer(NAMED_CELLS["gru"], 4, norm=Norm.LAYER, residual=True, skip=0),
            ),
            Head(Pooling.ATTENTION, hidden=5, skip=1),
            front=Front.of("differences"),
        ),
    ),
    "a slow layer": (
        SERIES,
        Architecture((LSTM, Layer(NAMED_CELLS["gru"], 3, bidirectional=True, period=2)), Head(Pooling.MEAN)),
    ),
    "attention to earlier steps": (
        STEPWISE,
        Architecture(
            (Layer(NAMED_CELLS["gru"], 9, bidirectional=True, context=Context.ATTENTION),),
            front=Front.of("convolution 3"),
        ),
    ),
    "a memory": (
        SERIES,
        Architecture(
            (Layer(NAMED_CELLS["lstm"], 4, context=Context.MEMORY, period=2),),
            Head(Pooling.MAX),
            front=Front.of("convolution 3/2"),
        ),
    ),
    "n-grams": (
        TOKENS,
        Architecture(
            (GRU,), embedding=3, front=Front.of("ngrams 1-2 x 9"), shortcut=Shortcut.of("ngrams 1-2 x 9")
        ),
    ),
    "spellings, and the embedding as output": (
        NEXT_TOKEN,
        Architecture(
            (LSTM,),
            embedding=5,
            tied=True,
            front=Front.of("subwords 1-2 x 9"),
            shortcut=Shortcut.of("ngrams 2-3 x 9"),
        ),
    ),
    "segments, decoded for each target": (
        FORECAST,
        Architecture(
            (Layer(NAMED_CELLS["gru"], 4, norm=Norm.BEFORE, residual=True, bidirectional=True),),
            Head(segment=2),
            front=Front.of("segments 2"),
            columns=Columns.APART,
            forecast=Forecast.RELATIVE,
            shortcut=Shortcut.of("shared"),
        ),
    ),
    "changes of quantiles": (
        QUANTILES,
        Architecture((LSTM,), forecast=Forecast.CHANGE, shortcut=Shortcut.of("full")),
    ),
}


def network_of(architecture: Architecture, signature: Signature) -> Network:
    network = Network(architecture, signature).eval()
    for parameter in network.parameters():
        if not parameter.any():  # tables and shortcuts begin at zero, where a mistake would not be seen
            torch.nn.init.normal_(parameter)
    network.front.read_spellings(tuple("abcdefg"))
    return network


def written(folder: Path, model: Model, preparation: Preparation | None = None) -> ModuleType:
    for name, content in python_files(model, Title("test"), preparation).items():
        (folder / name).write_bytes(content)
    spec = importlib.util.spec_from_file_location("champion_file", folder / MODULE_FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def check_equal(module: ModuleType, model: Model, *, times: tuple[int, ...] = (1, 4, 9)) -> None:
    signature = model.signature
    for time in times:
        inputs = torch.randn(3, time, signature.features)
        if signature.vocabulary:
            inputs = torch.randint(0, signature.vocabulary, (3, time))
        for lengths in (None, torch.tensor([time, 1, max(1, time // 2)])):
            expected, found = model(inputs, lengths), module.load()(inputs, lengths)
            if signature.per_step and lengths is not None:
                valid = (torch.arange(time) < lengths[:, None])[..., None]
                expected, found = expected * valid, found * valid
            torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def check_formatted(folder: Path) -> None:
    for command in (["format", "--check"], ["check", "--select", "E4,E7,E9,F,I"]):
        ran = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--isolated", MODULE_FILE],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout


@torch.no_grad()
@pytest.mark.parametrize("case", ARCHITECTURES)
def test_the_file_computes_what_the_network_computes_and_is_formatted(tmp_path: Path, case: str) -> None:
    signature, architecture = ARCHITECTURES[case]
    network = network_of(architecture, signature)
    # Attention is longer than its window in one of the cases.
    check_equal(
        written(tmp_path, network), network, times=(1, 4, 9, 70) if "attention" in case else (1, 4, 9)
    )
    check_formatted(tmp_path)


def cell_with(op: Op) -> CellGraph:
    """A cell with a node of ``op``, which reads what it needs."""
    first = Node(Op.LINEAR, (X, H), bias=True)
    fewest = op.row.arity[0]
    inputs = (H,) if op.row.delay else (2, H, 2)[:fewest]
    node = Node(op, inputs)
    return CellGraph(1, (first, node, Node(Op.ADD, (2, 3)), Node(Op.TANH, (4,))), (5,))


@torch.no_grad()
@pytest.mark.parametrize("op", Op)
def test_every_op_is_written_as_it_is_computed(tmp_path: Path, op: Op) -> None:
    network = network_of(Architecture((Layer(cell_with(op), 3),)), SERIES)
    check_equal(written(tmp_path, network), network)
    check_formatted(tmp_path)


@torch.no_grad()
def test_equal_values_that_a_matrix_reads_are_read_once_by_the_sum_of_their_weights(tmp_path: Path) -> None:
    nodes = (
        Node(Op.LINEAR, (X,), bias=True),
        Node(Op.TANH, (3,)),
        Node(Op.TANH, (3,)),
        Node(Op.LINEAR, (4, 5, 1)),
        Node(Op.LINEAR, (X, 2)),
    )
    # The last node is dead, since the second state is not read otherwise.
    network = network_of(Architecture((Layer(CellGraph(2, nodes, (6, 7)), 3),)), SERIES)
    module = written(tmp_path, network)
    check_equal(module, network)
    assert module.Cell(2, 3).states == 1


@torch.no_grad()
def test_a_long_equation_is_written_in_parts(tmp_path: Path) -> None:
    terms = [Node(Op.LINEAR, (X, H), bias=True) for _ in range(40)]
    cell = CellGraph(
        1,
        (*terms, Node(Op.ADD, tuple(range(2, 42)) * 2), Node(Op.MUL, (42,) * 60), Node(Op.TANH, (43,))),
        (44,),
    )
    network = network_of(Architecture((Layer(cell, 2),)), SERIES)
    check_equal(written(tmp_path, network), network)
    check_formatted(tmp_path)


@torch.no_grad()
@pytest.mark.parametrize("link", Link)
def test_an_ensemble_is_one_file(tmp_path: Path, link: Link) -> None:
    members = [network_of(Architecture((layer,)), SERIES) for layer in (LSTM, GRU, LSTM)]
    ensemble = Ensemble(members, (0.5, 0.25, 0.25), link)
    module = written(tmp_path, ensemble)
    check_equal(module, ensemble)
    check_formatted(tmp_path)
    assert not hasattr(module, "Network3"), "members of one architecture have one class"


NUMBERS = NumericInputs((1.0, -2.0, 0.5), (2.0, 0.5, 4.0), ("a", "b", "c"))
HOLES = np.array([[np.nan, 1, 2], [3, np.nan, 2], [5, 4, np.nan], [np.nan, np.nan, 8], [6, 7, 9]])


@pytest.mark.parametrize(("missing", "masked"), [("previous", ()), ("interpolate", ()), ("mask", (0, 1, 2))])
@pytest.mark.parametrize("of_series", [False, True])
def test_raw_numbers_are_prepared_as_in_training(
    tmp_path: Path, missing: Any, masked: tuple[int, ...], of_series: bool
) -> None:
    values = NumericInputs(NUMBERS.mean, NUMBERS.scale, NUMBERS.columns, missing, masked)
    inputs = WindowInputs(4, values, 2) if of_series else values
    signature = Signature(features=inputs.features, outputs=2, steps=4)
    module = written(
        tmp_path,
        network_of(Architecture((LSTM,)), signature),
        Preparation(inputs, ClassAnswers(("no", "yes"))),
    )
    check_formatted(tmp_path)
    sequences = [HOLES, np.nan_to_num(HOLES[::-1].copy(), nan=3.0)]
    expected, _ = inputs.raw(sequences)
    np.testing.assert_allclose(module.prepare(sequences)[0].numpy(), expected, rtol=1e-6, atol=1e-6)


def test_a_hole_that_training_did_not_have_is_refused(tmp_path: Path) -> None:
    network = network_of(Architecture((LSTM,)), SERIES)
    module = written(tmp_path, network, Preparation(NUMBERS, ClassAnswers(("no", "yes"))))
    with pytest.raises(ValueError, match="feature 1 has a missing value"):
        module.predict([HOLES])
    with pytest.raises(ValueError, match=r"shape \(5, 2\); must be \(time, 3\)"):
        module.predict([HOLES[:, :2]])


@pytest.mark.parametrize("level", ["character", "word", "blank"])
def test_texts_are_cut_into_the_tokens_of_training(tmp_path: Path, level: Any) -> None:
    vocabulary = ("�", "the", "cat", "t", "e\u0301", "é", "\n")
    inputs = TokenInputs(vocabulary, level, lower=True, max_length=5)
    signature = Signature(features=0, vocabulary=7, outputs=2, steps=4)
    network = network_of(Architecture((LSTM,), embedding=3), signature)
    module = written(tmp_path, network, Preparation(inputs, ClassAnswers(("no", "yes"))))
    check_formatted(tmp_path)
    texts = ["The cat, the CAT and the cat", "cafe\u0301 t\nthe", "é"]
    expected, lengths = inputs.raw(texts)
    found, ends = module.prepare(texts)
    assert found.tolist() == expected.tolist()
    assert ends.tolist() == lengths.tolist()


def test_forecasts_are_in_the_units_of_the_targets_with_sorted_quantiles(tmp_path: Path) -> None:
    answers = NumberAnswers((5.0, 1.0), (2.0, 3.0), ("c", "a"), horizon=3, quantiles=(0.1, 0.5))
    inputs = WindowInputs(4, NUMBERS, 3)
    network = network_of(Architecture((LSTM,)), QUANTILES)
    module = written(tmp_path, network, Preparation(inputs, answers))
    check_formatted(tmp_path)
    series = [np.random.default_rng(0).normal(size=(6, 3))]
    with torch.inference_mode():
        expected = answers.every_level(network(torch.from_numpy(inputs.raw(series)[0])).numpy())
    np.testing.assert_allclose(module.predict(series).numpy(), expected, rtol=1e-5)


def test_the_calendar_is_read_from_the_times_of_a_file(tmp_path: Path) -> None:
    layout = SeriesLayout(time="when", series="shop", frequency="h")
    cycles: tuple[Cycle, ...] = ("minute", "hour", "weekday", "day", "week", "month")
    inputs = WindowInputs(4, NUMBERS, 3, layout, calendar=cycles)
    signature = replace(FORECAST, features=inputs.features, steps=4)
    network = network_of(Architecture((LSTM,)), signature)
    answers = NumberAnswers((5.0, 1.0), (2.0, 3.0), ("c", "a"), horizon=3)
    module = written(tmp_path, network, Preparation(inputs, answers))
    check_formatted(tmp_path)
    when = pd.date_range("2024-12-31 20:30", periods=7, freq="h")
    values = np.random.default_rng(0).normal(size=(7, 3)).round(3)
    parts = [pd.DataFrame(values * by, columns=list("abc")).assign(when=when, shop=by) for by in (1, 2)]
    pd.concat(parts).iloc[::-1].sort_values("when").to_csv(tmp_path / "data.csv", index=False)
    with torch.inference_mode():
        read, _ = inputs.raw(pd.concat(parts))
        expected = answers(network(torch.from_numpy(read)).numpy())
    # Series are in the order in which they appear.
    shops = pd.read_csv(tmp_path / "data.csv")["shop"].unique().tolist()
    found = module.predict(*module.read(tmp_path / "data.csv"))[[shops.index(1), shops.index(2)]]
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-4, atol=1e-5)
    for times in (list(when), when.to_numpy(), [str(each) for each in when], list(when.tz_localize("UTC"))):
        np.testing.assert_allclose(
            module.predict([values], [times]).numpy(), expected[:1], rtol=1e-4, atol=1e-5
        )
    with pytest.raises(ValueError, match="7 rows and 6 times; must be as many"):
        module.predict([values], [when[1:]])


@pytest.mark.parametrize(("window", "is_irregular"), [(4, False), (2, True)])
def test_what_is_known_beforehand_is_read_of_the_rows_that_are_forecast(
    tmp_path: Path, window: int, is_irregular: bool
) -> None:
    values = NUMBERS
    if is_irregular:
        values = replace(
            NUMBERS,
            mean=(*NUMBERS.mean, 0.2),
            scale=(*NUMBERS.scale, 0.5),
            columns=(*NUMBERS.columns, "since"),
        )
    layout = SeriesLayout(time="when", series="shop", gaps="keep")
    inputs = WindowInputs(window, values, 3, layout, known=("b",), is_irregular=is_irregular)
    network = network_of(Architecture((LSTM,)), replace(FORECAST, features=inputs.features, steps=window))
    answers = NumberAnswers((5.0, 1.0), (2.0, 3.0), ("c", "a"), horizon=3)
    module = written(tmp_path, network, Preparation(inputs, answers))
    check_formatted(tmp_path)
    minutes = np.array([0, 50, 60, 200, 210, 300, 390, 395, 600])
    drawn = np.random.default_rng(0).normal(size=(9, 3)).round(3)
    frame = pd.DataFrame(drawn, columns=list("abc"))
    frame.loc[6:, ["a", "c"]] = np.nan  # what is forecast
    frame = frame.assign(when=pd.Timestamp("2024-03-01") + pd.to_timedelta(minutes, unit="min"), shop="east")
    frame.to_csv(tmp_path / "data.csv", index=False)
    expected = Champion(network, Preparation(inputs, answers)).forecast(frame)
    read = module.read(tmp_path / "data.csv")
    given = read if is_irregular else (read,)
    np.testing.assert_allclose(module.predict(*given).numpy(), expected, rtol=1e-4, atol=1e-5)
    rows = frame[list("abc")].to_numpy()
    times = ([list(frame["when"])[:-1]],) if is_irregular else ()
    with pytest.raises(ValueError, match="2 rows after the last value; .* of 3: add rows with it alone"):
        module.predict([rows[:-1]], *times)


@pytest.mark.parametrize("missing", ["refuse", "previous", "interpolate"])
@pytest.mark.parametrize("is_long", [True, False])
def test_each_series_of_a_panel_is_forecast_in_its_own_unit(
    tmp_path: Path, missing: Any, is_long: bool
) -> None:
    columns = PanelColumns(series="shop" if is_long else None, time="day")
    inputs = PanelInputs(5, 3, 2, missing, columns)
    answers = NumberAnswers((0.0,), (1.0,), ("value",), 3, (0.1, 0.5))
    signature = Signature(inputs.features, 6, last_values=(0, 0, 1, 1, 0, 0), horizon=3)
    network = network_of(Architecture((GRU,)), signature)
    preparation = Preparation(inputs, answers)
    module = written(tmp_path, network, preparation)
    check_formatted(tmp_path)
    days = pd.date_range("2024-01-01", periods=12)
    wide = pd.DataFrame(
        {f"s{n}": 10.0**n * np.random.default_rng(n).normal(size=12).cumsum().round(3) for n in range(3)},
    ).assign(day=days)
    if missing != "refuse":
        wide.loc[9, "s1"] = np.nan
    wide.loc[:3, "s2"] = np.nan  # a series that begins later
    long = wide.melt("day", var_name="shop", value_name="sales")
    long = long[(long["shop"] != "s2") | (long["day"] > days[3])]
    (long if is_long else wide).to_csv(tmp_path / "data.csv", index=False)
    read = read_raw_file(tmp_path / "data.csv", preparation)
    with torch.inference_mode():
        lengths = None if read.lengths is None else torch.from_numpy(read.lengths)
        outputs = network(torch.from_numpy(read.inputs), lengths).numpy()
    expected = answers.every_level(outputs)[:, :, 0] * read.sizes[:, None, None]
    found = module.predict(module.read(tmp_path / "data.csv"))
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-4)
    with pytest.raises(ValueError, match="a series hardly changes"):
        module.predict([[5.0] * 9])


def test_frames_of_keys_are_judged_and_followed(tmp_path: Path) -> None:
    champion = tiny_champion("labels of every step")
    (exported,) = champion.members
    module = written(tmp_path, exported, champion.preparation)
    check_formatted(tmp_path)
    frames = np.random.default_rng(0).integers(0, 2, (5, 4)).astype(np.float32)
    known = Champion(champion.model, champion.preparation)
    np.save(tmp_path / "frames.npy", frames)
    for given in ([frames, frames[:2]], module.read(tmp_path / "frames.npy")):
        expected = known.predict_proba([np.asarray(each) for each in given])
        for found, wanted in zip(module.probabilities(given), expected, strict=True):
            np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-4)
    # The drawing is that of `evo-nas predict`, key by key.
    drawn = module.generate(frames, 6, seed=3)
    assert drawn.tolist() == known.generate(frames, length=6, seed=3).tolist()
    assert (
        module.generate(frames, 6, temperature=0).tolist()
        == known.generate(frames, length=6, temperature=0).tolist()
    )
    with pytest.raises(ValueError, match="other values than 0 and 1"):
        module.predict([frames + 0.5])


def test_a_model_of_texts_goes_on_from_a_text(tmp_path: Path) -> None:
    vocabulary = ("�", "a", "b", "c", "d", "e", "f")
    network = network_of(Architecture((LSTM,), embedding=3), NEXT_TOKEN)
    preparation = Preparation(TokenInputs(vocabulary, "character"), ClassAnswers(vocabulary))
    module = written(tmp_path, network, preparation)
    check_formatted(tmp_path)
    text = module.generate("abba", 5, seed=1)
    assert text.startswith("abba")
    assert len(text) == 9
    assert text == module.generate("abba", 5, seed=1)


HIDDEN = """
import runpy, sys
for name in ("evo_nas", "numpy", "pandas", "safetensors"):
    sys.modules[name] = None
sys.argv = ["champion.py", "data.csv"]
runpy.run_path("champion.py", run_name="__main__")
"""


def test_a_table_is_answered_where_torch_alone_is_installed(tmp_path: Path) -> None:
    layout = Layout(sequence="who", time="when")
    inputs = NumericInputs(NUMBERS.mean, NUMBERS.scale, NUMBERS.columns, layout=layout)
    network = network_of(Architecture((LSTM,)), SERIES)
    module = written(tmp_path, network, Preparation(inputs, ClassAnswers(("no", "yes"))))
    sequences = np.random.default_rng(1).normal(size=(2, 3, 3)).round(3)
    rows = [
        f"{when},{who},{c},{b},{a}"
        for when in (2, 0, 1)  # not in order
        for who, sequence in zip("xy", sequences, strict=True)
        for a, b, c in [sequence[when]]
    ]
    (tmp_path / "data.csv").write_text("\n".join(["when,who,c,b,a", *rows]), encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", HIDDEN],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    answers = [line.split("\t") for line in ran.stdout.splitlines()]
    assert [name for name, _ in answers] == module.predict(sequences)
    shares = module.probabilities(sequences).max(-1).values
    assert [float(share) for _, share in answers] == pytest.approx(shares.tolist(), abs=1e-4)


@pytest.mark.parametrize("place", ["name", "run"])
def test_what_a_champion_calls_itself_is_never_run(
    tmp_path: Path, place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The check of an export runs the file, and the texts may be those of a folder from anywhere."""
    text = 'a"""\n\rprint("run")\n"""\\\ud800\0'
    champion = tiny_champion("classes")
    facts = {**champion.facts, "run_id": text, "candidate": text}
    given = replace(champion, name=text) if place == "name" else replace(champion, facts=facts)
    export = write_export(given, tmp_path / "out", kind="python")
    assert isinstance(export.check, Checked)
    assert capsys.readouterr().out == ""
    check_formatted(tmp_path / "out")


def test_a_long_list_lies_beside_the_weights(tmp_path: Path) -> None:
    vocabulary = tuple(f"w{number}" for number in range(100))
    signature = Signature(features=0, vocabulary=100, outputs=2, steps=4)
    network = network_of(Architecture((LSTM,), embedding=3), signature)
    module = written(tmp_path, network, Preparation(TokenInputs(vocabulary), ClassAnswers(("no", "yes"))))
    check_formatted(tmp_path)
    assert tuple(module.VOCABULARY) == vocabulary
    assert "w50" not in (tmp_path / MODULE_FILE).read_text(encoding="utf-8")
    assert module.predict([["w1", "w99"]])[0] in ("no", "yes")
