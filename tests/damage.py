"""Damages every file of a run in turn, and tells where that goes unnoticed.

Damage is a flipped bit, a cut, a zeroed block or bytes that are appended. It may be without effect, and it may be
refused with an error; what must not be is that less, or something else, is read without a word.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

from evo_nas.errors import EvoNasError

IGNORED = ("LOCK", "tmp", "quarantine")
"""What a run may have that is no part of it."""


def flip(content: bytes, rng: random.Random) -> bytes:
    damaged = bytearray(content)
    damaged[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    return bytes(damaged)


def cut(content: bytes, rng: random.Random) -> bytes:
    return content[: rng.randrange(len(content))]


def zero_a_block(content: bytes, rng: random.Random) -> bytes:
    first = rng.randrange(len(content))
    last = min(len(content), first + rng.choice([1, 16, 512]))
    return content[:first] + bytes(last - first) + content[last:]


def append(content: bytes, rng: random.Random) -> bytes:
    return content + rng.choice([b"\0", b"}", b"junk", content, rng.randbytes(16)])


KINDS: tuple[Callable[[bytes, random.Random], bytes], ...] = (flip, cut, zero_a_block, append)


def find_unnoticed(
    run: Path, look: Callable[[Path, object], None], truth: object, *, count: int, seed: int = 0
) -> Iterator[str]:
    """Damages the files of ``run`` ``count`` times, one at a time, and mends each again.

    Args:
        run: Directory of a run; as before when this ends.
        look: Reads the run in every way that there is. Raises `EvoNasError` where it is refused, and
            `AssertionError` where something is read that is not the given truth.
        truth: Handed to ``look``: what it read from the whole run.
        count: How often to damage something; the files come in turn, so that small ones get as much as large ones.
        seed: Of what is done to which bytes.

    Yields:
        What was done to which file, and what came of it, for each damage that neither was refused nor had no effect.
    """
    rng = random.Random(seed)
    files = sorted(
        path
        for path in run.rglob("*")
        if path.is_file() and path.relative_to(run).parts[0] not in IGNORED and path.stat().st_size
    )
    for number in range(count):
        path, kind = files[number % len(files)], rng.choice(KINDS)
        whole = path.read_bytes()
        path.write_bytes(kind(whole, rng))
        try:
            look(run, truth)
        except EvoNasError:
            pass  # the person is told
        except Exception as error:  # noqa: BLE001 - a traceback is no refusal, and an AssertionError says what is wrong
            yield f"damage {number} of seed {seed}, {kind.__name__} of {path.relative_to(run)}: {error!r}"
        finally:
            path.write_bytes(whole)
