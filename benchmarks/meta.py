"""Measures what meta-learnt initial weights are worth on tasks that learning never saw.

    nice -n 10 python -m benchmarks.meta

Run from the root of the repository; it takes some minutes of CPU time in one thread. A network adapts to new tasks in
five steps: from weights that Reptile, first-order MAML or MAML has learnt, from random ones, and from ones that were
trained on all tasks at once. What is not meta-learnt may choose its optimizer and learning rate on validation tasks;
what is has one rate that was not tuned. Each seed has its own weights and episodes, and for few shots its own classes.
Results are kept line by line, so that an interrupted measurement goes on. It ends by writing
``benchmarks/results/meta.md``.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import statistics
import time
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
import torch

from benchmarks.paired import Difference
from benchmarks.table import Table, load, write
from evo_nas.config import TrainingConfig
from evo_nas.config.schema import AdaptationOptions
from evo_nas.genome.architecture import Architecture, Layer, Optimizer, Training
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.models.network import Network
from evo_nas.models.seeded_init import SeededInit
from evo_nas.tasks.few_shot import FewShotOptions, FewShotTask
from evo_nas.tasks.sines import SinesOptions, SinesTask
from evo_nas.training.adaptation import Adaptation, TaskFamily, adapted_scores, divided
from evo_nas.training.batches import prepare
from evo_nas.training.flat_optimizer import FlatOptimizer
from evo_nas.training.losses import TrainingLoss
from evo_nas.training.trainer import train

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from evo_nas.tasks.dataset import Dataset
    from evo_nas.tasks.task import Prepared

COMMAND = "nice -n 10 python -m benchmarks.meta"
DATA = Path(os.environ.get("EVO_NAS_DATA", "../shared/data"))
ALGORITHMS = ("reptile", "fomaml", "maml")
STEPS, CELL, WIDTH = 5, "rnn_tanh", 24
CLIP = 10.0
SGD_RATES = (0.03, 0.1, 0.3, 1.0)
ADAM_RATES = (0.01, 0.03)
CLASSES = 40


@dataclass(frozen=True)
class Family:
    """A family of tasks, and how long it is learnt; meta-learning adapts with one step size that was not tuned."""

    read: Callable[[int, int], Prepared]
    episodes: int
    epochs: int
    rate: float = 0.1


def digits(seed: int, episodes: int) -> Prepared:
    path = (DATA / "pendigits" / "pendigits.arff",)
    options = {"path": path, "shots": 5, "queries": 5, "episodes": episodes, "split": {"seed": seed}}
    return FewShotTask(FewShotOptions.model_validate(options)).family()


def drawn_classes(seed: int, episodes: int) -> Prepared:
    """Classes that differ in two of six features; which two are the same for all, and an episode does not tell."""
    rng = np.random.default_rng(1000 + seed)
    labels = np.repeat(np.arange(CLASSES), 12)
    prototypes = rng.normal(size=(CLASSES, 3, 2))[labels]
    telling = prototypes + rng.normal(scale=0.5, size=prototypes.shape)
    values = np.concatenate([telling, rng.normal(size=(len(labels), 3, 4))], axis=2)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "classes.npz"
        np.savez(path, x=values, y=labels)
        options = {"path": (path,), "shots": 3, "queries": 5, "episodes": episodes, "split": {"seed": seed}}
        return FewShotTask(FewShotOptions.model_validate(options)).family()


def sines(seed: int, episodes: int) -> Prepared:
    family = {"shots": 10, "queries": 10, "episodes": episodes, "seed": seed}
    return SinesTask(SinesOptions.model_validate({"length": 2, "family": family})).family()


FAMILIES = {
    "few-shot classes": Family(drawn_classes, 160, 2),
    "sines": Family(sines, 200, 2),
    "few-shot digits": Family(digits, 160, 1),
}


def measured(name: str, seed: int) -> Iterator[dict[str, object]]:
    """Yields the test metric of each way to begin, with the processor seconds of learning."""
    family = FAMILIES[name]
    prepared, rate = family.read(seed, family.episodes), family.rate
    dataset = prepared.dataset
    architecture = Architecture(
        (Layer(NAMED_CELLS[CELL], WIDTH),), training=Training(learning_rate=0.01, batch_size=4)
    )
    data = prepare(dataset)
    for baseline, found in prepared.fit_baselines().items():
        yield {"way": baseline, "score": found.score, "cpu_s": found.cpu_s}
    for algorithm in ALGORITHMS:
        began = time.process_time()
        adaptation = AdaptationOptions.model_validate(
            {"steps": STEPS, "learning_rate": rate, "algorithm": algorithm}
        )
        training = TrainingConfig(adaptation=adaptation, device="cpu").without_time_limit()
        trained = train(architecture, data, training, epochs=family.epochs, seed=seed)
        assert trained.network is not None, trained.outcome.error
        learning = time.process_time() - began
        for steps in (0, STEPS):
            score = on_test(dataset, trained.network, Descent(rate, steps=steps))
            yield {"way": f"{algorithm}, {steps} steps", "score": score, "cpu_s": learning}
    with SeededInit(torch.Generator().manual_seed(seed)):
        random = Network(architecture, dataset.signature)
    yield {"way": "random weights", **tuned(dataset, random)}
    plain = TrainingConfig(device="cpu").without_time_limit()
    pooled_architecture = replace(
        architecture, training=replace(architecture.training, batch_size=4 * dataset.episodes.examples)
    )
    pooled = train(pooled_architecture, data, plain, epochs=family.epochs, seed=seed)
    assert pooled.network is not None, pooled.outcome.error
    yield {"way": "trained on all tasks at once", **tuned(dataset, pooled.network)}


@dataclass(frozen=True)
class Descent:
    """How a network adapts: plain gradient descent, or Adam."""

    rate: float
    adam: bool = False
    steps: int = STEPS

    def __str__(self) -> str:
        return f"{'Adam' if self.adam else 'SGD'} {self.rate:g}"


DESCENTS = (*map(Descent, SGD_RATES), *(Descent(rate, adam=True) for rate in ADAM_RATES))


def on_test(dataset: Dataset, network: Network, descent: Descent) -> float:
    return on_validation(replace(dataset, validation=dataset.test), network, descent)


def on_validation(dataset: Dataset, network: Network, descent: Descent) -> float:
    """Returns the metric of the validation queries after adaptation."""
    options = AdaptationOptions.model_construct(steps=descent.steps, learning_rate=descent.rate, clip=CLIP)
    family = TaskFamily.of(prepare(dataset), options)
    loss = TrainingLoss(dataset.objective)
    if not descent.adam:
        return adapted_scores(network, family, loss=loss, metric=dataset.metric).metric
    sums = []
    for batch in family.validation.in_order(1):
        support, query = divided(batch.chosen(0), family.size)
        own = copy.deepcopy(network)
        optimizer = FlatOptimizer(own, Training(optimizer=Optimizer.ADAM, learning_rate=descent.rate))
        forward = Adaptation(own, loss, options)
        for _ in range(descent.steps):
            optimizer.gradient.zero_()
            forward.loss(forward.start, support).backward()
            optimizer.step()
        with torch.no_grad():
            outputs, targets, _ = forward.predictions(forward.start, query)
        sums.append(dataset.metric.statistic(outputs.numpy(), targets.numpy()))
    return dataset.metric.value(sum(sums[1:], sums[0]))


def tuned(dataset: Dataset, network: Network) -> dict[str, object]:
    """Returns the test metric with the descent that is best on the validation tasks."""
    began = time.process_time()
    best = max(DESCENTS, key=lambda descent: dataset.metric.fitness(on_validation(dataset, network, descent)))
    score = on_test(dataset, network, best)
    return {"score": score, "cpu_s": time.process_time() - began, "chosen": str(best)}


def report(lines: Sequence[dict[str, object]]) -> list[Table]:
    tables = []
    for name, family in FAMILIES.items():
        of_family = [line for line in lines if line["family"] == name]
        if not of_family:
            continue
        seeds = sorted({line["seed"] for line in of_family})
        ways = list(dict.fromkeys(line["way"] for line in of_family))
        scores = {
            way: {line["seed"]: line["score"] for line in of_family if line["way"] == way} for way in ways
        }
        cpu = {way: [line["cpu_s"] for line in of_family if line["way"] == way] for way in ways}
        scratch = [scores["random weights"][seed] for seed in seeds]
        rows = []
        for way in ways:
            values = [scores[way][seed] for seed in seeds]
            gain = "-" if way == "random weights" else str(Difference.of(values, scratch))
            rows.append(
                (
                    way,
                    f"{statistics.fmean(values):.3f}",
                    f"{min(values):.3f} to {max(values):.3f}",
                    gain,
                    f"{statistics.fmean(cpu[way]):.1f}",
                )
            )
        picked = [f"{line['way']}: {line['chosen']}" for line in of_family if line.get("chosen")]
        metric = "accuracy (higher is better)" if name.startswith("few") else "MSE (lower is better)"
        tables.append(
            Table(
                f"{name}: {metric} on the queries of new tasks after {STEPS} steps",
                COMMAND,
                ("begins with", "mean", "range", "minus random weights (95 %, paired)", "CPU s"),
                rows,
                (
                    f"{len(seeds)} seeds, a layer of {WIDTH} units of {CELL}, {family.epochs} epochs of "
                    f"{family.episodes} episodes, 4 tasks a step, {family.episodes // 4} test tasks.",
                    "`random weights` and `trained on all tasks at once` choose between plain gradient descent "
                    f"({', '.join(map(str, SGD_RATES))}) and Adam ({', '.join(map(str, ADAM_RATES))}) on validation "
                    "tasks.",
                    f"Chosen: {'; '.join(picked)}.",
                    "CPU seconds are those of learning, or of choosing the rate.",
                    f"Load average at the end: {load()}.",
                ),
            )
        )
    return tables


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--families", nargs="*", default=list(FAMILIES), choices=list(FAMILIES))
    parser.add_argument("--log", type=Path, default=Path("meta-benchmark.jsonl"))
    parser.add_argument("--report-only", action="store_true", help="report complete seeds of the log")
    options = parser.parse_args()
    torch.set_num_threads(1)
    lines = (
        [json.loads(line) for line in options.log.read_text().splitlines()] if options.log.exists() else []
    )
    done = {(line["family"], line["seed"]) for line in lines}
    for seed in range(1, options.seeds + 1):
        for name in options.families:
            if (name, seed) in done or options.report_only:
                continue
            found = [{"family": name, "seed": seed, **line} for line in measured(name, seed)]
            with options.log.open("a") as log:
                log.writelines(json.dumps(line) + "\n" for line in found)
            lines += found
            print(name, seed, f"after {time.process_time():.0f} s of CPU time", flush=True)
    print(write("meta", "Meta-learning: adapting to new tasks in a few steps", report(lines)))


if __name__ == "__main__":
    main()
