// Arithmetic on matrices whose columns are padded to a multiple of PAD: elementwise functions and the product.
//
// The product is written here and not called from a library because its operands come as it wants them: weights are
// packed once a call into strips that lie in memory in the order in which they are read, and the tile of sums stays in
// registers. In the sizes of cells it is as fast as the best library measured (see docs/recurrence.md).

#pragma once

#include <algorithm>
#include <cstdint>

namespace {

#if defined(__AVX512F__)
constexpr long LANES = 16, TILE_ROWS = 8;
#elif defined(__AVX__)
constexpr long LANES = 8, TILE_ROWS = 6;
#elif defined(__aarch64__)
constexpr long LANES = 4, TILE_ROWS = 8;
#else
constexpr long LANES = 4, TILE_ROWS = 6;
#endif
constexpr long PAD = 16;

#if !defined(GUARD) || !defined(LARGEST_EXPONENT)
#error "GUARD or LARGEST_EXPONENT is not defined; build.py takes them from genome/ops.py"
#endif

typedef float Vec __attribute__((vector_size(LANES * sizeof(float))));
typedef float Loose __attribute__((vector_size(LANES * sizeof(float)), aligned(alignof(float)), may_alias));
typedef int32_t Ints __attribute__((vector_size(LANES * sizeof(int32_t))));

constexpr long padded(long columns) { return (columns + PAD - 1) / PAD * PAD; }
inline Vec load(const float* from) { return *reinterpret_cast<const Loose*>(from); }
inline void store(float* to, Vec value) { *reinterpret_cast<Loose*>(to) = value; }

struct Matrix {
  float* data;
  long stride;  // floats from row to row

  Matrix at(long row, long column = 0) const { return {data + row * stride + column, stride}; }
};

// ---- elementwise functions; comparisons are written so that NaN passes through ----

inline Vec clamp(Vec x, float low, float high) {
  x = x < low ? Vec{} + low : x;
  return x > high ? Vec{} + high : x;
}

// exp within 2 ulp on [-87, 87], beyond which it stays at the border (Cephes expf).
inline Vec exponential(Vec x) {
  x = clamp(x, -87.0f, 87.0f);
  const Vec shifted = x * 1.44269504f + 12582912.0f;  // adding 1.5 * 2^23 rounds to an integer
  const Vec power = shifted - 12582912.0f;
  const Vec rest = x - power * 0.693359375f + power * 2.12194440e-4f;
  Vec series = rest * 1.9875691500e-4f + 1.3981999507e-3f;
  series = series * rest + 8.3334519073e-3f;
  series = series * rest + 4.1665795894e-2f;
  series = series * rest + 1.6666665459e-1f;
  series = series * rest + 5.0000001201e-1f;
  series = series * rest * rest + rest + 1.0f;
  const Ints scale = (reinterpret_cast<Ints>(shifted) << 23) + (127 << 23);
  return series * reinterpret_cast<Vec>(scale);
}

inline Vec sigmoid(Vec x) { return 1.0f / (1.0f + exponential(-x)); }

// x * sigmoid(x); where the sigmoid no longer becomes smaller, the product is zero.
inline Vec silu(Vec x) { return x < -87.0f ? Vec{} : x * sigmoid(x); }

// The square root of at least GUARD, compiled to one instruction for all lanes.
inline Vec root(Vec x) {
  for (long lane = 0; lane < LANES; ++lane) x[lane] = __builtin_sqrtf(x[lane] < GUARD ? GUARD : x[lane]);
  return x;
}

// log(1 + exp(x)) = max(x, 0) + log(1 + u) with u = exp(-|x|), as 2 artanh(u / (2 + u)): a third at most.
inline Vec softplus(Vec x) {
  const Vec u = exponential(x < 0.0f ? x : -x);
  const Vec third = u / (2.0f + u), square = third * third;
  Vec series = square * (1.0f / 13.0f) + 1.0f / 11.0f;
  series = series * square + 1.0f / 9.0f;
  series = series * square + 1.0f / 7.0f;
  series = series * square + 1.0f / 5.0f;
  series = series * square + 1.0f / 3.0f;
  const Vec logarithm = 2.0f * (series * square * third + third);
  return (x < 0.0f ? Vec{} : x) + logarithm;
}

inline Vec maximum(Vec a, Vec b) { return ((a < b) | (b != b)) ? b : a; }

// What of the gradient of maximum(mine, other) is that of mine: half if they are equal.
inline Vec share_of_maximum(Vec mine, Vec other) {
  return mine > other ? Vec{} + 1.0f : mine == other ? Vec{} + 0.5f : Vec{};
}

// x, or GUARD with its sign where it is nearer to zero.
inline Vec away_from_zero(Vec x) {
  x = ((x >= 0.0f) & (x < GUARD)) ? Vec{} + GUARD : x;
  return ((x < 0.0f) & (x > -GUARD)) ? Vec{} - GUARD : x;
}

inline Vec tangent(Vec x) {
  const Vec square = x * x;
  Vec series = square * -5.70498872745e-3f + 2.06390887954e-2f;  // Cephes tanhf, below 0.625
  series = series * square - 5.37397155531e-2f;
  series = series * square + 1.33314422036e-1f;
  series = series * square - 3.33332819422e-1f;
  const Vec near = series * square * x + x;
  const Vec far = 1.0f - 2.0f / (1.0f + exponential(2.0f * x));
  return square < 0.390625f ? near : far;
}

template <class Function, class... Inputs>
void map(long rows, long width, Matrix target, Function function, Inputs... inputs) {
  if (target.stride == width && (... && (inputs.stride == width))) {
    width *= rows;
    rows = 1;
  }
  for (long row = 0; row < rows; ++row)
    for (long i = 0; i < width; i += LANES)
      store(target.data + row * target.stride + i, function(load(inputs.data + row * inputs.stride + i)...));
}

// Writes function(inputs) to the target, or adds it.
template <class Function, class... Inputs>
void give(long rows, long width, Matrix target, bool add, Function function, Inputs... inputs) {
  if (add)
    map(rows, width, target, [=](Vec old, auto... in) { return old + function(in...); }, target, inputs...);
  else
    map(rows, width, target, function, inputs...);
}

// ---- matrix product: c (rows, columns) = or += a (rows, depth) @ b (depth, columns), columns a multiple of PAD ----

struct Factor {  // a matrix or, with the strides exchanged, its transpose
  const float* data;
  long row_stride, column_stride;

