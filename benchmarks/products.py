"""The interpreter's matrix product beside those that torch's libraries have, in the sizes of recurrent cells.

    OMP_NUM_THREADS=1 python -m benchmarks.products [--write]

Run from the root of the repository, with a C++ compiler. sgemm is that of MKL, brgemm the kernel that oneDNN compiles
for each size; torch calls it for attention alone, and its name is no part of any interface, so it may be missing.
"""

from __future__ import annotations

import argparse
import ctypes
import subprocess
import tempfile
from ctypes import c_int, c_long, c_void_p
from pathlib import Path

import torch

from benchmarks.cpu_time import BATCH, BLOCKS, WIDTHS, cpu_ms
from benchmarks.table import Table, load, machine, write
from evo_nas.models.native.build import FLAGS, SOURCE

BRGEMM = "_ZN2at6native7cpublas6brgemmEllllllbPKfS3_Pfb"
FLOPS_A_CALL = 3e7
"""Work in one call from Python, so that the call itself does not count."""


def build(directory: Path) -> ctypes.CDLL:
    """Returns the compiled loops."""
    source, built = Path(__file__).with_suffix(".cpp"), directory / "products.so"
    command = ["c++", *FLAGS, "-march=native", f"-I{SOURCE.parent}", str(source), "-o", str(built)]
    subprocess.run(command, check=True)
    return ctypes.CDLL(str(built))


def rates(loops: ctypes.CDLL, rows: int, columns: int, depth: int) -> dict[str, float]:
    """Returns the GFLOP/s of each product of a matrix ``(rows, depth)`` with one ``(depth, columns)``."""
    a, b, c = torch.randn(rows, depth), torch.randn(depth, columns), torch.zeros(rows, columns)
    packed, flops = torch.empty(depth * columns), 2 * rows * columns * depth
    loops.pack(c_long(columns), c_long(depth), c_void_p(b.data_ptr()), c_void_p(packed.data_ptr()))
    torch_library = ctypes.CDLL(str(Path(torch.__file__).parent / "lib" / "libtorch_cpu.so"))
    count = max(1, round(FLOPS_A_CALL / flops))
    sizes, factors = [c_long(n) for n in (rows, columns, depth)], [c_void_p(m.data_ptr()) for m in (a, b, c)]
    ours = [factors[0], c_void_p(packed.data_ptr()), factors[2]]
    steps = {"interpreter": lambda: loops.interpreter(c_long(count), *sizes, *ours)}
    if hasattr(torch_library, "sgemm_"):
        ints = [c_int(n) for n in (rows, columns, depth)]
        steps["sgemm"] = lambda: loops.sgemm(torch_library.sgemm_, c_long(count), *ints, *factors)
    if hasattr(torch_library, BRGEMM):
        kernel = getattr(torch_library, BRGEMM)
        steps["brgemm"] = lambda: loops.brgemm(kernel, c_long(count), *sizes, *factors)
    return {name: 1e-6 * count * flops / ms for name, ms in cpu_ms(steps).items()}


def table(loops: ctypes.CDLL) -> Table:
    """Measures the products of an LSTM's step forward and back, and those of a block of its inputs."""
    names = ("interpreter", "sgemm", "brgemm")
    rows = []
    for width in WIDTHS:
        for product, (count, columns, depth) in {
            "step": (BATCH, 4 * width, width),
            "step, small batch": (8, 4 * width, width),
            "step back": (BATCH, width, 4 * width),
            "inputs": (8 * BATCH, 4 * width, width),
        }.items():
            found = rates(loops, count, columns, depth)
            shown = [f"{found[name]:.0f}" if name in found else "-" for name in names]
            rows.append([product, str(width), f"{count} x {columns} x {depth}", *shown, load()])
    return Table(
        title="Matrix products of an LSTM",
        command="OMP_NUM_THREADS=1 python -m benchmarks.products",
        header=["product", "width", "rows x columns x depth", *(f"{name} GFLOP/s" for name in names), "load"],
        rows=rows,
        remarks=[f"Medians of {BLOCKS} interleaved blocks on one thread; torch {torch.__version__}."],
    )


def main() -> None:
    """Prints the table, and writes it if asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as directory:
        products = table(build(Path(directory)))
    print(machine(), products, sep="\n\n")
    if options.write:
        print(write("products", "Matrix products", [products]))


if __name__ == "__main__":
    main()
