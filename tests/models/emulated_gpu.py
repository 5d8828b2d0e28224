"""Runs the CUDA kernels on a CPU: the same source, compiled for it, with a loop in place of the grid of threads."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from evo_nas.models.packed import THREADS, kernel_source

SHIMS = """
#include <cmath>
#define __global__
#define __device__ static
struct Position { int x, y; };
static Position blockIdx, threadIdx, blockDim;
"""
GRID = """
template <class Kernel, class... Arguments>
static void everywhere(Kernel kernel, int blocks, int candidates, int threads, Arguments... arguments) {
  blockDim = {threads, 1};
  for (blockIdx.y = 0; blockIdx.y < candidates; ++blockIdx.y)
    for (blockIdx.x = 0; blockIdx.x < blocks; ++blockIdx.x)
      for (threadIdx.x = 0; threadIdx.x < threads; ++threadIdx.x) kernel(arguments...);
}
extern "C" void run_packed_forward(int x, int y, int threads, const int* first, const Instruction* instructions,
                                   const float* given, const float* units, float* kept, int steps, int rows,
                                   int width) {
  everywhere(packed_forward, x, y, threads, first, instructions, given, units, kept, steps, rows, width);
}
extern "C" void run_packed_backward(int x, int y, int threads, const int* first, const Instruction* instructions,
                                    const float* given, const float* units, const float* kept, float* d_given,
                                    float* d_units, float* d_kept, int steps, int rows, int width) {
  everywhere(packed_backward, x, y, threads, first, instructions, given, units, kept, d_given, d_units, d_kept,
             steps, rows, width);
}
"""
COMPILER = shutil.which("c++") or shutil.which("g++") or shutil.which("clang++")


@lru_cache
def _library() -> ctypes.CDLL:
    with TemporaryDirectory() as directory:
        source, built = Path(directory, "packed.cpp"), Path(directory, "packed.so")
        source.write_text(SHIMS + kernel_source() + GRID, encoding="utf-8")
        flags = ["-std=c++17", "-O2", "-Wall", "-Werror", "-fPIC", "-shared"]
        subprocess.run([COMPILER, *flags, str(source), "-o", str(built)], check=True)
        return ctypes.CDLL(str(built))


def launch_on_cpu(name, blocks, arguments) -> None:
    """Runs a kernel as `packed.launch_on_gpu` does, thread by thread."""
    for argument in arguments:
        assert not isinstance(argument, torch.Tensor) or argument.is_contiguous()
    pointers = [
        ctypes.c_void_p(argument.data_ptr()) if isinstance(argument, torch.Tensor) else ctypes.c_int(argument)
        for argument in arguments
    ]
    _library()[f"run_{name}"](*blocks, THREADS, *pointers)
