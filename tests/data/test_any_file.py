"""Whatever bytes a file holds, it is read or refused in one clear line."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import tempfile
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import feather, parquet
from scipy.io import savemat

from evo_nas.data.columns import Roles
from evo_nas.data.sequence_files import SequenceReader
from evo_nas.data.text_files import TextReader, TextRoles
from evo_nas.data.token_files import TokenReader, TokenRoles
from evo_nas.errors import DataError

FRAME = pd.DataFrame({"a": [0.5, 2.0, 1.0], "b": [1, 2, 3], "label": ["x", "y", "x"]})


def written(write) -> bytes:
    file = io.BytesIO()
    write(file)
    return file.getvalue()


def zipped(content: bytes) -> bytes:
    return written(lambda file: zipfile.ZipFile(file, "w").writestr("a.csv", content))


CSV = FRAME.to_csv(index=False).encode()
ARFF = b"@relation r\n@attribute a numeric\n@attribute label {x,'y z'}\n@data\n1,x\n2,'y z'\n{0 3}\n"
ARRAYS = {"x": np.arange(6.0).reshape(3, 2), "y": np.arange(3)}
SAMPLES = {
    "a.csv": CSV,
    "a.tsv": b"1\t0.5\t2\n2\t1\tNaN\n",
    "a.jsonl": FRAME.to_json(orient="records", lines=True).encode(),
    "a.json": json.dumps(FRAME.to_dict("list")).encode(),
    "a.arff": ARFF,
    "a.ts": b"@timeStamps true\n@classLabel true x y\n@data\n(0,1),(1,2):x\n(0,3),(2,?):y\n",
    "a.parquet": written(lambda file: parquet.write_table(pa.Table.from_pandas(FRAME), file)),
    "a.arrow": written(lambda file: feather.write_feather(FRAME, file)),
    "a.npz": written(lambda file: np.savez(file, **ARRAYS)),
    "a.npy": written(lambda file: np.save(file, ARRAYS["x"])),
    "a.mat": written(lambda file: savemat(file, ARRAYS)),
    "a.conllu": b"# text\n1\tAnna\t_\tNOUN\t_\t_\t_\t_\t_\t_\n\n",
    "a.txt": b"dry the sun\nwet the rain\n",
    "a.fa": b">one\nACGT\n>two\nTT\n",
    "a.csv.gz": gzip.compress(CSV),
    "a.csv.bz2": bz2.compress(CSV),
    "a.csv.xz": lzma.compress(CSV),
    "a.csv.zst": pa.compress(CSV, codec="zstd", asbytes=True),
    "a.csv.zip": zipped(CSV),
}
READERS = (
    lambda path: SequenceReader(Roles()).read([path]),
    lambda path: SequenceReader(Roles(targets=("a",), holes=True)).read([path]),
    lambda path: TextReader(TextRoles()).read(path, None),
    lambda path: TextReader(TextRoles()).read(path, "x"),
    lambda path: TokenReader(TokenRoles()).read(path),
)


def refusals(name: str, content: bytes) -> list[str]:
    """Reads a file in every way, and returns what the readers say that refuse it; they may raise nothing else."""
    said = []
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("error")
        path = Path(folder) / name
        path.write_bytes(content)
        for read in READERS:
            try:
                read(path)
            except DataError as error:
                said.append(str(error))
    return said


# SciPy's reader of .mat crashes the interpreter on some damaged files, which Python cannot catch.
@pytest.mark.parametrize("name", [name for name in SAMPLES if name != "a.mat"])
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_damaged_file_is_read_or_refused_in_one_line(name, data) -> None:
    content = bytearray(SAMPLES[name])
    for _ in range(data.draw(st.integers(0, 4))):
        start = data.draw(st.integers(0, max(len(content) - 1, 0)))
        stop = data.draw(st.integers(start, min(len(content), start + 20)))
        content[start:stop] = data.draw(
            st.binary(max_size=6) | st.sampled_from([b"\n", b",", b'"', b"\t", b"\r\n", b"{", b"?"])
        )
    assert "\n" not in "".join(refusals(name, bytes(content)))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(sorted(SAMPLES)),
    st.binary(max_size=60)
    | st.text(alphabet="aA1.,;\t\n\r\"'{}[]:?@%-_eéक\u0301", max_size=60).map(str.encode),
)
def test_any_bytes_are_read_or_refused_in_one_line(name, content) -> None:
    assert "\n" not in "".join(refusals(name, content))
