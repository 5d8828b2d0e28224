"""``python -m evo_nas.cli``: the command, where its script is not on the path."""

from evo_nas.cli import main

main(prog_name="evo-nas")
