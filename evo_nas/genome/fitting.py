"""Which blocks fit a task: a segment no longer than the window, n-grams for tokens only, and so on."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from evo_nas.errors import ConfigError
from evo_nas.genome.blocks import Columns, Front, FrontKind, Ngrams, Shortcut, ShortcutKind
from evo_nas.genome.cell_text import cell_of, label_of
from evo_nas.genome.columns import targets_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from evo_nas.genome.architecture import Signature
    from evo_nas.genome.options import SpaceOptions

Block = TypeVar("Block")
MOST_CHARACTERS = 256
"""Largest vocabulary whose tokens are taken for characters."""
LONGEST_OF_WORDS = 2
"""Most tokens of default n-grams that are meant for words."""
LONGEST_BEFORE = 4
"""Most tokens of default n-grams that are meant to predict the next character."""
LEAST_SEGMENTS = 6
"""Fewest segments into which a window is divided unasked."""


def fitting_fronts(options: SpaceOptions, signature: Signature) -> tuple[Front, ...]:
    """Returns the permitted fronts that fit a task, at least one.

    Raises:
        ConfigError: A front that was asked for does not fit; by default those that do not are left out.
    """
    permitted = [Front.of(text) for text in options.fronts]
    return _fitting(
        "fronts", options, permitted, front_obstacle, signature, is_worth_a_choice=is_helpful_front
    )


def fitting_shortcuts(options: SpaceOptions, signature: Signature) -> tuple[Shortcut, ...]:
    """Returns the permitted shortcuts that fit a task, at least one.

    Raises:
        ConfigError: A shortcut that was asked for does not fit; by default those that do not are left out.
    """
    permitted = [Shortcut.of(text) for text in options.shortcuts]
    return _fitting(
        "shortcuts", options, permitted, shortcut_obstacle, signature, is_worth_a_choice=is_helpful_shortcut
    )


def fitting_segments(options: SpaceOptions, signature: Signature) -> tuple[int, ...]:
    """Returns the permitted segments of a decoder that fit a forecast, at least one.

    Raises:
        ConfigError: A segment that was asked for does not fit; by default those that do not are left out.
    """
    permitted = list(options.segments)
    return _fitting(
        "segments", options, permitted, segment_obstacle, signature, is_worth_a_choice=is_helpful_segment
    )


def fitting_periods(options: SpaceOptions, signature: Signature) -> tuple[int, ...]:
    """Returns the permitted periods of layers that fit a task, at least one.

    Raises:
        ConfigError: A period that was asked for does not fit, whatever the front; by default those that do not are
            left out.
    """
    # With every front that is permitted, since a layer that never updates would have nothing but zeros to give.
    front = min(fitting_fronts(options, signature), key=lambda front: front.steps(signature.steps))

    def obstacle(period: int, signature: Signature) -> str:
        return period_obstacle(period, front, signature)

    return _fitting("periods", options, list(options.periods), obstacle, signature)


def check_columns(options: SpaceOptions, signature: Signature) -> None:
    """Refuses columns apart where a person asked for them and the task has nothing to take apart.

    Raises:
        ConfigError: The task is no forecast of several targets that the network reads.
    """
    _fitting("columns", options, list(options.columns), column_obstacle, signature)


def check_delays(options: SpaceOptions, signature: Signature) -> None:
    """Refuses delays by which nothing but the zeros before a sequence could be read.

    Raises:
        ConfigError: A delay of the evolved cell, or of a cell that is named, is no shorter than what any front leaves
            of the longest sequence.
    """
    if not signature.steps:
        return
    named = {label_of(text): cell_of(text) for text in (*options.cells, *(options.seeds or ()))}
    longest = {name: max(ago for _, ago in cell.carried) for name, cell in named.items()}
    delays = [("delays has", delay) for delay in options.delays]
    delays += [
        (f"cells or space.seeds has {name} with a delay of", ago) for name, ago in longest.items() if ago > 1
    ]
    steps = max(front.steps(signature.steps) for front in fitting_fronts(options, signature))
    of_front = "" if steps == signature.steps else f", of which space.fronts leave {steps}"
    for place, delay in delays:
        if delay >= steps:
            raise ConfigError(
                f"space.{place} {delay}, and the longest sequence of the task has {signature.steps} steps{of_front};"
                " must be below that, since nothing but zeros was so long ago: leave it out, or make the sequences"
                " longer"
            )


def front_obstacle(front: Front, signature: Signature) -> str:
    """Returns why ``front`` does not fit a task; an empty string if it does."""
    if front.kind in (FrontKind.NGRAMS, FrontKind.SUBWORDS):
        return "" if signature.vocabulary else "the inputs are numbers, and it reads tokens"
    if front.kind in (FrontKind.DIFFERENCES, FrontKind.SEGMENTS) and signature.vocabulary:
        return "the inputs are tokens, and it reads numbers"
    if front.kind is FrontKind.DIFFERENCES and signature.last_values:
        return "a forecast has forecasts: [relative, change] instead"
    if front.shortens > 1 and signature.per_step:
        return "every step has an output, and it has fewer steps than the input"
    too_long = signature.steps and front.size > signature.steps
    return f"it is longer than a sequence, {signature.steps} steps" if too_long else ""


def shortcut_obstacle(shortcut: Shortcut, signature: Signature) -> str:
    """Returns why ``shortcut`` does not fit a task; an empty string if it does."""
    match shortcut.kind:
        case ShortcutKind.NONE:
            return ""
        case ShortcutKind.NGRAMS:
            return "" if signature.vocabulary else "the inputs are numbers, and it reads tokens"
        case ShortcutKind.SHARED | ShortcutKind.FULL:
            if not (signature.horizon and signature.steps):
                return "the task is no forecast of a window"
            return _obstacle_to_sharing(signature) if shortcut.kind is ShortcutKind.SHARED else ""
        case ShortcutKind.FLAT | ShortcutKind.POOLED:
            if signature.vocabulary or signature.per_step or signature.horizon:
                return "the task has no sequence of numbers with one output"
            is_flat = shortcut.kind is ShortcutKind.FLAT
            return "the length of the sequences is not known" if is_flat and not signature.steps else ""


def _obstacle_to_sharing(signature: Signature) -> str:
    if not signature.last_values:
        return "the network does not read all targets"
    # Named for each output, they belong to its step: no target has one feature.
    by_step = len(signature.last_values) == signature.outputs and signature.horizon > 1
    return "the steps of a target are counted from different features" if by_step else ""


def segment_obstacle(segment: int, signature: Signature) -> str:
    """Returns why a decoder of ``segment`` steps does not fit a task; an empty string if it does."""
    if segment and not signature.horizon:
        return "the task is no forecast"
    return f"it is longer than the horizon, {signature.horizon} steps" if segment > signature.horizon else ""


def is_helpful_front(front: Front, signature: Signature) -> bool:
    """Returns whether a front that fits a task has helped tasks of its kind, so that it is a choice unasked."""
    match front.kind:
        case FrontKind.DIFFERENCES:
            return not (signature.per_step or signature.horizon)
        case FrontKind.SEGMENTS:
            # Each step counts in short sequences and where classes are told apart.
            return signature.horizon > 0 and signature.steps >= LEAST_SEGMENTS * front.size
        case FrontKind.NGRAMS | FrontKind.SUBWORDS:
            return not signature.per_step and _suits_tokens(front.ngrams, signature)
        case _:
            return True


def is_helpful_shortcut(shortcut: Shortcut, signature: Signature) -> bool:
    """Returns whether a shortcut that fits a task has helped tasks of its kind, so that it is a choice unasked."""
    if shortcut.kind is not ShortcutKind.NGRAMS:
        return True
    # A row has a number for each output, so the next word would be predicted from a table of millions.
    if signature.per_step and signature.vocabulary > MOST_CHARACTERS:
        return False
    return _suits_tokens(shortcut.ngrams, signature)


def is_helpful_segment(segment: int, signature: Signature) -> bool:
    """Returns whether a decoder that fits a forecast has helped its kind: long ones of several targets."""
    return not segment or (len(set(signature.last_values)) > 1 and signature.horizon >= 2 * segment)


def _suits_tokens(ngrams: Ngrams | None, signature: Signature) -> bool:
    """Returns whether n-grams are of the lengths that tell something: short ones of words, long ones of letters."""
    assert ngrams is not None
    is_of_words = ngrams.longest <= LONGEST_OF_WORDS
    if signature.vocabulary > MOST_CHARACTERS:
        return is_of_words
    # Classes show in what recurs anywhere in a text, the next character in what stands right before it.
    return not is_of_words and (ngrams.longest <= LONGEST_BEFORE) == signature.per_step


def period_obstacle(period: int, front: Front, signature: Signature) -> str:
    """Returns why a layer that updates every ``period`` steps does not fit a task; an empty string if it does."""
    if not signature.steps or period <= front.steps(signature.steps):
        return ""
    if period > signature.steps:
        return f"it is longer than a sequence, {signature.steps} steps"
    return (
        f"it is longer than what {str(front)!r} of space.fronts leaves, {front.steps(signature.steps)} steps"
    )


def column_obstacle(columns: Columns, signature: Signature) -> str:
    """Returns why reading columns so does not fit a task; an empty string if it does."""
    is_possible = columns is Columns.TOGETHER or len(targets_of(signature)) > 1
    return "" if is_possible else "the task is no forecast of several targets that the network reads"


def _fitting(
    name: str,
    options: SpaceOptions,
    permitted: Sequence[Block],
    obstacle: Callable[[Block, Signature], str],
    signature: Signature,
    *,
    is_worth_a_choice: Callable[[Block, Signature], bool] = lambda _, __: True,
) -> tuple[Block, ...]:
    obstacles = {block: obstacle(block, signature) for block in permitted}
    fitting = tuple(block for block, reason in obstacles.items() if not reason)
    # A list that nobody wrote holds something for every kind of task.
    default = type(options).model_fields[name].default
    is_default = getattr(options, name) == default
    if len(fitting) < len(permitted) and not (is_default and fitting):
        wrong = next(block for block, reason in obstacles.items() if reason)
        rest = ", ".join(map(_written, fitting))
        raise ConfigError(
            f"space.{name} has {_written(wrong)}, which does not fit the task: {obstacles[wrong]}; "
            + (f"leave it out, so that {rest} is left" if rest else f"permit {_written(default[0])} instead")
        )
    # Every further choice makes a search slower to start.
    return tuple(block for block in fitting if not is_default or is_worth_a_choice(block, signature))


def _written(block: object) -> str:
    """Returns a choice as a message has it: a number as it is, a text in quotes."""
    return str(block) if isinstance(block, int) else repr(str(block))
