"""What Ray's errors say about a worker, without a Ray."""

from __future__ import annotations

import pytest
from ray.exceptions import ActorDiedError, OutOfMemoryError, RayActorError, RayError

from evo_nas.execution.lease import LossCause
from evo_nas.execution.ray_worker import cause_of_loss, loss_in_words


@pytest.mark.parametrize(
    ("error", "retiring", "cause"),
    [
        (ActorDiedError(), False, LossCause.CRASHED),
        (ActorDiedError(), True, LossCause.PREEMPTED),
        (RayActorError(preempted=True), False, LossCause.PREEMPTED),
        (OutOfMemoryError("full"), False, LossCause.OUT_OF_MEMORY),
    ],
)
def test_a_worker_that_went_with_its_node_did_not_crash(
    error: RayError, retiring: bool, cause: LossCause
) -> None:
    assert cause_of_loss(error, retiring=retiring) is cause


def test_what_ray_advises_is_left_out() -> None:
    error = RayError("Two lines.\nThe actor is gone. Some common causes include: everything.")
    assert loss_in_words(error) == "RayError: The actor is gone."
