// The loops of many different cells in one launch: programs are data, and a thread is one unit of one sequence.
//
// Only what a portable compiler knows is used, so that g++ compiles this very file for the tests. What is put before
// it: the numbers OP_... of the operations, those of LOAD, READ, UNIT and KEEP, MOST, GUARD and LARGEST_EXPONENT.
//
// Arrays, where a unit is the last index:
//   first: the first instruction of each candidate, and the end of the last one's.
//   given (values, steps, rows, width), units (values, width), kept (values, steps, rows, width): of all candidates.
// The value of instruction n is v[n]; a, b and c say which values it reads, or where a value comes from or goes to.

struct Instruction { int op, a, b, c; };

__device__ float sigmoid(float a) { return 1.0f / (1.0f + expf(-a)); }
__device__ float away_from_zero(float a) { return fabsf(a) < GUARD ? (a < 0.0f ? -GUARD : GUARD) : a; }
// Comparisons are such that NaN stays NaN.
__device__ float at_least(float a, float bound) { return a < bound ? bound : a; }
__device__ float share_of_maximum(float a, float b) { return a > b ? 1.0f : a < b ? 0.0f : 0.5f; }

// Returns the value of an instruction that reads other values alone.
__device__ float value_of(Instruction i, const float* v) {
  const float a = v[i.a];
  switch (i.op) {
    case OP_ADD: return a + v[i.b];
    case OP_MUL: return a * v[i.b];
    case OP_MEAN: return a / i.b;  // of a sum of so many
    case OP_BLEND: return v[i.c] + a * (v[i.b] - v[i.c]);
    case OP_TANH: return tanhf(a);
    case OP_SIGMOID: return sigmoid(a);
    case OP_RELU: return at_least(a, 0.0f);
    case OP_LEAKY_RELU: return a < 0.0f ? 0.01f * a : a;
    case OP_EXP: return expf(a > LARGEST_EXPONENT ? LARGEST_EXPONENT : a);
    case OP_SOFTPLUS: return at_least(a, 0.0f) + log1pf(expf(-fabsf(a)));
    case OP_SUBTRACT: return a - v[i.b];
    case OP_ONE_MINUS: return 1.0f - a;
    case OP_SILU: return a * sigmoid(a);
    case OP_MAX: return a > v[i.b] || a != a ? a : v[i.b];
    case OP_DIVIDE: return a / away_from_zero(v[i.b]);
    case OP_SQRT: return sqrtf(at_least(a, GUARD));
  }
  return 0.0f;
}

// Adds to the gradients d of an instruction's operands what its own gradient g contributes; y is its value.
__device__ void contribute(Instruction i, const float* v, float y, float g, float* d) {
  const float a = v[i.a];
  switch (i.op) {
    case OP_ADD: d[i.a] += g; d[i.b] += g; return;
    case OP_MUL: d[i.a] += g * v[i.b]; d[i.b] += g * a; return;
    case OP_MEAN: d[i.a] += g / i.b; return;
    case OP_BLEND: d[i.a] += g * (v[i.b] - v[i.c]); d[i.b] += g * a; d[i.c] += g - g * a; return;
    case OP_TANH: d[i.a] += g - g * y * y; return;
    case OP_SIGMOID: d[i.a] += g * (y - y * y); return;
    case OP_RELU: d[i.a] += y <= 0.0f ? 0.0f : g; return;
    case OP_LEAKY_RELU: d[i.a] += y <= 0.0f ? 0.01f * g : g; return;
    case OP_EXP: d[i.a] += a > LARGEST_EXPONENT ? 0.0f : g * y; return;
    case OP_SOFTPLUS: d[i.a] += g * sigmoid(a); return;
    case OP_SUBTRACT: d[i.a] += g; d[i.b] -= g; return;
    case OP_ONE_MINUS: d[i.a] -= g; return;
    case OP_SILU: { const float s = sigmoid(a); d[i.a] += g * (s + y * (1.0f - s)); return; }
    case OP_MAX:
      d[i.a] += g * share_of_maximum(a, v[i.b]);
      d[i.b] += g * share_of_maximum(v[i.b], a);
      return;
    case OP_DIVIDE:
      d[i.a] += g / away_from_zero(v[i.b]);
      d[i.b] -= fabsf(v[i.b]) < GUARD ? 0.0f : g * y / v[i.b];
      return;
    case OP_SQRT: d[i.a] += a < GUARD ? 0.0f : 0.5f * g / y; return;
  }
}

