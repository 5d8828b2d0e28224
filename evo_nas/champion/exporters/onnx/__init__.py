"""The ONNX format: the whole network, and one step of it, written operator by operator.

The graphs are written here and not traced, so that a file depends on no version of torch, its batch and time are free,
and a recurrence is one ``Scan`` whose body is the cell's own equations. There is one module for each part of a network;
each function is given a module of `evo_nas.models` and writes what that module computes.
"""
