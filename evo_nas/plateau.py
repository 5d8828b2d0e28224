"""`Plateau`: since when a search has found nothing better."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evo_nas.evaluation import Standing
    from evo_nas.strategies.noise import Noise


class Plateau:
    """Tells improvements from luck: a better score counts only if the noise does not explain it.

    What many small steps gain together counts, too, since each is compared with the last improvement that counted.
    """

    def __init__(self) -> None:
        self._reference: Standing | None = None

    def rises(self, best: Standing | None, noise: Noise | None) -> bool:
        """Whether ``best``, the standing of the best so far, is an improvement that counts.

        Args:
            best: None before the first score.
            noise: The noise of a score; None while it is unknown, when every better score counts.
        """
        if best is None:
            return False
        known = self._reference
        if known is not None and known.is_comparable(best):
            gain = best.fitness - known.fitness
            if gain <= 0 or (noise is not None and noise.hides(gain)):
                return False
        # What went furthest may turn out to be unstable, so that one is the best that was pruned.
        is_rise = known is None or best.level >= known.level
        self._reference = best
        return is_rise
