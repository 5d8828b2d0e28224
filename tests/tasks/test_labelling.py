from __future__ import annotations

import pytest

from evo_nas.errors import DataError
from evo_nas.tasks.classification import SequenceOptions
from evo_nas.tasks.labelling import LabellingTask


def test_a_class_for_every_step_is_needed(tmp_path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("\n".join(["a,label", *(f"{row},{'up' if row % 2 else 'down'}" for row in range(40))]))
    with pytest.raises(DataError, match="needs a label for each; name the column of the sequence"):
        LabellingTask(SequenceOptions(path=(path,))).read()
