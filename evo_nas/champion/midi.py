"""Writes frames of keys as a MIDI file of one track.

By hand: the file is a header and pairs of a time and three bytes, which is less than a dependency takes to describe.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

LOWEST_PIANO_KEY = 21
"""The A of the lowest octave, the first of the 88 keys of a piano."""
HIGHEST = 127
TICKS = 120
"""Ticks of a frame, which is an eighth note of `TICKS_OF_QUARTER`."""
TICKS_OF_QUARTER = 240
VELOCITY = 80
_ON, _OFF = 0x90, 0x80


def midi_of(frames: npt.NDArray[np.float32]) -> bytes:
    """Returns a MIDI file of frames of 0 and 1 ``(time, keys)``; a key that stays on is one long note.

    Up to 88 keys are those of a piano; more are the pitches of MIDI from 0 on, of which there are 128.
    """
    first = LOWEST_PIANO_KEY if frames.shape[1] <= 88 else 0
    pitches = range(first, min(first + frames.shape[1], HIGHEST + 1))
    track, waited = bytearray(), 0
    held: set[int] = set()
    for frame in [*frames.tolist(), [0.0] * frames.shape[1]]:
        wanted = {pitch for pitch, is_on in zip(pitches, frame, strict=False) if is_on}
        events = [(_OFF, pitch, 0) for pitch in sorted(held - wanted)]
        events += [(_ON, pitch, VELOCITY) for pitch in sorted(wanted - held)]
        for event in events:
            track += _variable(waited) + bytes(event)
            waited = 0
        held = wanted
        waited += TICKS
    track += _variable(0) + b"\xff\x2f\x00"  # the end of the track
    header = struct.pack(">4sIHHH", b"MThd", 6, 0, 1, TICKS_OF_QUARTER)
    return header + struct.pack(">4sI", b"MTrk", len(track)) + bytes(track)


def _variable(number: int) -> bytes:
    """Returns a number in pieces of seven bits, all but the last with the highest bit set."""
    pieces = [number & 0x7F]
    while number := number >> 7:
        pieces.append(number & 0x7F | 0x80)
    return bytes(reversed(pieces))
