"""Contract suites for people who bring their own parts; each is a class of pytest tests to inherit from.

They need pytest, which evo-nas itself does not install.
"""

from evo_nas.testing.tasks import TaskContract

__all__ = ["TaskContract"]
