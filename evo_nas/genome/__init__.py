"""What evolves: one language for every recurrent cell, and one vector of integers for every strategy.

A `CellGraph` is the equations of a cell as a small graph; an `Architecture` is layers of such cells with a
head and training settings. A `SearchSpace` spells architectures as genomes, tuples of small integers of
fixed length, so that whatever changes integers can search: every tuple decodes. Many genomes mean the same
network; the canonical form of its cells and the hash of the whole say when.
"""
