"""The contract of every search strategy: `ask` for candidates, `tell` their evaluations."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evo_nas.evaluation import Candidate, Evaluation


class Strategy(ABC):
    """Chooses the next candidates.

    The loop that uses it::

        while not stopping(progress):
            executor.submit(strategy.ask(executor.free_slots()))
            evaluations = executor.collect(timeout_s=1.0)
            ledger.append(evaluations, born=...)     # durable first
            strategy.tell(evaluations)               # then believed

    Laws, which `tests/contracts/test_strategies.py` holds every implementation to:

    * The state is a function of the configuration, the candidates asked and the evaluations told, in
      order. A strategy is rebuilt by `resume`; nothing is ever pickled.
    * Candidate ``k`` depends on the run seed, ``k``, the evaluations told before it was asked and the
      candidates with smaller ids; never on time, on the batch size or on who asks.
    * A candidate is told once, and only after it was asked.
    """

    @abstractmethod
    def ask(self, n: int) -> list[Candidate]:
        """Returns the next ``n`` candidates, ids ascending; fewer when the space is exhausted."""

    @abstractmethod
    def tell(self, evaluations: Sequence[Evaluation]) -> None:
        """Believes evaluations, in the order given.

        Raises:
            ValueError: A candidate was never asked, or is told a second time.
        """

    @abstractmethod
    def resume(self, told: Sequence[Evaluation], in_flight: Sequence[Candidate]) -> None:
        """Rebuilds the state from a ledger: what was told, in order, and what was asked but not told.

        Candidates that were asked after the last commit are in neither list; `ask` gives them again.

        Raises:
            ValueError: This strategy has already been asked or told.
        """
