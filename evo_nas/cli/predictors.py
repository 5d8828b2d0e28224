"""`Predictor`: a champion that ``predict`` asks, which was loaded here or answers from a service."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from evo_nas.champion.prediction_files import frames_of_music, table_of_records
from evo_nas.champion.prompts import prompt_of
from evo_nas.views.continuations import Kind, continuation, continues, remarks_on

if TYPE_CHECKING:
    from pathlib import Path

    from evo_nas.champion.champion import Champion
    from evo_nas.client import RemoteRun


@dataclass(frozen=True, slots=True)
class Predicted:
    """Predictions of a file.

    Attributes:
        table: A `pyarrow.Table` of them.
        remarks: How the file was understood.
        score: How good they are; empty if that was not asked.
    """

    table: Any
    remarks: tuple[str, ...]
    score: str


@dataclass(frozen=True, slots=True)
class Continued:
    """What follows a beginning.

    Attributes:
        drawn: A text, or frames of keys; see `views.continuations.continuation`.
        remarks: How the beginning was understood.
    """

    drawn: Any
    remarks: tuple[str, ...] = ()


class Predictor(Protocol):
    """A champion that can be asked."""

    @property
    def continues(self) -> Kind:
        """What it can continue; empty if nothing."""

    def predict_file(self, file: Path, *, score: bool, **rolling: Any) -> Predicted:
        """Returns what it says of a file.

        Args:
            file: The file.
            score: Whether that is compared with what the file says.
            rolling: ``rolling`` and ``stride``; see `champion.prediction.predict_file`.
        """

    def continuation(self, *, prompt: str | None, file: Path | None, **drawing: Any) -> Continued:
        """Returns what follows the prompt, or the content of the file."""


class LoadedPredictor:
    """A champion of this process.

    Args:
        champion: The champion.

    Raises:
        ChampionError: It has no preparation.
    """

    def __init__(self, champion: Champion) -> None:
        self._champion = champion
        self.continues = continues(champion)

    def predict_file(self, file: Path, *, score: bool, **rolling: Any) -> Predicted:
        """Returns what it says of a file."""
        said = self._champion.predict_file(file, scores=score, **rolling)
        return Predicted(said.table, said.remarks, said.score.sentence if said.score else "")

    def continuation(self, *, prompt: str | None, file: Path | None, **drawing: Any) -> Continued:
        """Returns what follows the prompt, or the content of the file."""
        begins = prompt if file is None else prompt_of(self._champion, file)
        return Continued(continuation(self._champion, begins, **drawing), remarks_on(self._champion, begins))


class RemotePredictor:
    """The champion of a run of a service.

    Args:
        run: The run.
    """

    def __init__(self, run: RemoteRun) -> None:
        self._run = run
        self.continues: Kind = run.champion().continues

    def predict_file(self, file: Path, *, score: bool, **rolling: Any) -> Predicted:
        """Sends a file, and returns what it says of it."""
        said = self._run.predict_file(file, score=score, **rolling)
        return Predicted(table_of_records(said.columns, said.rows), said.remarks, said.score or "")

    def continuation(self, *, prompt: str | None, file: Path | None, **drawing: Any) -> Continued:
        """Sends the prompt, or the file."""
        if file is None:
            said = self._run.predict(text=prompt or "", **drawing)
        else:
            said = self._run.predict_file(file, **drawing)
        is_text = said.text is not None
        drawn = said.text if is_text else frames_of_music(table_of_records(said.columns, said.rows))
        return Continued(drawn, tuple(said.remarks))
