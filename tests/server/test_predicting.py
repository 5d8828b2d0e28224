"""What is posted to a champion is answered as the command answers it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from evo_nas.server.predicting import PostedFile, PredictRequest, answered, answered_file
from tests.champion.test_prediction import champion_of

if TYPE_CHECKING:
    from pathlib import Path


def test_posted_series_are_forecast_again_and_again(tmp_path: Path) -> None:
    when = pd.date_range("2024-01-01", periods=60, freq="h").astype(str)
    frame = pd.DataFrame({"when": when, "a": np.random.default_rng(0).normal(size=60).cumsum()})
    frame.to_csv(tmp_path / "series.csv", index=False)
    champion, _ = champion_of("forecast", tmp_path / "series.csv", targets=["a"], window=8, horizon=3)
    how = {"rolling": True, "stride": 20, "score": True}
    of_rows = answered(champion, PredictRequest(rows=frame.to_dict("records"), **how))
    content = (tmp_path / "series.csv").read_bytes()
    of_file = answered_file(champion, content, PostedFile(name="new.csv", **how))
    assert of_rows.columns == of_file.columns == ["series", "origin", "time", "step", "a", "a_truth"]
    assert [row["origin"] for row in of_file.rows[::3]] == when[[16, 36, 56]].tolist()
    assert [row["a_truth"] for row in of_rows.rows] == pytest.approx(
        frame["a"].to_numpy()[[17, 18, 19, 37, 38, 39, 57, 58, 59]]
    )
    assert of_rows.score == of_file.score
    assert of_rows.score is not None
    assert of_rows.score.endswith("in the squared units of the file, on 3 forecasts")
    with pytest.raises(ValidationError, match="rolling is true without rows"):
        PredictRequest(inputs=[[1.0]], rolling=True)
