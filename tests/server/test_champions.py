"""What the service says of a champion, and what it hands out of it."""

from __future__ import annotations

import io
import json
import shutil
import tempfile
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner
from fastapi.testclient import TestClient

from evo_nas.champion.exporters.checking import Unchecked
from evo_nas.champion.exporters.onnx.exporter import OnnxExporter
from evo_nas.cli.app import main
from tests.served import rows

CHAMPION = "/api/v1/runs/judged/champion"
PREDICT = "/api/v1/runs/judged/predict"


@pytest.fixture(scope="module")
def champion(service: TestClient) -> dict:
    answered = service.get(CHAMPION)
    assert answered.status_code == 200, answered.text
    return answered.json()


def test_a_champion_comes_with_its_verdict_and_its_equations(champion: dict) -> None:
    assert champion["sentence"].startswith(("Take ", "Of the networks take "))
    assert champion["is_current"]
    assert champion["verdict"]["champion"]["which"] == "champion"
    assert champion["models"][0] == "champion"
    assert "gru" in champion["models"]
    explained = champion["explanation"]
    assert explained["drawing"].startswith("<svg")
    assert explained["cells"][0]["mathml"].startswith("<math")
    assert explained["lineage"][-1]["candidate"] == champion["verdict"]["candidate"]


def test_the_evidence_of_its_verdict_is_a_table(champion: dict) -> None:
    evidence = champion["evidence"]
    assert {len(row) for row in evidence["rows"]} == {len(evidence["columns"])}
    assert evidence["rows"][0][0].endswith("GRU")
    assert "bootstrap" in evidence["tests"]


def test_a_copy_of_a_run_is_told_under_its_own_name(service: TestClient, root: Path, champion: dict) -> None:
    shutil.copytree(root / "judged", root / "copied")
    answered = service.get("/api/v1/runs/copied/champion").json()
    assert answered["run"] == "copied"
    assert answered["verdict"] == champion["verdict"]


def test_every_format_has_a_sentence_and_says_whether_it_is_installed(champion: dict) -> None:
    formats = {each["name"]: each for each in champion["formats"]}
    assert {"native", "onnx", "c", "python"} <= formats.keys()
    assert all(each["summary"].endswith(".") for each in formats.values())
    assert formats["native"]["is_installed"]
    assert formats["onnx"]["extra"] == "onnx"


def test_its_example_is_predicted(service: TestClient, champion: dict) -> None:
    answered = service.post(PREDICT, json=champion["example"])
    assert answered.status_code == 200, answered.text
    assert answered.json()["rows"][0]["prediction"] in {"up", "down"}


def test_a_run_without_a_verdict_has_no_champion(service: TestClient) -> None:
    answered = service.get("/api/v1/runs/open/champion")
    assert answered.status_code == 404
    assert "keeps no champion yet" in answered.json()["detail"]


def test_posted_rows_get_the_answers_of_the_command_line(
    service: TestClient, root: Path, tmp_path: Path
) -> None:
    file, out = tmp_path / "new.csv", tmp_path / "said.jsonl"
    rows().to_csv(file, index=False)
    told = CliRunner().invoke(
        main, ["predict", str(root / "judged"), "--input", str(file), "--output", str(out)]
    )
    assert told.exit_code == 0, told.output
    wanted = [json.loads(line) for line in out.read_text().splitlines()]
    posted = {"rows": rows().to_dict("records"), "score": True}
    for answered in (
        service.post(PREDICT, json=posted),
        service.post(
            f"{PREDICT}/file", params={"name": "new.csv", "score": "true"}, content=file.read_bytes()
        ),
    ):
        assert answered.status_code == 200, answered.text
        # Rows of a file are called by its lines, whose first is the header.
        assert [each["p_up"] for each in answered.json()["rows"]] == pytest.approx(
            [each["p_up"] for each in wanted]
        )
        assert answered.json()["columns"] == ["row", "prediction", "p_down", "p_up"]
        assert answered.json()["score"].startswith("accuracy")


