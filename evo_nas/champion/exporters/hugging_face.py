"""The format of a folder for the Hugging Face Hub: a model card, a configuration, weights, and how to load them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from evo_nas.champion.exporters.description import described
from evo_nas.champion.exporters.exporter import Exporter
from evo_nas.champion.exporters.native import NativeExporter
from evo_nas.models.ensemble import Link
from evo_nas.tasks.answers import ClassAnswers

if TYPE_CHECKING:
    from pathlib import Path

    from evo_nas.champion.exporters.checking import CheckResult
    from evo_nas.champion.exporters.exporter import Exportable, ExportOptions

CARD_FILE, CONFIG_FILE = "README.md", "config.json"
_TASKS = {
    Link.CLASSES: "classifies sequences",
    Link.LABELS: "gives a probability of each label",
    Link.VALUES: "predicts numbers",
}


class HuggingFaceExporter(Exporter):
    """A folder for the Hugging Face Hub: model card, config.json, safetensors, and how to load them."""

    name = "huggingface"

    def files(self, champion: Exportable, options: ExportOptions) -> dict[str, bytes]:
        """Returns the native files, which `evo_nas.load_champion` reads, with a card and a configuration."""
        config = {"model_type": "evo-nas", "library_name": "evo-nas", **described(champion)}
        return {
            **NativeExporter().files(champion, options),
            CONFIG_FILE: (json.dumps(config, indent=2) + "\n").encode(),
            CARD_FILE: _card(champion).encode(),
        }

    def check(self, folder: Path, champion: Exportable, options: ExportOptions) -> CheckResult:
        """Reads the model from the folder, and compares outputs."""
        return NativeExporter().check(folder, champion, options)


def _card(champion: Exportable) -> str:
    signature = champion.signature
    parameters = sum(parameter.numel() for parameter in champion.network.parameters())
    reads = (
        f"tokens of a vocabulary of {signature.vocabulary}"
        if signature.vocabulary
        else f"{signature.features} numbers a step"
    )
    lines = [
        "---",
        "library_name: evo-nas",
        "tags: [evo-nas, recurrent-neural-network, neural-architecture-search]",
        "---",
        "",
        f"# {champion.name}",
        "",
        _said(champion),
        "",
        "| | |",
        "|---|---|",
        f"| networks | {len(champion.members)}, averaged |"
        if len(champion.members) > 1
        else "| networks | 1 |",
        f"| parameters | {parameters:,} |",
        f"| reads | {reads} |",
        f"| outputs | {signature.outputs}{' for each step' if signature.per_step else ''} |",
    ]
    answers = None if champion.preparation is None else champion.preparation.answers
    if isinstance(answers, ClassAnswers) and not signature.predicts_inputs:
        lines.append(f"| classes | {', '.join(map(_cell, answers.classes[:20]))} |")
    lines += [
        "",
        "## Use",
        "",
        "```python",
        "import evo_nas  # pip install evo-nas",
        "",
        'champion = evo_nas.load_champion(".")  # this folder; nothing in it is executed',
        "answers = champion.predict(raw)"
        if champion.preparation is not None
        else "outputs = champion.outputs(inputs)",
        "```",
        "",
        "`config.json` describes the architecture, and `model.safetensors` holds the weights by the names of its",
        "parameters. `manifest.json` lists the SHA-256 of every file, and how closely the folder was compared with the",
        "trained model.",
        "",
    ]
    return "\n".join(lines)


def _said(champion: Exportable) -> str:
    if baseline := champion.facts.get("baseline"):
        return f"The baseline {baseline}, which {_TASKS[champion.link]}: a model to beat by a search that it was not."
    return f"A recurrent network that {_TASKS[champion.link]}, found by evolutionary architecture search."


def _cell(text: str) -> str:
    """Returns ``text`` so that it stays within a cell of a table."""
    return " ".join(text.replace("|", r"\|").split())
