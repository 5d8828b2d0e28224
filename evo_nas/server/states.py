"""The state of a run, as its files and its processes show it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from evo_nas.server.launches import Launch

_ASIDE = {
    "finalists": "its finalists are being judged",
    "tune": "its network is being tuned",
    "ensemble": "an ensemble is being selected",
    "retrain": "its champion is being trained on new data",
}
StateName = Literal["starting", "running", "stopped", "complete", "judged", "failed", "damaged"]


@dataclass(frozen=True, slots=True)
class Activity:
    """What is being done for a run.

    Attributes:
        launch: The newest launch for it; None if the service has launched nothing.
        is_launched: Whether the process of that launch is alive.
        holder: Which other process holds the run, such as a search from a shell; empty if none does.
    """

    launch: Launch | None = None
    is_launched: bool = False
    holder: str = ""

    @property
    def is_searched(self) -> bool:
        """Whether any process is at work for the run."""
        return self.is_launched or bool(self.holder)


@dataclass(frozen=True, slots=True)
class RunState:
    """The state of a run.

    Attributes:
        name: The state.
        reason: What a person should know of it: an error, that it is being stopped, or who searches; may be empty.
    """

    name: StateName
    reason: str = ""


def state_of(
    activity: Activity, *, told: int, is_complete: bool, is_judged: bool, damage: str = ""
) -> RunState:
    """Returns the state of a run.

    Args:
        activity: What is being done for it.
        told: Number of evaluations.
        is_complete: Whether its budget is spent.
        is_judged: Whether it keeps a verdict on what it holds.
        damage: Why it cannot be read; empty if it can.
    """
    if damage:
        return RunState("damaged", damage)
    launch = activity.launch
    if activity.is_launched and launch is not None:
        doing = _ASIDE.get(launch.record.doing, "")
        return RunState(
            "running" if told else "starting", "is being stopped" if launch.was_stopped else doing
        )
    if activity.holder:
        return RunState("running", f"by another process ({activity.holder})")
    if is_judged:
        return RunState("judged")
    # What was done beside the search has failed alone.
    if launch is not None and launch.record.doing not in _ASIDE and launch.failure:
        return RunState("failed", launch.failure)
    return RunState("complete" if is_complete else "stopped")