def test_posted_sequences_get_the_same_answers_as_rows(service: TestClient) -> None:
    given = rows(3).drop(columns="label")
    of_rows = service.post(PREDICT, json={"rows": given.to_dict("records")}).json()["rows"]
    sequences = [[[value] for value in row] for row in given.to_numpy().tolist()]
    answered = service.post(PREDICT, json={"inputs": sequences})
    assert answered.status_code == 200, answered.text
    found = answered.json()["rows"]
    assert [each["p_up"] for each in found] == pytest.approx([each["p_up"] for each in of_rows])


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"rows": [{"a": 1.0, "b": 2.0}]}, "no column"),
        ({"rows": [dict.fromkeys("abcdef", "x")]}, "'x'"),
        ({"rows": [{**dict.fromkeys("abcdef", 1.0), "label": "aside"}], "score": True}, "'aside'"),
        ({"rows": [{"file": "/etc/passwd.wav"}]}, "files of sound"),
        ({"inputs": [[1.0, [2.0]]]}, "sequence 1"),
        ({"inputs": [[[1.0, 2.0]]]}, "(1, 2)"),
        ({"text": "once upon"}, "continues neither"),
        ({}, "the request has no data; must have one of rows, inputs and text"),
        ({"rows": [{}], "inputs": [[1]]}, "must have one of rows, inputs and text"),
        ({"rows": [{}], "surprise": 1}, "surprise"),
    ],
)
def test_what_cannot_be_predicted_is_one_clear_problem(service: TestClient, body: dict, said: str) -> None:
    answered = service.post(PREDICT, json=body)
    assert answered.status_code in {409, 422}
    assert said in answered.json()["detail"]
    assert tempfile.gettempdir() not in answered.json()["detail"]


@pytest.mark.parametrize(
    "name", ["rows.csv.gz", "rows.parquet", "sound.flac", "rows.xlsx", "rows", "../../etc/passwd"]
)
def test_a_file_of_a_kind_that_is_not_taken_is_refused(service: TestClient, name: str) -> None:
    answered = service.post(f"{PREDICT}/file", params={"name": name}, content=b"a,b\n1,2\n")
    assert answered.status_code == 422
    assert "must be one of .conll" in answered.json()["detail"]


def test_an_archive_that_unpacks_to_more_than_memory_should_hold_is_refused(service: TestClient) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("x.npy", "w") as entry:
        for _ in range(257):
            entry.write(bytes(2**20))
    answered = service.post(f"{PREDICT}/file", params={"name": "x.npz"}, content=packed.getvalue())
    assert answered.status_code == 422
    assert "unpacks to" in answered.json()["detail"]


@pytest.mark.parametrize("which", ["champion", "gru", "baseline", "baseline:nearest-neighbour"])
def test_an_export_is_a_zip_of_what_the_command_writes(service: TestClient, which: str) -> None:
    answered = service.get("/api/v1/runs/judged/exports/native", params={"which": which})
    assert answered.status_code == 200, answered.text
    assert answered.headers["content-type"] == "application/zip"
    assert answered.headers["evo-nas-check"].startswith("checked")
    with zipfile.ZipFile(io.BytesIO(answered.content)) as archive:
        manifest = json.loads(archive.read("judged-native/manifest.json"))
        assert {f"judged-native/{name}" for name in manifest["files"]} < set(archive.namelist())


def test_an_export_that_could_not_be_run_says_so(
    service: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("onnx")
    monkeypatch.setattr(OnnxExporter, "check", lambda *_: Unchecked("onnxruntime is absent"))
    answered = service.get("/api/v1/runs/judged/exports/onnx")
    assert answered.headers["evo-nas-check"] == "unchecked; onnxruntime is absent"
    with zipfile.ZipFile(io.BytesIO(answered.content)) as archive:
        assert json.loads(archive.read("judged-onnx/manifest.json"))["check"]["status"] == "unchecked"


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("judged/exports/nativ", 404, "native"),
        ("judged/exports/native?which=baseline:guess", 404, "champion"),
        ("judged/exports/native?int8=true", 409, "does not take"),
        ("open/exports/native", 404, "no champion yet"),
        ("nowhere/exports/native", 404, "does not exist"),
    ],
)
def test_what_cannot_be_exported_is_one_clear_problem(
    service: TestClient, path: str, status: int, said: str
) -> None:
    answered = service.get(f"/api/v1/runs/{path}")
    assert answered.status_code == status
    assert said in answered.json()["detail"]


def test_nothing_is_left_of_a_download_that_ends_early(
    service: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with service.stream("GET", "/api/v1/runs/judged/exports/native") as answered:
        assert next(answered.iter_bytes(10))
    assert list(tmp_path.iterdir()) == []
