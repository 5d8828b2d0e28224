import pytest

from evo_nas.evaluation import Candidate, Evaluation, Outcome, Status
from evo_nas.run_clock import RunClock, TrainingPace, trained_s


def trained(finished_at: float, train_s: float, **outcome: object) -> Evaluation:
    candidate = Candidate(0, (0,), "hash", (), "random", seed=1, budget=8, asked_after=0)
    values = {"status": Status.OK, "fitness": 0.5, "epochs": 8} | outcome
    return Evaluation(candidate, Outcome(train_s=train_s, **values), finished_at=finished_at)  # type: ignore[arg-type]


def test_time_counts_once_however_many_workers_train() -> None:
    together = [trained(110, 10), trained(112, 10), trained(115, 4)]
    assert trained_s(together) == pytest.approx(15 - 0)
    assert trained_s([*together, *together]) == trained_s(together)


def test_pauses_between_two_processes_do_not_count() -> None:
    assert trained_s([trained(10, 10), trained(10_010, 10)]) == pytest.approx(20)


def test_the_order_of_telling_does_not_matter() -> None:
    told = [trained(30, 10), trained(10, 10), trained(25, 10)]
    assert trained_s(told) == trained_s(told[::-1]) == pytest.approx(25)


def test_a_resumed_run_goes_on_counting_where_it_was() -> None:
    now = iter([1000.0, 2000.0, 2007.0])
    clock = RunClock(lambda: next(now))
    clock.resume([trained(20, 20)])
    assert clock.seconds() == pytest.approx(27)


def test_a_pruned_training_tells_how_long_a_full_one_takes() -> None:
    pace = TrainingPace()
    pace.observe(trained(0, 3.0, status=Status.PRUNED, epochs=2))
    assert pace.full_s == pytest.approx(12)


@pytest.mark.parametrize(
    ("seconds", "is_known"), [([1.0, 1.0], False), ([1.0, 1.0, 1.0], True), ([11.0], True)]
)
def test_a_few_short_trainings_do_not_tell_the_pace(seconds: list[float], is_known: bool) -> None:
    pace = TrainingPace()
    for each in seconds:
        pace.observe(trained(0, each))
    assert pace.is_known is is_known


def test_the_first_training_decides_the_pace_no_more_than_those_after_it() -> None:
    pace = TrainingPace()
    for seconds in (6.0, 0.4, 0.4, 0.4):
        pace.observe(trained(0, seconds))
    assert pace.full_s == pytest.approx(1.8)


@pytest.mark.parametrize(
    "outcome",
    [{"status": Status.DIVERGED, "fitness": None}, {"source": "runs/a #3"}],
    ids=["failed", "remembered"],
)
def test_what_was_not_trained_to_a_score_says_nothing_about_the_pace(outcome: dict[str, object]) -> None:
    pace = TrainingPace()
    pace.observe(trained(0, 8.0))
    pace.observe(trained(0, 100.0, **outcome))
    assert pace.full_s == pytest.approx(8)
