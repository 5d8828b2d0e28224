"""The objects that evolve: one language for every recurrent cell, and one vector of integers for every strategy.

A `CellGraph` is the equations of a cell as a small graph; an `Architecture` is layers of such cells with a
head and training settings. A `SearchSpace` encodes architectures as genomes, tuples of small integers of
fixed length. Every tuple decodes, so that any method that changes integers can search. Many genomes encode the same
network; their canonical forms then have equal hashes. `ops` has a row for each operation of a cell, `slots` one for
each gene outside the cell.
"""
