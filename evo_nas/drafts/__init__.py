"""Drafts a configuration from a person's files: what they probably are, with the reason for each guess.

A `Draft` is a kind of task and `Line` after `Line` of its options; `drafts_of` proposes one for every kind of task that
the files may be meant for, each with a certainty, and `draft_of` chooses. Only the readers of `data` are used: whether
the draft holds is found out by whoever tries it.
"""

from evo_nas.drafts.draft import Draft, Line
from evo_nas.drafts.guessing import draft_of

__all__ = ["Draft", "Line", "draft_of"]
