"""Which part a file belongs to, as its name says: ``x_train.csv``, ``test/x.csv``, ``X_TEST.ts``."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from evo_nas.drafts.draft import Line

if TYPE_CHECKING:
    from collections.abc import Sequence

_PARTS = {
    "train": "path", "training": "path",
    "test": "test_path", "testing": "test_path", "eval": "test_path",
    "validation": "validation_path", "valid": "validation_path", "val": "validation_path", "dev": "validation_path",
}  # fmt: skip
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


@dataclass(frozen=True, slots=True)
class GivenFiles:
    """The files that a draft is made from.

    Attributes:
        by_key: The files of each key that names some, ``path`` first.
        base: Folder that paths are written relative to.
    """

    by_key: dict[str, list[Path]]
    base: Path

    @classmethod
    def of(cls, files: Sequence[Path], base: Path) -> GivenFiles:
        """Tells the parts apart by the names of ``files``; without a training part, all files are cut."""
        named: dict[str, list[Path]] = {}
        for file in files:
            named.setdefault(_key_of(file), []).append(file)
        if "path" not in named or len(named) == 1:
            return cls({"path": list(files)}, base)
        return cls({key: named[key] for key in dict.fromkeys(_PARTS.values()) if key in named}, base)

    @property
    def train(self) -> list[Path]:
        """The files that are learnt from, and cut if no other part has files."""
        return self.by_key["path"]

    @property
    def has_test(self) -> bool:
        """Whether the test part has files of its own."""
        return "test_path" in self.by_key

    def lines(self) -> tuple[Line, ...]:
        """Returns the keys that name the files."""
        lines = []
        for key, files in self.by_key.items():
            names = [self.written(file) for file in files]
            reason = "" if len(self.by_key) == 1 else "its name says that this is the training part"
            if key != "path":
                reason = f"its name says that this is the {key.removesuffix('_path')} part"
            lines.append(Line(key, names[0] if len(names) == 1 else names, reason))
        return tuple(lines)

    def written(self, path: Path) -> str:
        """Returns ``path`` as the configuration names it: relative to where the configuration will be."""
        relative = os.path.relpath(path.absolute(), self.base.absolute())
        # A way up through many folders is harder to read than the whole path.
        return str(path.absolute()) if relative.count("..") > 2 else Path(relative).as_posix()


def _key_of(file: Path) -> str:
    """Returns the key of the part that a file belongs to; that of training if neither name nor folder says so."""
    # The last word counts: test_run_train.csv is for training.
    words = [file.parent.name, *_WORD.findall(file.name)]
    return next((_PARTS[word.lower()] for word in reversed(words) if word.lower() in _PARTS), "path")
