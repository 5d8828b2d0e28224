// The interpreter's matrix product beside those in torch's libraries, each called `count` times from C++.
// All compute c (rows, columns) += a (rows, depth) @ b (depth, columns); b is as each wants it.

#include "kernels.h"

extern "C" {

void pack(long columns, long depth, const float* b, float* packed) {
  for (long k = 0; k < depth; ++k)
    for (long column = 0; column < columns; ++column)
      Strips(packed, PAD, depth * PAD).column(column)[k * PAD] = b[k * columns + column];
}

void interpreter(long count, long rows, long columns, long depth, float* a, float* packed, float* c) {
  for (long i = 0; i < count; ++i)
    multiply(rows, columns, depth, Matrix{a, depth}, Strips(packed, PAD, depth * PAD), Matrix{c, columns}, true);
}

// BLAS keeps columns together, so it is asked for the transpose: c' += b' @ a'.
using Sgemm = void (*)(const char*, const char*, const int*, const int*, const int*, const float*, const float*,
                       const int*, const float*, const int*, const float*, float*, const int*);

void sgemm(Sgemm library, long count, int rows, int columns, int depth, float* a, float* b, float* c) {
  const float one = 1.0f;
  for (long i = 0; i < count; ++i)
    library("N", "N", &columns, &rows, &depth, &one, b, &columns, a, &depth, &one, c, &columns);
}

using Brgemm = void (*)(int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, bool, const float*, const float*, float*,
                        bool);

void brgemm(Brgemm library, long count, long rows, long columns, long depth, float* a, float* b, float* c) {
  for (long i = 0; i < count; ++i) library(rows, columns, depth, depth, columns, columns, true, a, b, c, false);
}
}
