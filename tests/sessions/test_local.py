"""A search in this process: what it says, and that each question is answered once."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from evo_nas.budgets import Ending
from evo_nas.config import BudgetOptions
from evo_nas.errors import ConfigChangedError, ConfigError, ExecutionError, FencedError
from evo_nas.experiment import Experiment
from evo_nas.ledger import Ledger, LocalStore
from evo_nas.runs import Run
from evo_nas.sessions import planning
from evo_nas.sessions.events import (
    Baselines,
    Completed,
    Judged,
    Loaded,
    Planned,
    Progressed,
    Started,
    Stopped,
    Working,
)
from evo_nas.sessions.local import LocalSession
from evo_nas.tasks import task as task_module
from tests.cluster.search import Elsewhere
from tests.sessions.conftest import MakeConfig, events_of


def session(run: Path) -> LocalSession:
    return LocalSession(run, executor="inline")


def test_a_search_says_what_it_does_in_order(config: MakeConfig, tmp_path: Path) -> None:
    said = events_of(session(tmp_path / "run"), config())
    kinds = [type(event) for event in said if not isinstance(event, Working)]
    assert kinds[:3] == [Loaded, Baselines, Started]
    assert set(kinds[3:-2]) == {Progressed, Planned}
    assert kinds.count(Planned) == 1
    assert kinds[-2:] == [Completed, Judged]
    last = next(event for event in reversed(said) if isinstance(event, Progressed))
    assert (last.told, last.finished) == (5, True)
    assert last.best is not None
    assert last.best.architecture


def test_a_complete_run_answers_without_data_and_without_training(
    config: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = events_of(session(tmp_path / "run"), config())
    monkeypatch.setattr(Experiment, "dataset", property(lambda _: pytest.fail("the data were read")))
    end = [event for event in first if isinstance(event, Completed | Judged)]
    assert events_of(session(tmp_path / "run"), config()) == end


def test_a_search_that_is_stopped_keeps_what_it_has_and_goes_on(config: MakeConfig, tmp_path: Path) -> None:
    stopped = session(tmp_path / "run")
    stopped.start(config())
    for event in stopped.events():
        if isinstance(event, Progressed) and event.told == 2:
            stopped.stop()
    assert event == Stopped(run=str(tmp_path / "run"), told=2, evaluations=5)
    resumed = events_of(session(tmp_path / "run"), config())
    started = next(event for event in resumed if isinstance(event, Started))
    assert started.told == 2
    assert isinstance(resumed[-1], Judged)


def test_a_verdict_that_is_stopped_goes_on_where_it_was(config: MakeConfig, tmp_path: Path) -> None:
    stopped = session(tmp_path / "run")
    stopped.start(config())
    for event in stopped.events():
        if isinstance(event, Working) and event.done == 2:
            stopped.stop()
    assert isinstance(event, Stopped)
    assert event.complete
    again = events_of(session(tmp_path / "run"), config())
    made = [event.done for event in again if isinstance(event, Working) and event.done]
    assert min(made) > 2
    assert isinstance(again[-1], Judged)


def test_workers_are_started_again_only_for_a_verdict_that_takes_longer(
    config: MakeConfig, tmp_path: Path
) -> None:
    searched = LocalSession(tmp_path / "run", executor="ray")
    searched.start(config(workers=2))
    kinds = []
    for full_s in (0.01, 60.0):
        searched._full_s = full_s
        kinds.append(searched._judging_executor)
    assert kinds == ["inline", "ray"]


def test_another_configuration_is_refused_before_anything_is_read(
    config: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events_of(session(tmp_path / "run"), config())
    monkeypatch.setattr(Experiment, "dataset", property(lambda _: pytest.fail("the data were read")))
    with pytest.raises(ConfigChangedError, match=r"seed: was 3, is 4"):
        events_of(session(tmp_path / "run"), config(seed=4))


def test_a_memory_that_does_not_exist_is_refused_before_anything_is_read(
    config: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Experiment, "dataset", property(lambda _: pytest.fail("the data were read")))
    nowhere = config(fitness={"memory": str(tmp_path / "nowhere")})
    with pytest.raises(ConfigError, match="nowhere, where no run is"):
        events_of(session(tmp_path / "run"), nowhere)
    assert not (tmp_path / "run").exists()


def test_a_resumed_search_takes_the_record_with_its_overrides(config: MakeConfig, tmp_path: Path) -> None:
    events_of(session(tmp_path / "run"), config())
    resumed = session(tmp_path / "run")
    resumed.resume(("budget.evaluations=7",))
    list(resumed.events())
    assert Run.at(tmp_path / "run").totals().told == 7


def test_a_search_that_is_flat_ends_and_stays_complete(config: MakeConfig, tmp_path: Path) -> None:
    flat = {"evaluations": 1000, "stop_when_flat": 0.004}
    said = events_of(session(tmp_path / "run"), config(budget=flat))
    complete = next(event for event in said if isinstance(event, Completed))
    assert complete.ending is Ending.FLAT
    assert complete.told < 1000
    assert complete.told == Run.at(tmp_path / "run").totals().told
    again = events_of(session(tmp_path / "run"), config(budget=flat))
    assert again == [complete, said[-1]]


def test_a_search_that_was_ended_goes_on_with_another_budget(config: MakeConfig, tmp_path: Path) -> None:
    flat = {"evaluations": 1000, "stop_when_flat": 0.004}
    first = events_of(session(tmp_path / "run"), config(budget=flat))
    ended = next(event.told for event in first if isinstance(event, Completed))
    events_of(session(tmp_path / "run"), config(budget={"evaluations": ended + 2}))
    assert Run.at(tmp_path / "run").totals().told == ended + 2


def test_minutes_alone_are_a_budget_and_leave_time_for_the_verdict(
    config: MakeConfig, tmp_path: Path
) -> None:
    said = events_of(session(tmp_path / "run"), config(budget={"minutes": 0.1}))
    complete = next(event for event in said if isinstance(event, Completed))
    assert complete.ending is Ending.MINUTES
    assert complete.told == Run.at(tmp_path / "run").totals().told > 1
    assert isinstance(said[-1], Judged)


def test_the_epochs_that_were_measured_stay_those_of_the_run(
    config: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "MOST_EPOCHS", 3)
    timed = config(budget={"minutes": 1000.0, "evaluations": 3})
    timed = timed.model_copy(update={"training": timed.training.model_copy(update={"epochs": None})})
    events_of(session(tmp_path / "run"), timed)
    run = Run.at(tmp_path / "run")
    measured, told = run.config.training.epochs, run.totals().told
    assert {each.candidate.budget for each in run.history().told} == {measured} == {3}
    assert not run.differences(timed, run.record.data)
    more = timed.model_copy(update={"budget": BudgetOptions(evaluations=told + 2)})
    events_of(session(tmp_path / "run"), more)
    assert {each.candidate.budget for each in run.history().told} == {measured}
    assert run.totals().told == told + 2


def test_minutes_that_hold_no_training_are_refused_and_lose_nothing(
    config: MakeConfig, tmp_path: Path
) -> None:
    with pytest.raises(
        ConfigError, match=r"budget.minutes is 1e-06; a training takes about .* give at least "
    ):
        events_of(session(tmp_path / "run"), config(budget={"minutes": 1e-6}))
    assert Run.at(tmp_path / "run").totals().told == 1


def test_the_baselines_are_fitted_once_for_all_resumes(
    config: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events_of(session(tmp_path / "run"), config())
    monkeypatch.setattr(Experiment, "baselines", property(lambda _: pytest.fail("fitted again")))
    more = events_of(session(tmp_path / "run"), config(budget={"evaluations": 7}))
    assert next(event for event in more if isinstance(event, Baselines)).results


def test_a_run_that_was_taken_over_during_the_verdict_gets_none(config: MakeConfig, tmp_path: Path) -> None:
    overtaken = session(tmp_path / "run")
    overtaken.start(config())
    said = overtaken.events()
    assert any(isinstance(event, Working) and event.done == 1 for event in said)
    Ledger.open(Elsewhere(tmp_path / "run")).close()
    with pytest.raises(FencedError, match="another process has taken over"):
        list(said)
    assert Run.at(tmp_path / "run").champion.verdict() is None


def test_a_session_that_is_closed_gives_the_run_back(config: MakeConfig, tmp_path: Path) -> None:
    with session(tmp_path / "run") as broken:
        broken.start(config())
        assert any(isinstance(event, Progressed) for event in broken.events())
    Ledger.open(tmp_path / "run").close()


def test_another_configuration_leaves_no_baselines_behind(config: MakeConfig, tmp_path: Path) -> None:
    events_of(session(tmp_path / "run"), config())
    (tmp_path / "run" / "baselines.json").unlink()
    other = LocalSession(tmp_path / "run", executor="inline", accept_data_loss=True)
    other.start(config(task={"kind": "parity", "train": 65}))
    with pytest.raises(ConfigChangedError, match=r"task\.train: was 64, is 65"):
        list(other.events())
    assert not (tmp_path / "run" / "baselines.json").exists()


def test_there_is_nothing_to_attach_to_without_a_cluster(tmp_path: Path) -> None:
    with pytest.raises(ExecutionError, match="no address is given"):
        session(tmp_path / "run").attach()


def test_a_search_that_goes_on_reads_its_record_its_data_and_each_segment_once(
    config: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "waves.csv").write_text("x\n" + "\n".join(str(step % 7) for step in range(200)) + "\n")
    task = {
        "kind": "forecast",
        "path": str(tmp_path / "waves.csv"),
        "targets": ["x"],
        "window": 6,
        "horizon": 1,
    }
    begun = session(tmp_path / "run")
    begun.start(config(task=task))
    for event in begun.events():
        if isinstance(event, Progressed) and event.told == 3:
            begun.stop()
    reads: Counter[str] = Counter()
    hashed: list[Path] = []
    sha256 = task_module._sha256
    monkeypatch.setattr(task_module, "_sha256", lambda path: hashed.append(path) or sha256(path))
    read = LocalStore.read

    def counted(self: LocalStore, name: str) -> bytes:
        reads[name] += 1
        return read(self, name)

    monkeypatch.setattr(LocalStore, "read", counted)
    resumed = session(tmp_path / "run")
    resumed.resume()
    assert isinstance(list(resumed.events())[-1], Judged)
    assert reads["RUN.json"] <= 2
    assert hashed == [tmp_path / "waves.csv"]
    assert {count for name, count in reads.items() if name.startswith("segments/")} == {1}
