"""Pictures of data are SVG that every viewer reads, whatever names the data have."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from evo_nas.cli.drawing_files import write_drawing
from evo_nas.errors import ConfigError, DataError
from evo_nas.tasks.arrays import dataset_from_arrays
from evo_nas.tasks.forecast import ForecastOptions, ForecastTask
from evo_nas.tasks.registry import TASKS
from evo_nas.views.data_facts import series_columns
from evo_nas.views.picture import COLOURS, picture_of
from evo_nas.views.svg import Box, fitting, line

WAVES = np.random.default_rng(0).normal(size=(60, 5, 1))
DATA = dataset_from_arrays(WAVES, WAVES.sum(axis=(1, 2)) > 0, kind="classification")
SVG = "{http://www.w3.org/2000/svg}"


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter(f"{SVG}text")]


@pytest.mark.parametrize("kind", [kind for kind in TASKS if kind != "in_memory"])
def test_every_kind_of_data_has_a_picture(kind: str, tmp_path: Path) -> None:
    dataset = TASKS[kind].sample(tmp_path).read().dataset
    shown = texts(picture_of(dataset))
    assert shown[0] == fitting(dataset.name, 900, size=24)
    assert f"train {len(dataset.train):,}" in shown


def test_names_of_the_users_are_text_and_nothing_else() -> None:
    odd = "<b>&\"'\x1b\udcff\n漢字"
    named = replace(DATA, classes=(odd, "plain"), remarks=(odd,))
    shown = texts(picture_of(named))
    assert sum("<b>&\"'\\x1b\\udcff\\n漢字" in text for text in shown) >= 2


def series(folder: Path) -> ForecastTask:
    path = folder / "a.csv"
    path.write_text("a,b\n" + "\n".join(f"{row / 10},{-row}" for row in range(100)))
    return ForecastTask(
        ForecastOptions(path=(path,), targets=("b",), window=5, horizon=3, split=(0.6, 0.2, 0.2))
    )


def test_the_rows_of_a_series_are_in_the_part_that_forecasts_them(tmp_path) -> None:
    first, second = series_columns(series(tmp_path).read().dataset, 8)
    assert (first.name, second.name) == ("a", "b")
    assert first.ends == pytest.approx((0.0, 9.9))
    assert {part: len(second.of_part(part)) for part in COLOURS} == {
        "train": 60,
        "validation": 20,
        "test": 20,
    }
    assert second.of_part("validation")[0] == pytest.approx(-60, abs=1e-3)


def test_a_peak_stays_in_a_line_of_many_values_and_a_hole_breaks_it() -> None:
    values = np.zeros(10_000)
    values[4321] = 1.0
    drawn = line(values, Box(0, 0, 100, 50), (0.0, 1.0), "black")
    assert " 0.0" in drawn  # the top
    assert len(drawn) < 30_000
    assert drawn.count("M") == 1
    values[5000:6000] = np.nan
    assert line(values, Box(0, 0, 100, 50), (0.0, 1.0), "black").count("M") == 2


def test_the_suffix_chooses_the_format(tmp_path, monkeypatch) -> None:
    write_drawing(picture_of(DATA), tmp_path / "a.svg")
    ElementTree.parse(tmp_path / "a.svg")
    with pytest.raises(ConfigError, match=r"its name must end in \.svg or \.png"):
        write_drawing(picture_of(DATA), tmp_path / "a.jpg")
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    with pytest.raises(DataError, match=r"run pip install 'evo-nas\[pictures\]', or name an \.svg file"):
        write_drawing(picture_of(DATA), tmp_path / "a.png")


def test_a_png_is_drawn_where_the_extra_is_there(tmp_path) -> None:
    pytest.importorskip("resvg_py", reason="the extra pictures is not installed")
    write_drawing(picture_of(DATA), tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
