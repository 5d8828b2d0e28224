"""Bodies that are too large, malformed or packed to fill the memory are refused."""

from __future__ import annotations

import io
import struct
import tracemalloc
from collections.abc import Iterator, Mapping
from pathlib import Path
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZIP_LZMA, ZIP_STORED, ZipFile

import pytest
from fastapi.testclient import TestClient

from evo_nas.errors import DataError
from evo_nas.server.app import create_app
from evo_nas.server.options import Limits
from evo_nas.server.routes.retraining import posted_files
from tests.server.attacking import CHECK, HOME, options, problems


def test_a_body_that_says_it_is_too_large_is_not_read(folder: Path) -> None:
    app = create_app(options(folder, limits=Limits(body=100)))
    answered = TestClient(app, base_url=HOME).post(CHECK, content=b"x" * 101)
    assert answered.status_code == 413
    assert answered.headers["connection"] == "close"


def test_a_body_without_a_length_is_read_up_to_the_limit(folder: Path) -> None:
    taken = []

    def pieces() -> Iterator[bytes]:
        for _ in range(1000):
            taken.append(10)
            yield b"x" * 10

    app = create_app(options(folder, limits=Limits(body=100)))
    assert TestClient(app, base_url=HOME).post(CHECK, content=pieces()).status_code == 413


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"\xff\xfe",
        b'{"config": {"seed": NaN}}',
        b'{"config": {"seed": Infinity}}',
        b'{"config": {"name": "\\ud800"}}',
        b"[" * 100_000,
        b'{"config": {"seed": ' + b"9" * 5000 + b"}}",
    ],
)
def test_malformed_json_is_a_problem(client: TestClient, body: bytes) -> None:
    answered = client.post(CHECK, content=body, headers={"content-type": "application/json"})
    assert answered.status_code in {400, 422}
    assert answered.json()["detail"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]", "anchor"),
        ("a: " + "[" * 1000, "deep"),
        ("!!python/object/apply:os.system ['id']", "tag"),
        ("a: 1\na: 2", "twice"),
        ("seed: " + "9" * 4000, "digits"),
        ("- a", "mapping"),
    ],
)
def test_a_yaml_bomb_is_a_problem(client: TestClient, text: str, said: str) -> None:
    answered = client.post(CHECK, json={"yaml": text})
    assert answered.status_code == 200
    assert said in answered.json()["problems"][0]["message"]


def test_values_may_be_no_larger_than_a_file(client: TestClient) -> None:
    assert "bytes" in problems(client, {"name": "a" * 300_000})[""]


def test_values_may_be_nested_no_deeper_than_yaml(client: TestClient) -> None:
    nested: object = 1
    for _ in range(200):
        nested = [nested]
    assert "nested" in problems(client, {"name": nested})[""]


def _zip(files: Mapping[str, bytes], packing: int = ZIP_DEFLATED) -> bytes:
    content = io.BytesIO()
    with ZipFile(content, "w", packing) as packed:
        for name, data in files.items():
            packed.writestr(name, data)
    return content.getvalue()


def _saying(files: Mapping[str, bytes], *, size: int, packing: int = ZIP_DEFLATED) -> bytes:
    """Returns a zip of one file that says it has another size."""
    (content,) = files.values()
    return _zip(files, packing).replace(struct.pack("<L", len(content)), struct.pack("<L", size))


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"../rows.csv": b"1"}, "plain name without folders"),
        ({"data/rows.csv": b"1"}, "plain name without folders"),
        ({"-x.csv": b"1"}, "plain name without folders"),
        ({".env": b"1"}, "plain name without folders"),
        ({"rows.parquet": b"1"}, "ends in one of"),
        ({}, "must be 1 to 100"),
        ({"many.csv": b"0" * (2**28 + 1)}, "the zip unpacks to 268,435,457 bytes"),
        (
            {"NUMBERS.NPZ": _saying({"x.npy": b"0" * 12_345}, size=2**28 + 1)},
            "NUMBERS.NPZ unpacks to 268,435,457 bytes",
        ),
        ({"x.npz": _zip({"x.npy": b"0"}, ZIP_BZIP2)}, "x.npz has 'x.npy' packed in a rare way"),
        ({"sounds.csv": b"path,label\n/etc/passwd.wav,x\n"}, "names files of sound"),
        ({"sounds.txt": b"path,label\n/etc/passwd.wav,x\n"}, "names files of sound"),
        ({"sounds.json": b'[{"path": "/etc/passwd\\u002Ewav", "label": "x"}]'}, "names files of sound"),
        ({"sounds.jsonl": b'{"path": "/etc/passwd.\\u0077av", "label": "x"}'}, "names files of sound"),
    ],
    ids=lambda value: next(iter(value), "none") if isinstance(value, dict) else None,
)
def test_a_zip_of_data_holds_plain_files_alone(files: dict[str, bytes], said: str) -> None:
    with pytest.raises(DataError, match=said):
        posted_files(_zip(files), delimiter=None)


def test_a_text_may_speak_of_files_of_sound() -> None:
    said = b'He said: "Play rain.wav, then\nstop".\n\nShe said no.\n'
    assert posted_files(_zip({"said.txt": said}), delimiter=None) == {"said.txt": said}


def test_a_name_of_sound_is_seen_where_the_task_has_a_delimiter_of_its_own() -> None:
    table = _zip({"rows.csv": b"path;x,y\n/etc/passwd.wav;1,2\n"})
    assert posted_files(table, delimiter=None)
    with pytest.raises(DataError, match="names files of sound"):
        posted_files(table, delimiter=";")


@pytest.mark.parametrize("packing", [ZIP_BZIP2, ZIP_LZMA])
def test_a_zip_whose_size_is_not_known_before_is_not_unpacked(packing: int) -> None:
    with pytest.raises(DataError, match="the zip has 'rows.csv' packed in a rare way"):
        posted_files(_zip({"rows.csv": b"1"}, packing), delimiter=None)


def test_a_zip_that_says_it_is_smaller_than_it_is_fills_no_memory() -> None:
    size = 2**27 + 12_345
    forged = _saying({"rows.csv": b"0" * size}, size=10)
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match="no zip file that can be read"):
            posted_files(forged, delimiter=None)
        assert tracemalloc.get_traced_memory()[1] < size / 8
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "content",
    [
        b"PK",
        _saying({"rows.csv": b"1" * 12_345}, size=100_000, packing=ZIP_STORED),
        # Not UTF-8, although the zip says that it is.
        _zip({"\xe4.csv": b"1"}).replace("\xe4".encode(), b"\xff\xff"),
    ],
    ids=["cut", "torn", "name"],
)
def test_what_is_no_zip_is_said(content: bytes) -> None:
    with pytest.raises(DataError, match="no zip file that can be read"):
        posted_files(content, delimiter=None)
