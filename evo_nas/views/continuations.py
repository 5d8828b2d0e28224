"""What a champion of texts or of music lets follow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from evo_nas.tasks.raw_files import unknown_tokens
from evo_nas.tasks.raw_inputs import TokenInputs
from evo_nas.tasks.raw_keys import KeyInputs

if TYPE_CHECKING:
    from evo_nas.champion.champion import Champion

USUAL_LENGTH = 200
"""Tokens or frames that are drawn if nobody says how many."""


Kind = Literal["", "text", "music"]


def continues(champion: Champion) -> Kind:
    """Returns what ``champion`` can continue; empty if it continues nothing, or does not say how it is asked."""
    if champion.preparation is None:
        return ""
    if champion.model.signature.predicts_inputs:
        return "text"
    return "music" if isinstance(champion.preparation.inputs, KeyInputs) else ""


def continuation(
    champion: Champion, beginning: Any, *, length: int | None, temperature: float, seed: int
) -> Any:
    """Returns a text, the beginning of one of characters included, or frames of keys float32 ``(length, keys)``.

    Args:
        champion: One that `continues`.
        beginning: As the prompt of `Champion.generate`.
        length: Tokens or frames that are drawn; None for `USUAL_LENGTH`.
        temperature: As for `Champion.generate`.
        seed: As for `Champion.generate`.

    Raises:
        DataError: The beginning is of another kind.
        ChampionError: The champion continues nothing.
    """
    drawn = champion.generate(beginning, length=length or USUAL_LENGTH, temperature=temperature, seed=seed)
    inputs = champion.prepared.inputs
    # Of words it is not known how those of the prompt and of what follows stand together.
    is_whole = isinstance(inputs, TokenInputs) and inputs.level == "character"
    return f"{beginning or ''}{drawn}" if is_whole else drawn


def remarks_on(champion: Champion, beginning: Any) -> tuple[str, ...]:
    """Returns how a beginning was understood; see `continuation`."""
    inputs = champion.prepared.inputs
    if not isinstance(inputs, TokenInputs) or not beginning:
        return ()
    return unknown_tokens(inputs, *inputs.padded([beginning]))
