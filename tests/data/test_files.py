"""Files are unpacked by their name, and what cannot be read is one clear line."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zipfile

import pyarrow as pa
import pytest

from evo_nas.data.files import content_of, format_of, in_blocks, text_of
from evo_nas.data.table_files import read_table
from evo_nas.errors import DataError

CONTENT = "a,b\n1,x\n2,ÿ\n".encode()


def zipped(path, *names: str) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, CONTENT)


PACKERS = {
    ".gz": lambda path: path.write_bytes(gzip.compress(CONTENT)),
    ".bz2": lambda path: path.write_bytes(bz2.compress(CONTENT)),
    ".xz": lambda path: path.write_bytes(lzma.compress(CONTENT)),
    ".zst": lambda path: path.write_bytes(pa.compress(CONTENT, codec="zstd", asbytes=True)),
    ".zip": lambda path: zipped(path, "a.csv"),
}


@pytest.mark.parametrize("suffix", PACKERS)
@pytest.mark.parametrize("case", [str.lower, str.upper])
def test_a_file_is_unpacked_as_its_name_says(suffix, case, tmp_path) -> None:
    path = tmp_path / f"a.csv{case(suffix)}"
    PACKERS[suffix](path)
    assert format_of(path) == ".csv"
    assert content_of(path) == CONTENT
    assert read_table(path).texts("b") == ["x", "ÿ"]


@pytest.mark.parametrize("suffix", [suffix for suffix in PACKERS if suffix != ".zip"])
def test_parts_packed_one_after_the_other_are_read_to_the_end(suffix, tmp_path) -> None:
    path = tmp_path / f"a.txt{suffix}"
    PACKERS[suffix](path)
    path.write_bytes(path.read_bytes() * 2)
    assert content_of(path) == CONTENT * 2


@pytest.mark.parametrize("suffix", PACKERS)
@pytest.mark.parametrize("damage", [lambda packed: packed[:-9], lambda packed: b"not packed at all"])
def test_a_damaged_archive_is_one_clear_line(suffix, damage, tmp_path) -> None:
    path = tmp_path / f"a.csv{suffix}"
    PACKERS[suffix](path)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(
        DataError, match=rf"a\.csv{suffix} cannot be unpacked as {suffix}: .*; fetch or pack it again"
    ):
        read_table(path)


def test_a_zip_tells_its_format_by_the_file_in_it(tmp_path) -> None:
    zipped(tmp_path / "data.zip", "folder/a.tsv", "__MACOSX/folder/._a.tsv")
    assert format_of(tmp_path / "data.zip") == ".tsv"
    assert content_of(tmp_path / "data.zip") == CONTENT


@pytest.mark.parametrize("names", [(), ("a.csv", "b.csv")])
def test_a_zip_must_hold_one_file(names, tmp_path) -> None:
    zipped(tmp_path / "a.csv.zip", *names)
    with pytest.raises(DataError, match=f"is an archive of {len(names)} files; must hold one: unpack it"):
        read_table(tmp_path / "a.csv.zip")


@pytest.mark.parametrize(
    ("suffix", "message"),
    [
        (".gz", r"is compressed; let its name end in \.gz"),
        (".bz2", r"is compressed; let its name end in \.bz2"),
        (".xz", r"is compressed; let its name end in \.xz"),
        (".zst", r"is compressed; let its name end in \.zst"),
        (".zip", r"is a zip archive or a spreadsheet; let its name end in \.zip"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_packed_bytes_are_never_taken_for_text(suffix, message, encoding, tmp_path) -> None:
    path = tmp_path / "a.txt"
    PACKERS[suffix](path)
    with pytest.raises(DataError, match=message):
        text_of(path, encoding)
    with pytest.raises(DataError, match=message):
        read_table(path)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a.xlsx", "is a spreadsheet; save it as CSV"),
        ("a.XLS", "is a spreadsheet; save it as CSV"),
        ("a.ods.gz", "is a spreadsheet; save it as CSV"),
        ("a.h5", r"is HDF5, which is not read; save it as \.npz"),
        ("a.pkl", "is a pickle, which may run any code"),
        ("a.tar.gz", "is an archive that is not read; unpack it"),
    ],
)
def test_a_format_that_no_reader_knows_is_named(name, message, tmp_path) -> None:
    (tmp_path / name).write_bytes(b"anything")
    with pytest.raises(DataError, match=message):
        read_table(tmp_path / name)


@pytest.mark.parametrize(
    ("content", "encoding", "message"),
    [
        ("\ufeffa,b".encode("utf-16-le"), "utf-8", "is UTF-16 text, not UTF-8; save it in UTF-8"),
        (
            b"gr\xfc\xdfe",
            "utf-8",
            "is not utf-8 text at byte 2; give its encoding, such as latin-1",
        ),
        (b"gr\xfc\xdfe", None, "is not UTF-8 text at byte 2; save it in UTF-8"),
        (b"a", "klingon", "encoding is 'klingon', which does not exist"),
        (b"a", "hex", "encoding is 'hex', which does not exist"),
    ],
)
def test_text_in_another_encoding_is_one_clear_line(content, encoding, message, tmp_path) -> None:
    (tmp_path / "a.txt").write_bytes(content)
    with pytest.raises(DataError, match=message):
        text_of(tmp_path / "a.txt", encoding)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "latin-1", "cp1252"])
def test_text_is_read_in_the_encoding_that_is_given(encoding, tmp_path) -> None:
    (tmp_path / "a.txt").write_bytes("größer\r\n".encode(encoding))
    assert text_of(tmp_path / "a.txt", encoding) == "größer\r\n"


@pytest.mark.parametrize(("longest", "tries"), [(9, 1), (1 << 22, 2), (1 << 28, 3), (1 << 40, 3)])
def test_blocks_grow_until_a_row_fits_into_one(longest, tries) -> None:
    sizes = []

    def parse(size: int) -> pa.Table:
        sizes.append(size)
        if size < longest:
            raise pa.ArrowInvalid("straddling object straddles two block boundaries")
        return pa.table({"a": [1]})

    if longest <= 1 << 30:
        assert in_blocks(parse).num_rows == 1
    else:
        with pytest.raises(pa.ArrowInvalid, match="block"):
            in_blocks(parse)
    assert sizes == sorted(set(sizes))
    assert len(sizes) == tries


def test_what_no_block_mends_is_not_parsed_again() -> None:
    sizes = []

    def parse(size: int) -> pa.Table:
        sizes.append(size)
        raise pa.ArrowInvalid("JSON parse error: Invalid value")

    with pytest.raises(pa.ArrowInvalid, match="Invalid value"):
        in_blocks(parse)
    assert len(sizes) == 1
