"""Numbers for whole sequences: targets from columns, arrays and .ts, in original units."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from evo_nas.errors import DataError
from evo_nas.tasks.regression import RegressionOptions, RegressionTask

RNG = np.random.default_rng(0)
WAVES = RNG.normal(loc=50, scale=9, size=(60, 5, 2))
MEANS = 1000 * WAVES[:, -1, 0]


def prepared(**options):
    return RegressionTask(RegressionOptions.model_validate(options)).read()


def load(**options):
    return prepared(**options).dataset


def csv(folder, header: str, rows: list[str], name: str = "a.csv"):
    (folder / name).write_text("\n".join([header, *rows]))
    return folder / name


def rows_of_steps(count: int, target) -> list[str]:
    return [
        f"s{number},{step},{np.sin(number * step):.4f},{target(number, step)}"
        for number in range(1, count + 1)
        for step in range(1, 7)
    ]


def test_targets_are_standardised_for_networks_and_scored_in_their_own_units(tmp_path) -> None:
    np.savez(tmp_path / "a.npz", x=WAVES, y=MEANS)
    dataset = load(path=tmp_path / "a.npz", metric="mae", split={"by": "time", "test": 12, "validation": 6})
    assert dataset.train.targets.mean() == pytest.approx(0, abs=1e-5)
    assert dataset.train.targets.std() == pytest.approx(1, rel=1e-5)
    guess = np.zeros((12, 1), dtype=np.float32)
    wanted = np.abs(MEANS[48:] - MEANS[:42].mean()).mean()
    assert dataset.metric.score(guess, dataset.test.targets) == pytest.approx(wanted, rel=1e-5)


def test_every_format_of_targets_gives_the_same_numbers(tmp_path) -> None:
    targets = np.stack([MEANS, WAVES[:, 0, 1]], axis=1)
    np.savez(tmp_path / "a.npz", x=WAVES, y=targets)
    np.savez(tmp_path / "b.npz", x=WAVES, one=targets[:, 0], two=targets[:, 1])
    flat = WAVES.reshape(60, -1)
    header = ",".join([*(f"c{column}" for column in range(10)), "one", "two"])
    csv(
        tmp_path,
        header,
        [",".join(map(repr, [*row, *two])) for row, two in zip(flat.tolist(), targets.tolist(), strict=True)],
    )
    named = {"targets": ["one", "two"]}
    wanted = load(path=tmp_path / "a.npz").train.targets
    assert wanted.shape[1] == 2
    assert np.array_equal(load(path=tmp_path / "b.npz", **named).train.targets, wanted)
    assert np.array_equal(load(path=tmp_path / "a.csv", features=2, **named).train.targets, wanted)


def test_a_ts_file_may_end_its_lines_with_a_number(tmp_path) -> None:
    lines = [f"{','.join(map(str, wave[:, 0]))}:{mean}" for wave, mean in zip(WAVES, MEANS, strict=True)]
    (tmp_path / "a.ts").write_text("\n".join(["@targetlabel true", "@data", *lines]))
    assert load(path=tmp_path / "a.ts").signature.outputs == 1
    (tmp_path / "a.ts").write_text("\n".join(["@targetlabel true", "@data", *lines, "1,2,3,4,5:high"]))
    with pytest.raises(DataError, match=r"a\.ts, line 63: the target is 'high'; must be a number"):
        load(path=tmp_path / "a.ts")


def test_the_target_of_steps_is_constant_or_that_of_the_last_one(tmp_path) -> None:
    path = csv(tmp_path, "who,t,x,rul", rows_of_steps(40, lambda number, step: 100 * number - step))
    options = {"path": path, "sequence": "who", "exclude": ["t"], "split": {"by": "time"}}
    with pytest.raises(
        DataError, match="sequence s1 has several targets in column 'rul', 94 and 95; set target_of"
    ):
        load(**options)
    last = load(**options, target_of="last")
    assert np.diff(last.train.targets[:, 0]) == pytest.approx(np.diff(last.train.targets[:, 0])[0], rel=1e-4)
    path = csv(tmp_path, "who,t,x,rul", rows_of_steps(40, lambda number, step: 7 * number))
    assert load(**options).train.targets == pytest.approx(last.train.targets, abs=1e-4)


@pytest.mark.parametrize(("target_of", "given"), [("constant", 3), ("last", 6)])
def test_a_target_may_stand_in_one_row_of_a_sequence_only(target_of, given, tmp_path) -> None:
    target = lambda number, step: number if step == given else ""  # noqa: E731
    path = csv(tmp_path, "who,t,x,rul", rows_of_steps(40, target))
    options = {"path": path, "sequence": "who", "target_of": target_of}
    assert len(load(**options).train) == 28
    path.write_text(path.read_text().replace(f"s9,{given},", f"s9,{given},0.5,\ns99,{given},"))
    with pytest.raises(DataError, match="sequence s9 has no target"):
        load(**options)


def test_pieces_of_a_sequence_have_the_target_of_their_last_step_and_stay_in_one_part(tmp_path) -> None:
    path = csv(tmp_path, "who,t,x,rul", rows_of_steps(20, lambda number, step: 10 * number - step))
    dataset = load(path=path, sequence="who", window=4, inputs=["t", "x"], metric="mse")
    assert dataset.train.inputs.shape[1] == 4
    units = [set(names) for names in dataset.groups.values()]
    assert sum(map(len, units)) == len(set.union(*units)) == 20
    assert [len(part) for part in dataset.parts.values()] == [3 * len(names) for names in units]
    # The inputs count the steps: the target falls by 1 with each step of the last input.
    first = dataset.train.targets[:3, 0] * np.sqrt(dataset.metric.score(np.ones((1, 1)), np.zeros((1, 1))))
    assert np.diff(first) == pytest.approx([-1, -1], rel=1e-4)


def test_pieces_of_two_parts_that_count_their_sequences_alike_are_different_ones(tmp_path) -> None:
    rows = rows_of_steps(20, lambda number, step: 10 * number - step)
    path = csv(tmp_path, "who,t,x,rul", rows)
    other = tmp_path / "other.csv"
    other.write_text("\n".join(["who,t,x,rul", *(row.replace("0.", "1.") for row in rows[: len(rows) // 2])]))
    options = {"path": path, "test_path": other, "sequence": "who", "window": 4, "target_of": "last"}
    with pytest.raises(
        DataError, match=r"sequence 's1' is in the test files .* set split.duplicates to keep"
    ):
        load(**options)
    dataset = load(**options, split={"duplicates": "keep"})
    units = {part: set(names) for part, names in dataset.groups.items()}
    assert len(units["train"] | units["validation"]) == 20
    assert units["test"] == {f"test s{number}" for number in range(1, 11)}
    assert any("10 sequences of the test files have names of other parts" in each for each in dataset.remarks)


def test_sequences_shorter_than_a_piece_stay_whole(tmp_path) -> None:
    path = csv(tmp_path, "who,t,x,rul", rows_of_steps(20, lambda number, step: 10 * number - step))
    assert load(path=path, sequence="who", window=9).train.inputs.shape[1] == 6


def test_baselines_find_a_linear_target(tmp_path) -> None:
    np.savez(tmp_path / "a.npz", x=WAVES, y=MEANS)
    scores = {name: each.score for name, each in prepared(path=tmp_path / "a.npz").fit_baselines().items()}
    assert scores["ridge regression"] < 0.1 * scores["mean"]
    assert scores["nearest neighbour"] > 0


def test_the_share_of_the_variance_is_one_for_right_and_zero_for_the_mean(tmp_path) -> None:
    np.savez(tmp_path / "a.npz", x=WAVES, y=np.stack([MEANS, WAVES[:, 0, 1]], axis=1))
    dataset = load(path=tmp_path / "a.npz", metric="r2")
    targets = dataset.test.targets
    assert dataset.metric.score(targets, targets) == 1
    assert dataset.metric.score(np.tile(targets.mean(axis=0), (len(targets), 1)), targets) == pytest.approx(
        0, abs=1e-6
    )


def test_holes_of_inputs_are_filled_as_chosen(tmp_path) -> None:
    waves = WAVES.copy()
    waves[5, 2, 1] = np.nan
    np.savez(tmp_path / "a.npz", x=waves, y=MEANS)
    with pytest.raises(DataError, match="sequence 6 has a missing value; .* set missing to mask"):
        load(path=tmp_path / "a.npz")
    assert load(path=tmp_path / "a.npz", missing="mask").signature.features == 4
    assert all(
        each.score is not None
        for each in prepared(path=tmp_path / "a.npz", missing="mask").fit_baselines().values()
    )


@pytest.mark.parametrize(
    ("arrays", "options", "message"),
    [
        ({"y": np.full(60, 3.0)}, {}, "target 1 is 3 in the whole train part; there is nothing to learn"),
        ({"y": [*MEANS[:-1], np.nan]}, {}, "y, sequence 60: a target is missing or infinite"),
        ({"y": MEANS[:-1]}, {}, r"y has shape \(59,\); must be \(60,\), or \(60, targets\)"),
        ({"y": np.array(["a"] * 60)}, {}, "y has targets that are no numbers"),
        (
            {"y": [*MEANS[:-1], 3e38]},
            {"split": {"by": "time"}},
            r"sequence 60, target 1 is 3e\+38, more than",
        ),
        (
            {"y": [*MEANS[:-2], 7, 7]},
            {"metric": "r2", "split": {"by": "time", "test": 2}},
            "target 1 is 7 in the whole test part; r2 is undefined there",
        ),
        ({}, {"targets": ["z"]}, "has no array 'z'"),
    ],
)
def test_targets_that_cannot_be_learnt_are_refused(arrays, options, message, tmp_path) -> None:
    np.savez(tmp_path / "a.npz", **{"x": WAVES, "y": MEANS, **arrays})
    with pytest.raises(DataError, match=message):
        load(path=tmp_path / "a.npz", **options)


def test_the_target_is_asked_for_where_no_name_tells_it(tmp_path) -> None:
    path = csv(tmp_path, "a,b,c", [",".join(map(str, row)) for row in WAVES[:, :3, 0]])
    with pytest.raises(DataError, match="no column has a name such as target; name it in `targets`"):
        load(path=path)
    assert load(path=path, targets=["b"]).train.inputs.shape[1] == 2


def test_only_steps_are_cut_into_pieces(tmp_path) -> None:
    with pytest.raises(ValidationError, match="window cuts sequences whose rows are steps"):
        RegressionOptions(path=(tmp_path / "a.csv",), window=3)


def test_pieces_of_a_sequence_are_not_split_by_rows_or_time(tmp_path) -> None:
    options = {"path": tmp_path / "a.csv", "sequence": "who", "window": 3}
    for split in ({"by": "time"}, {"by": "rows"}, {"test_by": "time"}):
        with pytest.raises(ValidationError, match="would tear the pieces of a sequence apart"):
            RegressionOptions.model_validate({**options, "split": split})
