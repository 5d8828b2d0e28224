"""Measures which networks carry on counting where the words of training end.

    python -m benchmarks.formal_languages

Run from the root of the repository; it takes minutes. One process, one thread, three seeds. It ends by writing
``benchmarks/results/formal_languages.md``.
"""

from __future__ import annotations

import statistics
import time

import torch

from benchmarks.table import Table, write
from evo_nas.config import TrainingConfig
from evo_nas.genome.architecture import Architecture, Head, Layer, Training
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.tasks.formal_language import FormalLanguageOptions, FormalLanguageTask
from evo_nas.tasks.languages import LANGUAGES
from evo_nas.training.batches import prepare
from evo_nas.training.forward import score_part
from evo_nas.training.trainer import train

EPOCHS = 60
SEEDS = (0, 1, 2)


def main() -> None:
    torch.set_num_threads(1)
    rows = [row for language in LANGUAGES for cell in ("lstm", "gru") for row in [measured(language, cell)]]
    options = FormalLanguageOptions()
    lengths = (options.train_length, options.validation_length, options.test_length)
    table = Table(
        f"One layer of 32 units, Adam at 0.01, {EPOCHS} epochs, cosine",
        "python -m benchmarks.formal_languages",
        ["language", "cell", *(f"up to {length} symbols" for length in lengths), "CPU s, each"],
        rows,
        [
            "The share of words of which every step is right, mean of three seeds and each of them; 1,000 words to "
            "learn from. Words of the second and third column are longer than those of the column before.",
            "LSTMs count further than GRUs, as Weiss et al. (2018) found and explained.",
        ],
    )
    write("formal_languages", "Formal languages", [table])


def measured(language: str, cell: str) -> list[str]:
    task = FormalLanguageTask(FormalLanguageOptions.model_validate({"language": language}))
    dataset = task.read().dataset
    data = prepare(dataset)
    architecture = Architecture(
        (Layer(NAMED_CELLS[cell], 32),), Head(), Training(learning_rate=1e-2), embedding=8
    )
    training = TrainingConfig(epochs=EPOCHS, schedule="cosine").without_time_limit()
    scores: dict[str, list[float]] = {part: [] for part in dataset.parts}
    seconds = []
    for seed in SEEDS:
        started = time.process_time()
        trained = train(architecture, data, training, epochs=EPOCHS, seed=seed)
        seconds.append(time.process_time() - started)
        for part, some in scores.items():
            some.append(score_part(trained.network, dataset, part).metric)
    told = [
        f"{statistics.fmean(some):.2f} ({', '.join(f'{each:.2f}' for each in some)})"
        for some in scores.values()
    ]
    print(language, cell, told)
    return [language, cell.upper(), *told, ", ".join(f"{each:.0f}" for each in seconds)]


if __name__ == "__main__":
    main()
