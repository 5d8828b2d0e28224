"""The native backend: an interpreter in C++ that runs any cell, because the cell is its data.

`interpreter.cpp` reads a `Program` (instructions over matrices) and runs it over whole sequences, with one call
forward and one back. Neither Python nor autograd is entered between steps, and a new cell needs no compilation.
`build` compiles the interpreter once per machine, `binding` lays programs out in its structures, and `recurrence`
wraps it for autograd. Where no compiler is found, `native_status` says so and cells run in Python.
"""

from evo_nas.models.native.build import NativeStatus, native_status
from evo_nas.models.native.recurrence import NativeRecurrence, scan

__all__ = ["NativeRecurrence", "NativeStatus", "native_status", "scan"]
