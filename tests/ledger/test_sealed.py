"""JSON that carries its own checksum."""

from __future__ import annotations

import json
import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evo_nas.ledger import DamagedError, seal, unseal
from evo_nas.ledger.sealed import read_bytes
from tests.ledger.samples import MemoryStore

VALUES = st.dictionaries(
    st.text(max_size=5).filter(lambda key: key != "sha256"),
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=8,
    ),
    max_size=4,
)


@given(VALUES)
def test_what_was_sealed_is_given_back(values: dict[str, object]) -> None:
    assert unseal(seal(values)) == values


def test_a_sealed_file_is_json_that_people_can_read() -> None:
    text = seal({"name": "run", "seed": 7}).decode()
    assert text.startswith('{\n  "name": "run",\n  "seed": 7,\n  "sha256": "')
    assert text.endswith("\n}\n")


def test_tuples_and_numbers_as_keys_are_sealed_as_the_json_that_they_become() -> None:
    assert unseal(seal({"lost": ((0, 1),), "counts": {10: 1, 9: 2}})) == {
        "lost": [[0, 1]],
        "counts": {"10": 1, "9": 2},
    }


def test_the_layout_of_the_text_is_free() -> None:
    content = seal({"name": "run", "seed": 7})
    assert unseal(json.dumps(json.loads(content)).encode()) == {"name": "run", "seed": 7}


def test_a_changed_value_is_noticed() -> None:
    values = json.loads(seal({"name": "run", "seed": 7}))
    for changed in (
        {**values, "seed": 8},
        {**values, "more": 1},
        {"name": "run", "sha256": values["sha256"]},
    ):
        with pytest.raises(DamagedError, match="do not have the checksum"):
            unseal(json.dumps(changed).encode())


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[]", b"5", b"\xff", b"[" * 100_000, b'{"a": NaN, "sha256": ""}', b'{"sha256": 1}'],
)
def test_what_was_never_sealed_is_damaged(content: bytes) -> None:
    with pytest.raises(DamagedError):
        unseal(content)


def test_no_flipped_bit_gives_other_values() -> None:
    values = {"name": "run", "seed": 7, "share": 0.25, "lost": [[0, 1]], "parent": None}
    content, rng = seal(values), random.Random(1)
    for offset in range(len(content)):
        flipped = bytearray(content)
        flipped[offset] ^= 1 << rng.randrange(8)
        try:
            assert unseal(bytes(flipped)) == values
        except DamagedError:
            continue


def test_what_json_cannot_say_is_not_sealed() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        seal({"loss": math.nan})
    with pytest.raises(ValueError, match="kept for the checksum"):
        seal({"sha256": "mine"})


def test_a_file_that_has_gone_is_damaged_and_a_server_that_does_not_answer_is_not() -> None:
    class Unreachable(MemoryStore):
        def read(self, name: str) -> bytes:
            raise ConnectionError("no route to host")

    with pytest.raises(DamagedError, match="it has gone"):
        read_bytes(MemoryStore(), "fencing/1")
    with pytest.raises(ConnectionError):
        read_bytes(Unreachable(), "fencing/1")
