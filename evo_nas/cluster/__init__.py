"""A search that lives in a Ray cluster, and how people reach it from anywhere.

`PopulationManager` is the loop as a named, detached actor on the head node; its constructor is the way a run
is resumed, so that Ray's restart after a crash, a second submission and a new cluster on the same run are one
and the same thing. Who stands on a machine of the cluster talks to it (`Tenure`); who does not goes
through Ray Jobs (`Jobs`), which run the very same commands over there. Nothing here is needed to go on: the run
itself is, and any cluster that reaches it takes it over.
"""
