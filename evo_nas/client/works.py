"""`RunWorks`: analyses of a run that a service makes in seconds, and trainings that it makes in minutes or hours."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from evo_nas.client.asking import Asking, given, packed
from evo_nas.client.models import Launched, LaunchProgress, Verification
from evo_nas.errors import ExecutionError

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Generator, Mapping, Sequence

LOOK_S = 0.5
PATIENCE_S = 600.0
"""How long a service that is followed may be away."""
ANALYSIS_S = 960.0
"""Longest wait for what a service makes in a process of its own, which it lets work for 900 s."""


class RunWorks(Asking):
    """The analyses and trainings that a service makes for a run; `RemoteRun` adds what it only reads."""

    def explanation(self, *, candidate: int | None = None, sample: bool = False) -> dict[str, Any]:
        """Returns what a network computes, where it comes from and what it hangs on; see `champion.explanation`.

        Args:
            candidate: Id of the network; by default the champion, or before there is one the best so far.
            sample: Whether the champion reads sequences of the validation part, which ``probe`` tells of.

        Raises:
            ServiceError: There is no such network.
            ConfigError: A sample is asked of a candidate, which the champion alone reads.
            ChampionError: The run keeps no champion yet, which ``sample`` needs.
        """
        return self.analysis("explanation", candidate=candidate, sample=sample)

    def verify(self) -> Verification:
        """Has every file of the run checked, and every genome derived again from the log.

        Raises:
            ServiceError: There is no such run.
            DataError: Its data cannot be read any more.
        """
        return Verification.model_validate(self._values("GET", "/verify", read_s=ANALYSIS_S))

    def finalists(self, *, count: int = 5, trainings: int = 3) -> dict[str, Any]:
        """Returns the best distinct networks by a lower bound of their fitness: ``finalists`` and a ``sentence``.

        Args:
            count: How many of them.
            trainings: Trainings that judge each of them, if the run keeps so many.
        """
        return self.analysis("finalists", count=count, trainings=trainings)

    def replay(
        self, changes: Sequence[str] = (), *, workers: int | None = None, draws: int = 0
    ) -> dict[str, Any]:
        """Returns what other rungs would have saved in this run.

        Args:
            changes: Rungs such as ``fitness.rungs=[2,6]``; automatic ones by default.
            workers: Workers that train; those of the run by default.
            draws: Random orders of the candidates beside the recorded one.

        Raises:
            ConfigError: A change is wrong, or cannot be replayed.
            RunError: The trainings of the run cannot be replayed.
        """
        return self.analysis("replay", set=[*changes], workers=workers, draws=draws)

    def judge_finalists(self, *, count: int = 5, trainings: int = 3, workers: int | None = None) -> Launched:
        """Has the best distinct networks trained on other cuts of the data; `result` waits for it.

        Args:
            count: How many of them.
            trainings: Trainings that judge each of them.
            workers: Trainings at the same time; by default as many as the run had workers.

        Raises:
            ServiceError: Something else is done for the run.
        """
        return self._launched("/finalists", {"count": count, "trainings": trainings, "workers": workers})

    def tune(
        self,
        *,
        candidate: int | None = None,
        cell: str = "",
        trials: int = 30,
        searcher: str = "optuna",
        epochs: int | None = None,
        workers: int | None = None,
        export: bool = False,
    ) -> Launched:
        """Has the training of one network tuned; `result` waits for what was found.

        Args:
            candidate: Id of the network; by default the leader of the search.
            cell: Published cell that is put in, at equal size, such as ``lstm``.
            trials: Trials in all, the untuned network included.
            searcher: What proposes settings: ``optuna``, ``botorch``, ``bayesopt``, ``hyperopt``, ``random``, ``grid``.
            epochs: Epochs of a whole trial; by default those of the search.
            workers: Trials at the same time; by default as many as the run had workers.
            export: Whether what was found is also trained with three seeds, for `fetch_files`.

        Raises:
            ConfigError: There is no such candidate with a score, cell or searcher, or its library is not installed.
            ServiceError: Something else is done for the run.
        """
        body = {
            "candidate": candidate,
            "cell": cell,
            "trials": trials,
            "searcher": searcher,
            "epochs": epochs,
            "workers": workers,
            "export": export,
        }
        return self._launched("/tune", body)

    def make_ensemble(self, *, size: int | None = None) -> Launched:
        """Has an ensemble selected of the networks that the verdict keeps; `result` waits for it.

        Args:
            size: Different networks that it may have; by default as many as the LSTM has retrainings.

        Raises:
            ChampionError: The run has no verdict yet.
            ServiceError: Something else is done for the run.
        """
        return self._launched("/ensemble", {"size": size})

    def retrain(
        self,
        data: Sequence[str | os.PathLike[str]],
        *,
        there: bool = False,
        origin: Literal["weights", "scratch"] = "weights",
        epochs: int | None = None,
    ) -> Launched:
        """Has the champion trained on new data; `result` waits for it, and `fetch_files` writes it to a directory.

        Args:
            data: Files in the format of the task, with what is predicted; those of this machine are sent.
            there: Whether they lie under a data root of the service, and need not be sent.
            origin: Whether the weights are trained on, or drawn anew.
            epochs: Passes over the training part; those of its first training by default.

        Raises:
            ConfigError: A file of the service lies outside of its data roots.
            DataError: A file cannot be read, or is none that may be sent.
            ServiceError: There is no champion yet, the files are too large to be sent, or something else is done for
                the run.
        """
        asked = given({"origin": origin, "epochs": epochs})
        if there:
            values = self._values("POST", "/retrain", params=asked | {"data": [str(each) for each in data]})
        else:
            values = self._values(
                "POST",
                "/retrain",
                params=asked,
                data=packed([*map(Path, data)]),
                headers={"Content-Type": "application/octet-stream"},
            )
        return Launched.model_validate(values)

    def progress(self, launch: int, *, after: int = 0) -> LaunchProgress:
        """Returns what process number ``launch`` has printed and found.

        Args:
            launch: Its number, as `Launched.launch` and the ``launches`` of `detail` have it.
            after: The ``next`` of an earlier answer, whose followers alone are wanted.
        """
        return LaunchProgress.model_validate(
            self._values("GET", f"/launches/{launch}", params={"after": after})
        )

    def log_lines(self, launch: int) -> Generator[str, None, LaunchProgress]:
        """Yields what process number ``launch`` prints until it ends, also across restarts of the service.

        Returns:
            What is known of it then.

        Raises:
            ExecutionError: No service answers, or none for ten minutes.
        """
        told, lost_s = self.progress(launch), 0.0
        while True:
            yield from told.lines
            if not (told.is_alive or told.lines):
                return told
            if not told.lines or lost_s:
                time.sleep(LOOK_S)
            try:
                told, lost_s = self.progress(launch, after=told.next), 0.0
            except ExecutionError:
                lost_s += LOOK_S
                if lost_s > PATIENCE_S:
                    raise
                told = told.model_copy(update={"lines": (), "is_alive": True})

    def result(
        self, launched: Launched | int, *, say: Callable[[str], object] | None = None
    ) -> dict[str, Any]:
        """Waits for what `tune`, `judge_finalists`, `make_ensemble` or `retrain` has found, and returns it.

        Args:
            launched: What was started, or its number.
            say: Gets each line that it prints meanwhile.

        Raises:
            ExecutionError: It has failed or was stopped, or no service answers.
        """
        following = self.log_lines(launched if isinstance(launched, int) else launched.launch)
        is_said = say is not None
        while True:
            try:
                line = next(following)
            except StopIteration as end:
                told: LaunchProgress = end.value
                break
            is_said = is_said and not line.startswith("error: ")  # which is raised
            if is_said and say is not None:
                say(line)
        if told.result is None:
            raise ExecutionError(told.failure or f"the {told.doing} of {self.name} was stopped")
        return told.result

    def fetch_files(self, launched: Launched | int, out: str | os.PathLike[str]) -> tuple[Path, ...]:
        """Writes the champion that `tune` with ``export=True``, or `retrain`, has trained to a directory here.

        Args:
            launched: What was started, or its number.
            out: A directory that is new or empty.

        Raises:
            ChampionError: The directory is not empty.
            ServiceError: There is none, or not yet.
        """
        number = launched if isinstance(launched, int) else launched.launch
        return self._unpacked(f"/launches/{number}/files", Path(out))[0]

    def ask(self, proposals: int = 1, *, since: int | None = None, top: int = 5) -> list[dict[str, Any]]:
        """Returns what a program needs to propose networks: the space, the best, results, and how many are wanted.

        Each value says its ``kind``; the last has the ``since`` for the next call.

        Args:
            proposals: How many will follow.
            since: Position of the first result; by default all come, and the space before them.
            top: Number of best candidates.

        Raises:
            ConfigError: The strategy of the run is not ``external``.
            ServiceError: There is no such run.
        """
        found: list[dict[str, Any]] = []
        while True:
            asked = given({"proposals": proposals, "since": since, "top": top})
            page = self._values("GET", "/exchange", params=asked)
            *lines, wanted = page["lines"]
            found += lines
            if (since := page["next"]) is None:
                return [*found, wanted]
            top = 0  # the best came with the first page

    def tell(
        self, proposals: Sequence[Mapping[str, Any] | str], *, name: str = "script"
    ) -> list[dict[str, Any]]:
        """Hands proposals to the search, and returns for each its ``accepted`` number, or why it was ``refused``.

        Args:
            proposals: Each a mapping, or the same in JSON; the space that `ask` returns has examples.
            name: What the program calls itself.

        Raises:
            ConfigError: The strategy of the run is not ``external``, or the name is none.
            ServiceError: There is no such run.
        """
        posted = {
            "name": name,
            "proposals": [each if isinstance(each, str) else dict(each) for each in proposals],
        }
        values: list[dict[str, Any]] = self._values("POST", "/exchange", json=posted)["lines"]
        return values

    def analysis(self, kind: str, **options: Any) -> dict[str, Any]:
        """Returns what a command of the service says of this run.

        Args:
            kind: ``finalists``, ``replay`` or ``explanation``.
            options: Its options, as the API calls them.
        """
        values: dict[str, Any] = self._values("GET", f"/{kind}", params=given(options), read_s=ANALYSIS_S)
        return values

    def analysis_text(self, kind: str, **options: Any) -> str:
        """Returns the same as the text that the command prints for people; options may have ``columns``, its width.

        Args:
            kind: ``finalists`` or ``replay``.
            options: Its options, as the API calls them.
        """
        asked = given(options) | {"format": "text"}
        return self._connection.send("GET", self._path(f"/{kind}"), params=asked, read_s=ANALYSIS_S).text
