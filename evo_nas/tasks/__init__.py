"""Tasks define what a network learns: a `Task` reads files, or draws examples, and returns a `Dataset` of arrays.

A `Dataset` holds a training, a validation and a test part, the shape of the networks that fit, the objective of
training and the metric of the search. A task reads its files once; the same read gives the data set and the
baselines, which are in `baselines`. `metrics` holds the metrics of all tasks, `registry` the tasks by
their names in a configuration, and `in_memory` the task for data in memory. The files themselves are read
in `evo_nas.data`. This package knows neither networks nor torch.
"""
