from __future__ import annotations

import pytest

from evo_nas.errors import GenomeError
from evo_nas.genome.architecture import Architecture, Head, Layer, Training
from evo_nas.genome.cells import NAMED_CELLS

LSTM = NAMED_CELLS["lstm"]


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Layer(LSTM, 0), "layer.width is 0; must be 1 to 65536"),
        (lambda: Layer(LSTM, 10**9), "layer.width is 1000000000; must be 1 to 65536"),
        (lambda: Layer(LSTM, 8, dropout=1.0), "layer.dropout is 1.0; must be at least 0 and below 1"),
        (lambda: Layer(LSTM, 8, dropout=float("nan")), "layer.dropout is nan"),
        (lambda: Head(hidden=-1), "head.hidden is -1"),
        (
            lambda: Training(learning_rate=0.0),
            "learning_rate is 0.0; must be a finite number above 0",
        ),
        (lambda: Training(learning_rate=float("inf")), "training.learning_rate is inf"),
        (lambda: Training(weight_decay=-1.0), "training.weight_decay is -1.0"),
        (lambda: Training(clip=float("nan")), "training.clip is nan"),
        (lambda: Training(batch_size=0), "training.batch_size is 0"),
        (lambda: Architecture(()), "the number of layers is 0; must be 1 to 64"),
        (lambda: Architecture((Layer(LSTM, 8),), embedding=0), "embedding is 0"),
        (
            lambda: Architecture((Layer(LSTM, 8, skip=0),)),
            r"layers\[0\].skip is 0; must be None, since only the input lies below",
        ),
        (
            lambda: Architecture((Layer(LSTM, 8), Layer(LSTM, 8, skip=1))),
            r"layers\[1\].skip is 1; must be None or 0 to 0",
        ),
        (
            lambda: Architecture((Layer(LSTM, 8),), Head(skip=1)),
            "head.skip is 1; must be None or 0 to 0",
        ),
    ],
)
def test_impossible_architecture_is_refused_with_its_reason(build, message):
    with pytest.raises(GenomeError, match=message):
        build()
