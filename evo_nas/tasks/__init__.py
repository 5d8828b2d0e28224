"""What a network learns: a `Task` reads files, or draws examples, and returns a `Dataset` of plain arrays.

A `Dataset` holds a training, a validation and a test part, the shape of the networks that fit, the objective of
training and the metric of the search. A task reads its files once; the same read gives the data set and the
baselines, which are in `baselines`. `metrics` holds the figures that tasks are scored with, `registry` the tasks by
the name that a configuration gives, and `in_memory` data that a Python program holds. The files themselves are read
in `evo_nas.data`. This room knows neither networks nor torch.
"""