  Factor(Matrix m) : data(m.data), row_stride(m.stride), column_stride(1) {}
  Factor(const float* data, long row, long column) : data(data), row_stride(row), column_stride(column) {}
};

Factor transposed(Matrix m) { return {m.data, 1, m.stride}; }

struct Strips {  // the right factor, cut into strips of PAD columns
  float* data;
  long row_stride, strip_stride;  // floats from row to row of a strip, and from strip to strip

  Strips(float* data, long row, long strip) : data(data), row_stride(row), strip_stride(strip) {}
  Strips(Matrix m) : Strips(m.data, m.stride, PAD) {}

  float* column(long index) const { return data + index / PAD * strip_stride + index % PAD; }
  Strips from_column(long index) const { return {column(index), row_stride, strip_stride}; }  // a multiple of PAD
};

template <long ROWS, long VECS>
inline void multiply_tile(long depth, Factor a, const float* const* columns, long stride, Matrix c, bool add) {
  Vec sums[ROWS][VECS];
  const float* b[VECS];
  std::copy_n(columns, VECS, b);
  for (long r = 0; r < ROWS; ++r)
    for (long v = 0; v < VECS; ++v) sums[r][v] = add ? load(c.data + r * c.stride + v * LANES) : Vec{};
  for (long k = 0; k < depth; ++k) {
    Vec right[VECS];
    for (long v = 0; v < VECS; ++v) right[v] = load(b[v] + k * stride);
    for (long r = 0; r < ROWS; ++r) {
      const float left = a.data[r * a.row_stride + k * a.column_stride];
      for (long v = 0; v < VECS; ++v) sums[r][v] += left * right[v];
    }
  }
  for (long r = 0; r < ROWS; ++r)
    for (long v = 0; v < VECS; ++v) store(c.data + r * c.stride + v * LANES, sums[r][v]);
}

template <long ROWS, long VECS>
void multiply_strip(long rows, long depth, Factor a, const float* const* columns, long stride, Matrix c, bool add) {
  for (; rows >= ROWS; rows -= ROWS) {
    multiply_tile<ROWS, VECS>(depth, a, columns, stride, c, add);
    a.data += ROWS * a.row_stride;
    c = c.at(ROWS);
  }
  if constexpr (ROWS > 1)
    multiply_strip<(ROWS > 4 ? 4 : ROWS / 2), VECS>(rows, depth, a, columns, stride, c, add);
}

void multiply(long rows, long columns, long depth, Factor a, Strips b, Matrix c, bool add) {
  long column = 0;
  for (; column + 2 * LANES <= columns; column += 2 * LANES) {
    const float* both[] = {b.column(column), b.column(column + LANES)};
    multiply_strip<TILE_ROWS, 2>(rows, depth, a, both, b.row_stride, c.at(0, column), add);
  }
  for (; column < columns; column += LANES) {
    const float* one[] = {b.column(column)};
    multiply_strip<TILE_ROWS, 1>(rows, depth, a, one, b.row_stride, c.at(0, column), add);
  }
}

}  // namespace
