"""Texts as they are shown: counted things, and the texts of others, which must not steer a terminal."""

from __future__ import annotations

import re
import unicodedata

# Characters that move the cursor, end the line or turn the direction of what follows; letters of any script do not.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def visible(text: str) -> str:
    """Returns ``text`` with every character that would steer a terminal as an escape."""
    return _CONTROLS.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


def columns_of(text: str) -> int:
    """Returns how many columns ``text`` takes where all letters are of one width; ideographs take two, marks none."""
    return sum(map(_columns_of_one, text))


def _columns_of_one(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def counted(count: int, one: str, many: str = "") -> str:
    """Returns ``1 value`` or ``2 values``; ``many`` is the plural if it is not ``one`` with an s."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
