"""The command line: every command parses, makes one call and renders what came back.

Modules of commands load click alone; what a command needs - rich, and the rooms below - is imported when it
runs, so that ``--help`` answers at once. Errors that evo-nas raises on purpose become one line a problem and
exit code 2.
"""

from evo_nas.cli.app import main

__all__ = ["main"]
