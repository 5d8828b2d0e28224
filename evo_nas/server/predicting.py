"""Predicts posted raw data with a champion, as ``evo-nas predict`` does."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from evo_nas.data.audio_files import sounds_named_in
from evo_nas.errors import DataError
from evo_nas.server.unpacking import UNREADABLE, check_unpacked
from evo_nas.tasks.raw_inputs import TokenInputs
from evo_nas.views.continuations import continuation, continues, remarks_on

if TYPE_CHECKING:
    from typing import Self

    from evo_nas.champion.champion import Champion
    from evo_nas.champion.prediction import Prediction

SUFFIXES = frozenset(
    {".csv", ".tsv", ".txt", ".json", ".jsonl", ".ndjson", ".npz", ".npy"}
    | {".ts", ".conllu", ".conll", ".fasta", ".fa", ".wav"}
)
"""Endings of posted files. What is compressed within, such as Parquet and FLAC, is left out: a small body could fill
the memory; of ``.npz`` the size is known before it is unpacked."""


class Drawing(BaseModel):
    """How a champion of texts or of music continues them."""

    model_config = ConfigDict(extra="forbid")

    length: int | None = Field(
        default=None, ge=1, le=10_000, description="Tokens or frames that are drawn; 200 if not given."
    )
    temperature: float = Field(
        default=1.0, ge=0.0, le=100.0, description="Above 1 what is drawn is more varied."
    )
    seed: int = Field(default=0, ge=0, lt=2**63, description="Of what is drawn.")


class Comparing(Drawing):
    """How forecasts are compared with rows that are known."""

    rolling: bool = Field(
        default=False, description="Whether known rows are forecast again from one origin after the other."
    )
    stride: int | None = Field(
        default=None, ge=1, description="Rows between the origins; as many as a forecast has if not given."
    )


class PredictRequest(Comparing):
    """Raw data in the format of the task: rows of a table, sequences, or a text to go on from."""

    rows: list[dict[str, Any]] | None = Field(
        None,
        min_length=1,
        max_length=100_000,
        description="Rows of a table with the columns of the task; what is predicted need not be among them.",
    )
    inputs: list[Any] | None = Field(
        None,
        min_length=1,
        max_length=10_000,
        description="Sequences: a list of steps with a list of values each, a text, or a list of tokens.",
    )
    text: str | None = Field(None, description="The beginning of a text that a champion of texts continues.")
    score: bool = Field(default=False, description="Whether predictions are compared with what the rows say.")

    @model_validator(mode="after")
    def _holds_one_thing(self) -> Self:
        given = [name for name in ("rows", "inputs", "text") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(
                f"the request has {' and '.join(given) or 'no data'}; must have one of rows, inputs and text"
            )
        if (self.score or self.rolling) and self.rows is None:
            what = "score" if self.score else "rolling"
            raise ValueError(f"{what} is true without rows, which alone say what is right; leave it out")
        return self


class PostedFile(Comparing):
    """What is said of a posted file beside its content."""

    name: str = Field(max_length=255, description="The name of the file, whose ending says its format.")
    score: bool = Field(
        default=False, description="Whether predictions are compared with what the file says."
    )

    @property
    def plain_name(self) -> str:
        """The name without folders."""
        return PurePath(self.name).name


class PredictAnswer(BaseModel):
    """The predictions of a champion."""

    columns: list[str] = Field(description="Names of the columns in their order.")
    rows: list[dict[str, Any]] = Field(description="One for each sequence, step, or time of a forecast.")
    text: str | None = Field(None, description="What a champion of texts lets follow.")
    remarks: list[str] = Field(default_factory=list, description="How the data were understood.")
    score: str | None = Field(None, description="How good the predictions are, if that was asked.")


def answered(champion: Champion, request: PredictRequest) -> PredictAnswer:
    """Returns what ``champion`` says to posted values.

    Raises:
        DataError: They are not of the kind that the network learnt from.
        ChampionError: The champion does not do what is asked.
    """
    if request.rows is not None:
        content = json.dumps(request.rows).encode()
        posted = PostedFile(
            name="rows.json", score=request.score, rolling=request.rolling, stride=request.stride
        )
        return answered_file(champion, content, posted, called="rows")
    if request.text is not None or (request.length is not None and continues(champion)):
        beginning = request.text or None
        if request.inputs is not None:
            beginning = _sequences(champion, request.inputs[:1])[0]
        return _continued(champion, beginning, request)
    from evo_nas.champion.prediction import predict_sequences  # noqa: PLC0415 - it loads torch

    return _as_answer(predict_sequences(champion, _sequences(champion, request.inputs or [])))


def answered_file(
    champion: Champion, content: bytes, posted: PostedFile, *, called: str = ""
) -> PredictAnswer:
    """Returns what ``champion`` says to a posted file.

    Args:
        champion: The champion.
        content: The file.
        posted: What is said of it.
        called: What messages call it; its name by default.

    Raises:
        DataError: The file cannot be read, or names others.
        ChampionError: As `answered`.
    """
    called, suffix = called or posted.plain_name, PurePath(posted.plain_name).suffix.lower()
    if suffix not in SUFFIXES:
        raise DataError(f"{called} ends in {suffix!r}; must be one of {', '.join(sorted(SUFFIXES))}")
    with TemporaryDirectory() as folder:
        path = Path(folder, f"posted{suffix}")
        path.write_bytes(content)
        try:
            options = {} if champion.preparation is None else champion.preparation.options
            check_alone(path, delimiter=options.get("delimiter"))
            if posted.length is not None and continues(champion):
                from evo_nas.champion.prompts import prompt_of  # noqa: PLC0415 - it loads torch

                return _continued(champion, prompt_of(champion, path), posted)
            return _as_answer(
                champion.predict_file(path, scores=posted.score, rolling=posted.rolling, stride=posted.stride)
            )
        except DataError as error:
            raise DataError(str(error).replace(str(path), called)) from None


def check_alone(path: Path, *, delimiter: str | None) -> None:
    """Refuses what would read other files of this machine, or unpack to more than its memory should hold.

    Args:
        path: The file.
        delimiter: What its reader takes for the character between columns; read otherwise, a name may not be seen.

    Raises:
        DataError: The file does.
    """
    named: list[Path] = []
    # What is no table for this reader is none for that of the task, which says what is wrong with it.
    with suppress(DataError):
        named = sounds_named_in(path, delimiter=delimiter)
    if named:
        raise DataError(f"{path} names files of sound, which lie elsewhere; send one file of sound at a time")
    if path.suffix.lower() == ".npz":
        # Its reader says what is wrong with one that cannot be read.
        with suppress(*UNREADABLE), ZipFile(path) as packed:
            check_unpacked(packed, called=str(path))


def _sequences(champion: Champion, given: list[Any]) -> list[Any]:
    if isinstance(champion.prepared.inputs, TokenInputs):
        return given
    return [_numbers(number, each) for number, each in enumerate(given, start=1)]


def _numbers(number: int, given: Any) -> Any:
    try:
        # A value that JSON has as null is missing.
        return np.array(given, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise DataError(
            f"inputs: sequence {number} is {given!r:.60}; must be a list of steps with as many numbers each"
        ) from None


def _continued(champion: Champion, beginning: Any, how: Drawing) -> PredictAnswer:
    drawn = continuation(champion, beginning, length=how.length, temperature=how.temperature, seed=how.seed)
    if isinstance(drawn, str):
        return PredictAnswer(columns=[], rows=[], text=drawn, remarks=list(remarks_on(champion, beginning)))
    from evo_nas.champion.prediction_files import records_of, table_of_music  # noqa: PLC0415 - it loads torch

    table = table_of_music(drawn)
    return PredictAnswer(columns=table.column_names, rows=records_of(table))


def _as_answer(prediction: Prediction) -> PredictAnswer:
    from evo_nas.champion.prediction_files import records_of  # noqa: PLC0415 - it loads torch

    return PredictAnswer(
        columns=prediction.table.column_names,
        rows=records_of(prediction.table),
        remarks=list(prediction.remarks),
        score=None if prediction.score is None else prediction.score.sentence,
    )
