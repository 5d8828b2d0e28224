"""Resampled cuts: further training and validation parts of the rows of a data set, none of which touches the test part.

`making.with_cuts` adds them to a data set. What they hold are positions; `Dataset.of_cut` makes the arrays of one, with
the statistics of its own training part.
"""
