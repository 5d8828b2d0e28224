"""The command line: every command parses its options, makes one call and renders the result.

The modules of the commands import only click. What a command needs, such as rich, is imported when the command runs, so
that ``--help`` answers at once. An error that evo-nas raises on purpose becomes one line per problem and exit code 2.
"""

from evo_nas.cli.app import main

__all__ = ["main"]
