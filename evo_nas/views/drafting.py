"""Tries drafts of configurations out on the data that they are for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evo_nas.config import configured
from evo_nas.config.yaml_text import parse_yaml
from evo_nas.errors import EvoNasError
from evo_nas.experiment import Experiment

if TYPE_CHECKING:
    from pathlib import Path

    from evo_nas.drafts import Draft


def readable(draft: Draft, base: Path) -> Draft:
    """Returns ``draft`` with those of its remedies that the data need.

    Raises:
        EvoNasError: The data cannot be read even so.
    """
    problem = _problem(draft, base)
    for remedy in draft.remedies:
        if problem is None:
            break
        tried = draft.with_line(remedy)
        rest = _problem(tried, base)
        # A remedy is taken if it leads further: to no problem, or to the next one.
        if rest is None or str(rest) != str(problem):
            draft, problem = tried, rest
    if isinstance(problem, EvoNasError):
        raise problem
    return draft


def _problem(draft: Draft, base: Path) -> Exception | None:

    values = parse_yaml(draft.to_yaml("draft", ()), source="the draft")
    try:
        Experiment.of(configured({**values, "base_dir": str(base.absolute())})).prepared  # noqa: B018 - reads the data
    except EvoNasError as error:
        return error
    return None
