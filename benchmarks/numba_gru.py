"""Would numba do instead of C++? A GRU written for it alone, against the interpreter that runs any cell.

Part of `benchmarks.recurrence`, where numba is installed. Being written for one cell, without a program to interpret,
it is faster than an interpreter in numba could be.
"""
# ruff: noqa: PLR0913, PLR0917 - numba compiles functions of arrays

from __future__ import annotations

import math
import time

import numba
import numpy as np
import torch

from benchmarks.cpu_time import BATCH, STEPS, WIDTHS, cpu_ms, train_step
from benchmarks.table import Table, load
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.models.native import NativeRecurrence

compiled = numba.njit(error_model="numpy")


@compiled
def forward(x, w_x, w_h, bias, gates, hidden, candidates):
    """Fills ``gates`` (r, z, n after activation), ``candidates`` (what r multiplies) and ``hidden``, step by step."""
    steps, batch, inputs = x.shape
    width = hidden.shape[2]
    projected = np.dot(x.reshape(steps * batch, inputs), w_x).reshape(steps, batch, 3 * width)
    for t in range(steps):
        recurrent = np.dot(hidden[t], w_h)
        for b in range(batch):
            for i in range(width):
                r = 1 / (1 + math.exp(-(projected[t, b, i] + recurrent[b, i] + bias[i])))
                z = 1 / (
                    1 + math.exp(-(projected[t, b, width + i] + recurrent[b, width + i] + bias[width + i]))
                )
                c = recurrent[b, 2 * width + i]
                n = math.tanh(projected[t, b, 2 * width + i] + bias[2 * width + i] + r * c)
                gates[t, b, i] = r
                gates[t, b, width + i] = z
                gates[t, b, 2 * width + i] = n
                candidates[t, b, i] = c
                hidden[t + 1, b, i] = n + z * (hidden[t, b, i] - n)


@compiled
def backward(d_outputs, x, w_x, w_h, gates, hidden, candidates, d_x_gates, d_h_gates):
    """Returns the gradients of the inputs, both weights and the biases."""
    steps, batch, inputs = x.shape
    width = hidden.shape[2]
    d_hidden = np.zeros((batch, width), dtype=np.float32)
    w_h_back = np.ascontiguousarray(w_h.T)
    for t in range(steps - 1, -1, -1):
        direct = np.empty((batch, width), dtype=np.float32)
        for b in range(batch):
            for i in range(width):
                d = d_hidden[b, i] + d_outputs[t, b, i]
                r, z, n = gates[t, b, i], gates[t, b, width + i], gates[t, b, 2 * width + i]
                d_n = d * (1 - z) * (1 - n * n)
                d_z = d * (hidden[t, b, i] - n) * z * (1 - z)
                d_r = d_n * candidates[t, b, i] * r * (1 - r)
                direct[b, i] = d * z
                d_x_gates[t, b, i] = d_r
                d_x_gates[t, b, width + i] = d_z
                d_x_gates[t, b, 2 * width + i] = d_n
                d_h_gates[t, b, i] = d_r
                d_h_gates[t, b, width + i] = d_z
                d_h_gates[t, b, 2 * width + i] = d_n * r
        d_hidden = direct + np.dot(d_h_gates[t], w_h_back)
    rows = steps * batch
    flat_x, flat_h = d_x_gates.reshape(rows, 3 * width), d_h_gates.reshape(rows, 3 * width)
    d_x = np.dot(flat_x, np.ascontiguousarray(w_x.T))
    d_w_x = np.dot(np.ascontiguousarray(x.reshape(rows, inputs).T), flat_x)
    d_w_h = np.dot(np.ascontiguousarray(hidden[:-1].reshape(rows, width).T), flat_h)
    return d_x, d_w_x, d_w_h, flat_x.sum(axis=0)


class NumbaGru:
    """A layer with its workspaces, which are used again and again."""

    def __init__(self, width: int) -> None:
        draw = np.random.default_rng(0)
        self.w_x, self.w_h = (
            draw.normal(size=(width, 3 * width)).astype(np.float32) / width for _ in range(2)
        )
        self.bias = np.zeros(3 * width, dtype=np.float32)
        self.x = draw.normal(size=(STEPS, BATCH, width)).astype(np.float32)
        self.hidden = np.zeros((STEPS + 1, BATCH, width), dtype=np.float32)
        self.gates, self.d_x, self.d_h = (
            np.empty((STEPS, BATCH, 3 * width), dtype=np.float32) for _ in range(3)
        )
        self.candidates = np.empty((STEPS, BATCH, width), dtype=np.float32)

    def step(self) -> None:
        """Runs forward, the gradient of the mean square, and backward."""
        forward(self.x, self.w_x, self.w_h, self.bias, self.gates, self.hidden, self.candidates)
        d_outputs = self.hidden[1:] * np.float32(2 / self.hidden[1:].size)
        backward(
            d_outputs,
            self.x,
            self.w_x,
            self.w_h,
            self.gates,
            self.hidden,
            self.candidates,
            self.d_x,
            self.d_h,
        )


def measure() -> Table:
    """Measures both, in turns."""
    rows = []
    for width in WIDTHS:
        layer = NumbaGru(width)
        started = time.process_time()
        layer.step()
        first_s = time.process_time() - started
        native = NativeRecurrence(NAMED_CELLS["gru"], width, width)
        steps = {"numba": layer.step, "native": train_step(native, torch.randn(BATCH, STEPS, width))}
        ms = cpu_ms(steps)
        rows.append(
            [
                str(width),
                *(f"{ms[name]:.2f}" for name in steps),
                f"{ms['numba'] / ms['native']:.1f}x",
                f"{first_s:.1f}",
                load(),
            ]
        )
    return Table(
        title=f"A GRU in numba {numba.__version__}, written for it alone, and the interpreter of any cell",
        command="OMP_NUM_THREADS=1 python -m benchmarks.recurrence --numba",
        header=["width", "numba ms", "native ms", "numba : native", "numba's first step s", "load"],
        rows=rows,
        remarks=["CPU milliseconds of forward and backward as above; numba is not a dependency of evo-nas."],
    )