// Computes the values v of one step; a state before the first step is zero. KEEP comes last and writes nothing here.
__device__ void run_step(const Instruction* program, int count, float* v, const float* given, const float* units,
                         const float* kept, int step, int steps, long long stride, long long place, int unit,
                         int width) {
  for (int n = 0; n < count; ++n) {
    const Instruction i = program[n];
    switch (i.op) {
      case LOAD: v[n] = given[((long long)i.a * steps + step) * stride + place]; break;
      case READ: v[n] = step < i.b ? 0.0f : kept[((long long)i.a * steps + step - i.b) * stride + place]; break;
      case UNIT: v[n] = units[(long long)i.a * width + unit]; break;
      case KEEP: break;
      default: v[n] = value_of(i, v);
    }
  }
}

extern "C" __global__ void packed_forward(const int* first, const Instruction* instructions, const float* given,
                                          const float* units, float* kept, int steps, int rows, int width) {
  const long long stride = (long long)rows * width, place = (long long)blockIdx.x * blockDim.x + threadIdx.x;
  if (place >= stride) return;
  const Instruction* program = instructions + first[blockIdx.y];
  const int count = first[blockIdx.y + 1] - first[blockIdx.y], unit = (int)(place % width);
  float v[MOST];
  for (int step = 0; step < steps; ++step) {
    run_step(program, count, v, given, units, kept, step, steps, stride, place, unit, width);
    for (int n = count - 1; n >= 0 && program[n].op == KEEP; --n)
      kept[((long long)program[n].b * steps + step) * stride + place] = v[program[n].a];
  }
}

// Takes in d_kept the gradients of what was kept, to which it adds those that come back from later steps. Values are
// computed again from what was kept. d_units (values, rows, width) is left for each sequence, so the sum over them is
// always of the same order.
extern "C" __global__ void packed_backward(const int* first, const Instruction* instructions, const float* given,
                                           const float* units, const float* kept, float* d_given, float* d_units,
                                           float* d_kept, int steps, int rows, int width) {
  const long long stride = (long long)rows * width, place = (long long)blockIdx.x * blockDim.x + threadIdx.x;
  if (place >= stride) return;
  const Instruction* program = instructions + first[blockIdx.y];
  const int count = first[blockIdx.y + 1] - first[blockIdx.y], unit = (int)(place % width);
  float v[MOST], d[MOST];
  for (int n = 0; n < count; ++n) d[n] = 0.0f;
  for (int step = steps - 1; step >= 0; --step) {
    run_step(program, count, v, given, units, kept, step, steps, stride, place, unit, width);
    for (int n = count - 1; n >= 0; --n) {
      const Instruction i = program[n];
      if (i.op == UNIT) continue;  // its gradient is summed over the steps
      const float g = d[n];
      d[n] = 0.0f;
      switch (i.op) {
        case KEEP: d[i.a] += d_kept[((long long)i.b * steps + step) * stride + place]; break;
        case LOAD: d_given[((long long)i.a * steps + step) * stride + place] = g; break;
        case READ:
          if (step >= i.b) d_kept[((long long)i.a * steps + step - i.b) * stride + place] += g;
          break;
        default: contribute(i, v, v[n], g, d);
      }
    }
  }
  for (int n = 0; n < count; ++n)
    if (program[n].op == UNIT) d_units[(long long)program[n].a * stride + place] = d[n];
}
