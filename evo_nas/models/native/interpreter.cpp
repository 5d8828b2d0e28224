// Runs any recurrent cell over whole sequences: one call forward, one call back.
//
// The cell is data, a list of instructions over (rows, width) matrices, so a new cell needs no compilation.
// Every width is padded to a multiple of PAD floats; padded weights are zero, so padded columns never matter.
// Sequences are sorted by length, longest first: step i works on the first active[i] rows only, and all values of the
// others are zero. A sequence read backwards is reversed when it is packed.
// A bias is the weight of a constant input, which is column 0 of the packed input.

#include <algorithm>

#include "kernels.h"

namespace {

constexpr long BLOCK_ROWS = 512;  // rows that share one product with the input and one with the gradients
constexpr long GROUP_ROWS = 64;   // rows that share an instruction outside of the loop; their values stay in the cache

// ---- what Python hands over ----

#ifndef OP_NUMBERS
#error "OP_NUMBERS is not defined; build.py takes the numbers of the operations from genome/ops.py"
#endif
enum Op : int32_t { OP_NUMBERS };  // OP_LINEAR = 0, ...
enum Kind : int32_t { BEFORE, AFTER, LINEAR, BUFFER, UNIT, PAST };

struct Place {
  int32_t kind, index;
};

struct Operand {
  Place place;
  int32_t gradient_accumulates;
};

struct Instruction {
  int32_t op, accumulates;
  float scale;
  int32_t count, first_part;  // linear nodes that OP_LINEAR serves; where they begin in Program::part_columns
  Place target;
  Operand operands[3];
};

struct Linear {
  int32_t columns;   // of its weight
  int32_t x_column;  // where those for x begin, if it reads x
};

struct Earlier {
  int32_t state, ago;  // 1 step ago is before this step
};

struct Program {
  // history: steps before the one before the first whose states must be there
  int32_t inputs, width, states, buffers, linears, reads_x, has_bias, units, history, carried;
  // The instructions of a step begin with those that need no state; those of the loop over the steps come next, and
  // those that no later step needs are last.
  int32_t prologue, loop, instructions, parts;
  const Linear* linear;
  const Instruction* code;
  const int32_t* part_columns;  // where the columns of each part begin in the weight of its linear node
  const Earlier *carry, *delays;  // what is carried from piece to piece; the places of the kind PAST
};

struct Sequences {
  int64_t rows, steps;
  int32_t reversed;
  const int32_t *order, *lengths, *active;  // row -> sequence, row -> steps, step -> rows
};

// Weights of the linear nodes, then their biases, null for none, then the weights a unit.
using Parameters = float* const*;

class Arena {  // hands out pieces of one allocation; without one it only measures
 public:
  explicit Arena(float* base) : base_(base) {}

  float* take(long floats) {
    float* piece = base_ ? base_ + used_ : nullptr;
    used_ += padded(floats) + PAD;  // keeps pieces from starting at the same offset of different pages
    return piece;
  }
  long used() const { return used_; }

 private:
  float* base_;
  long used_ = 0;
};

// ---- weights in the order of the products ----

struct Sizes {
  long width, inputs, linears;  // padded; columns of all linear nodes together

  explicit Sizes(const Program& p)
      : width(padded(p.width)), inputs(padded(1 + p.inputs)), linears(p.linears * width) {}

  // Rows a multiple of half a page apart would compete for the same lines of the cache.
  long linears_stride() const { return linears + ((linears + PAD) % 512 ? PAD : 2 * PAD); }
};

// The linear nodes in groups of the same depth of the packed input: constant and x, constant, nothing.
template <class Function>
void for_each_depth(const Program& p, Function function) {
  const long width = padded(p.width);
  const auto visit = [&](long first, long last, long depth) {
    if (last > first) function(first * width, (last - first) * width, depth);
  };
  visit(0, p.reads_x, 1 + p.inputs);
  visit(p.reads_x, p.has_bias, 1);
  visit(p.has_bias, p.linears, 0);
}

// Visits each row of each block of weights that one operand has in one linear node.
template <class Function>
void for_each_part_row(const Program& p, Parameters parameters, Function function) {
  for (const Instruction* i = p.code; i < p.code + p.instructions; ++i)
    for (long n = 0; i->op == OP_LINEAR && n < i->count; ++n) {
      const long node = i->target.index + n, columns = p.linear[node].columns;
      float* weight = parameters[node] + p.part_columns[i->first_part + n];
      for (long row = 0; row < p.width; ++row) function(*i, n, row, weight + row * columns);
    }
}

template <class Function>
void for_each_input_row(const Program& p, Parameters parameters, Function function) {
  const long width = padded(p.width);
  for (long node = 0; node < p.linears; ++node) {
    float* bias = parameters[p.linears + node];
    float* weight = node < p.reads_x ? parameters[node] + p.linear[node].x_column : nullptr;
    for (long row = 0; row < p.width; ++row)
      function(node * width + row, bias ? bias + row : nullptr,
               weight ? weight + row * p.linear[node].columns : nullptr);
  }
}

// Weights in the order in which the products read them: strips of PAD columns, each (depth, PAD).
class Weights {
 public:
  // Forward the depth is that of a linear node's operand; on the way back it is the linear nodes' columns.
  Weights(Arena& arena, const Program& p, bool is_forward)
      : sizes_(p),
        floats_(p.parts * sizes_.width * sizes_.width),
        input_floats_(sizes_.linears * sizes_.inputs),
        recurrent_(arena.take(floats_)),
        input_(arena.take(input_floats_)),
        is_forward_(is_forward) {}

  Strips input() const { return strips(input_, is_forward_ ? sizes_.inputs : sizes_.linears); }

  Strips of(const Instruction& i) const {
    return strips(recurrent_ + i.first_part * sizes_.width * sizes_.width,
                  is_forward_ ? sizes_.width : i.count * sizes_.width);
  }

  void gather(const Program& p, Parameters from) const {
    std::fill_n(recurrent_, floats_, 0.0f);
    std::fill_n(input_, input_floats_, 0.0f);
    for_each_part_row(p, from, [&](const Instruction& i, long n, long row, const float* weight) {
      const long column = n * sizes_.width + row;
      for (long k = 0; k < p.width; ++k) at(of(i), k, column) = weight[k];
    });
    for_each_input_row(p, from, [&](long column, const float* bias, const float* weight) {
      if (bias) at(input(), 0, column) = *bias;
      for (long k = 0; weight && k < p.inputs; ++k) at(input(), 1 + k, column) = weight[k];
    });
  }

 private:
  static Strips strips(float* data, long depth) { return {data, PAD, depth * PAD}; }

  // The weight by which a unit of an operand enters a column of the linear nodes.
  float& at(Strips packed, long unit, long column) const {
    return is_forward_ ? packed.column(column)[unit * PAD] : packed.column(unit)[column * PAD];
  }

  Sizes sizes_;
  long floats_, input_floats_;
  float *recurrent_, *input_;
  bool is_forward_;
};

class WeightGradients {  // (columns of the linear nodes, units of the operand)
 public:
  WeightGradients(Arena& arena, const Program& p)
      : sizes_(p),
        floats_(p.parts * sizes_.width * sizes_.width),
        recurrent_(arena.take(floats_)),
        input_(arena.take(sizes_.linears * sizes_.inputs)) {}

  Matrix input() const { return {input_, sizes_.inputs}; }
  Matrix of(const Instruction& i) const {
    return {recurrent_ + i.first_part * sizes_.width * sizes_.width, sizes_.width};
  }

  void clear() const {
    std::fill_n(recurrent_, floats_, 0.0f);
    std::fill_n(input_, sizes_.linears * sizes_.inputs, 0.0f);
  }

  // Writes these to the parameters' gradients.
  void scatter(const Program& p, Parameters to) const {
    for_each_part_row(p, to, [&](const Instruction& i, long n, long row, float* weight) {
      std::copy_n(of(i).at(n * sizes_.width + row).data, p.width, weight);
    });
    for_each_input_row(p, to, [&](long column, float* bias, float* weight) {
      const float* packed = input().at(column).data;
      if (bias) *bias = packed[0];
      if (weight) std::copy_n(packed + 1, p.inputs, weight);
    });
  }

 private:
  Sizes sizes_;
  long floats_;
  float *recurrent_, *input_;
};

// ---- values of all steps ----

// Whether every step's values are kept for the gradients or only what the next step needs.
enum Keep : int32_t { LATEST, ALL };

long steps_per_block(const Sequences& s) {
  return std::max<long>(1, std::min<long>(s.steps, BLOCK_ROWS / std::max<long>(1, s.rows)));
}

// Steps of a block that share the instructions outside of the loop.
long steps_per_group(const Sequences& s) {
  return std::max<long>(1, std::min<long>(steps_per_block(s), GROUP_ROWS / std::max<long>(1, s.rows)));
}

class Values {
 public:
  Values(Arena& arena, const Program& p, const Sequences& s, Keep keep)
      : sizes_(p),
        rows_(s.rows),
        steps_(s.steps),
        keep_(keep),
        input_{arena.take(s.steps * s.rows * sizes_.inputs), sizes_.inputs},
        linears_{arena.take((keep == ALL ? s.steps : steps_per_block(s)) * s.rows * sizes_.linears_stride()),
                 sizes_.linears_stride()},
        delays_(p.delays),
        history_(p.history),
        state_floats_((p.history + s.steps + 1) * s.rows * sizes_.width + PAD),
        buffer_floats_((keep == ALL ? s.steps : steps_per_block(s)) * s.rows * sizes_.width + PAD),
        states_(arena.take(p.states * state_floats_)),
        buffers_(arena.take(p.buffers * buffer_floats_)),
        units_(arena.take(p.units * sizes_.width)) {}

  Matrix input(long step) const { return input_.at(step * rows_); }
  Matrix state(long index, long step) const {  // before the step, which may be one of the history before the first
    return {states_ + index * state_floats_ + (history_ + step) * rows_ * sizes_.width, sizes_.width};
  }
  Matrix linears(long step) const { return linears_.at(kept(step) * rows_); }
  Matrix buffer(long index, long step) const {
    return {buffers_ + index * buffer_floats_ + kept(step) * rows_ * sizes_.width, sizes_.width};
  }
  // The same row for every sequence and step: the stride is zero.
  Matrix unit(long index) const { return {units_ + index * sizes_.width, 0}; }
  Matrix of(Place place, long step) const {
    switch (place.kind) {
      case BEFORE: return state(place.index, step);
      case AFTER: return state(place.index, step + 1);
      case LINEAR: return linears(step).at(0, place.index * sizes_.width);
      case UNIT: return unit(place.index);
      case PAST: return state(delays_[place.index].state, step + 1 - delays_[place.index].ago);
      default: return buffer(place.index, step);
    }
  }
  void begin_block(long step) { first_ = step; }

 private:
  long kept(long step) const { return keep_ == ALL ? step : step - first_; }

  Sizes sizes_;
  long rows_, steps_;
  Keep keep_;
  Matrix input_, linears_;
  const Earlier* delays_;
  long history_;
  long state_floats_, buffer_floats_;
  float *states_, *buffers_, *units_;
  long first_ = 0;
};

void clear(Matrix m, long first_row, long last_row, long columns) {
  for (long row = first_row; row < last_row; ++row) std::fill_n(m.at(row).data, columns, 0.0f);
}

// ---- forward ----

long time_of(const Sequences& s, long row, long step) { return s.reversed ? s.lengths[row] - 1 - step : step; }

void pack_input(const Program& p, const Sequences& s, const float* x, const Values& values) {
  for (long step = 0; step < s.steps; ++step) {
    const Matrix packed = values.input(step);
    for (long row = 0; row < s.rows; ++row) {
      float* to = packed.at(row).data;
      std::fill_n(to, packed.stride, 0.0f);
      if (row >= s.active[step]) continue;
      to[0] = 1.0f;
      std::copy_n(x + (s.order[row] * s.steps + time_of(s, row, step)) * p.inputs, p.inputs, to + 1);
    }
  }
}

void pack_units(const Program& p, Parameters parameters, const Values& values) {
  for (long unit = 0; unit < p.units; ++unit) {
    float* packed = values.unit(unit).data;
    std::fill(std::copy_n(parameters[2 * p.linears + unit], p.width, packed), packed + padded(p.width), 0.0f);
  }
}

// Fills where(earlier, row) of all that is carried from states (carried, rows, width); null states are zero.
template <class Where>
void pack_states(const Program& p, const Sequences& s, const float* states, Where where) {
  for (long n = 0; n < p.carried; ++n)
    for (long row = 0; row < s.rows; ++row) {
      float* packed = where(p.carry[n], row);
      std::fill_n(packed, padded(p.width), 0.0f);
      if (states) std::copy_n(states + (n * s.rows + s.order[row]) * p.width, p.width, packed);
    }
}

template <class Where>
void unpack_states(const Program& p, const Sequences& s, float* states, Where where) {
  for (long n = 0; n < p.carried; ++n)
    for (long row = 0; row < s.rows; ++row)
      std::copy_n(where(p.carry[n], row), p.width, states + (n * s.rows + s.order[row]) * p.width);
}

void unpack_outputs(const Program& p, const Sequences& s, const Values& values, float* outputs) {
  for (long row = 0; row < s.rows; ++row) {
    float* sequence = outputs + s.order[row] * s.steps * p.width;
    for (long step = 0; step < s.lengths[row]; ++step)
      std::copy_n(values.state(0, step + 1).at(row).data, p.width, sequence + time_of(s, row, step) * p.width);
    std::fill(sequence + s.lengths[row] * long(p.width), sequence + s.steps * long(p.width), 0.0f);
  }
}

void run(const Instruction& i, const Values& values, const Weights& weights, long step, long rows, long width) {
  const auto operand = [&](int n) { return values.of(i.operands[n].place, step); };
  const auto write = [&](auto function, auto... inputs) {
    give(rows, width, values.of(i.target, step), i.accumulates, function, inputs...);
  };
  switch (i.op) {
    case OP_LINEAR:
      return multiply(rows, i.count * width, width, operand(0), weights.of(i), values.of(i.target, step), true);
    case OP_ADD: return write([s = i.scale](Vec a) { return s * a; }, operand(0));
    case OP_MUL: return write([](Vec a, Vec b) { return a * b; }, operand(0), operand(1));
    case OP_BLEND:
      return write([](Vec z, Vec a, Vec b) { return b + z * (a - b); }, operand(0), operand(1), operand(2));
    case OP_TANH: return write(tangent, operand(0));
    case OP_SIGMOID: return write(sigmoid, operand(0));
    case OP_RELU: return write([](Vec a) { return a < 0.0f ? Vec{} : a; }, operand(0));
    case OP_LEAKY_RELU: return write([](Vec a) { return a < 0.0f ? 0.01f * a : a; }, operand(0));
    case OP_EXP: return write([](Vec a) { return exponential(clamp(a, -87.0f, LARGEST_EXPONENT)); }, operand(0));
    case OP_SOFTPLUS: return write(softplus, operand(0));
    case OP_SUBTRACT: return write([](Vec a, Vec b) { return a - b; }, operand(0), operand(1));
    case OP_ONE_MINUS: return write([](Vec a) { return 1.0f - a; }, operand(0));
    case OP_SILU: return write(silu, operand(0));
    case OP_MAX: return write(maximum, operand(0), operand(1));
    case OP_DIVIDE: return write([](Vec a, Vec b) { return a / away_from_zero(b); }, operand(0), operand(1));
    case OP_SQRT: return write(root, operand(0));
  }
}

// The instructions of a step in three parts.
struct Phases {
  const Instruction *code, *loop, *epilogue, *end;

  explicit Phases(const Program& p)
      : code(p.code), loop(code + p.prologue), epilogue(loop + p.loop), end(code + p.instructions) {}
};

// Sets to zero what the instructions make of sequences that have ended, so that it stays finite.
void clear_ended_rows(const Program& p, const Sequences& s, const Values& values, long step) {
  const long first = s.active[step], width = padded(p.width);
  if (first == s.rows) return;
  for (long state = 0; state < p.states; ++state) clear(values.state(state, step + 1), first, s.rows, width);
  for (long index = 0; index < p.buffers; ++index) clear(values.buffer(index, step), first, s.rows, width);
  clear(values.linears(step), first, s.rows, p.linears * width);
}

// Keeps the columns of new states that only fill vectors from growing step by step: infinity times a weight of zero is
// not a number.
void clear_padding(const Program& p, const Values& values, long step, long rows) {
  const long padding = padded(p.width) - p.width;
  for (long state = 0; padding && state < p.states; ++state)
    clear(values.state(state, step + 1).at(0, p.width), 0, rows, padding);
}

void forward_group(const Program& p, const Sequences& s, const Weights& weights, const Values& values, long first,
                   long end) {
  const long rows = (end - first) * s.rows, width = padded(p.width);
  const Phases phases(p);
  for (const Instruction* i = phases.code; i < phases.loop; ++i) run(*i, values, weights, first, rows, width);
  for (long step = first; step < end; ++step) {
    for (const Instruction* i = phases.loop; i < phases.epilogue; ++i)
      run(*i, values, weights, step, s.active[step], width);
    clear_padding(p, values, step, s.active[step]);
    clear_ended_rows(p, s, values, step);
  }
  if (phases.epilogue == phases.end) return;
  for (const Instruction* i = phases.epilogue; i < phases.end; ++i) run(*i, values, weights, first, rows, width);
  for (long step = first; step < end; ++step) clear_ended_rows(p, s, values, step);
}

void forward(const Program& p, const Sequences& s, const Weights& weights, Values& values) {
  const long block = steps_per_block(s), group = steps_per_group(s);
  for (long first = 0; first < s.steps; first += block) {
    const long end = std::min<long>(first + block, s.steps);
    values.begin_block(first);
    for_each_depth(p, [&](long column, long columns, long depth) {
      multiply((end - first) * s.rows, columns, depth, values.input(first), weights.input().from_column(column),
               values.linears(first).at(0, column), false);
    });
    for (long step = first; step < end; step += group)
      forward_group(p, s, weights, values, step, std::min(step + group, end));
  }
}

// ---- backward ----

// Gradients of the values of a block of steps, and of the states that its first steps read.
class Gradients {
 public:
  Gradients(Arena& arena, const Program& p, const Sequences& s)
      : sizes_(p),
        rows_(s.rows),
        block_(steps_per_block(s)),
        states_count_(p.states),
        history_(p.history),
        delays_(p.delays),
        // Without instructions outside of the loop, one step's place is used again and stays in the cache.
        group_(p.loop < p.instructions ? steps_per_group(s) : 1),
        state_floats_((p.history + block_ + 1) * rows_ * sizes_.width + PAD),
        buffer_floats_(group_ * rows_ * sizes_.width + PAD),
        unit_floats_(group_ * rows_ * sizes_.width + PAD),
        states_(arena.take(p.states * state_floats_)),
        buffers_(arena.take(p.buffers * buffer_floats_)),
        units_(arena.take(p.units * unit_floats_)),
        linears_{arena.take(block_ * rows_ * sizes_.linears_stride()), sizes_.linears_stride()} {
    if (!states_) return;
    std::fill_n(states_, p.states * state_floats_, 0.0f);
    std::fill_n(units_, p.units * unit_floats_, 0.0f);
  }

  Matrix linears(long step) const { return linears_.at((step - first_) * rows_); }
  Matrix state(long index, long step) const {  // before the step
    return {states_ + index * state_floats_ + (step - first_ + history_) * rows_ * sizes_.width, sizes_.width};
  }
  Matrix buffer(long index, long step) const {
    return {buffers_ + index * buffer_floats_ + (step - first_) % group_ * rows_ * sizes_.width, sizes_.width};
  }
  Matrix unit(long index) const { return {units_ + index * unit_floats_, sizes_.width}; }  // a sum for each row
  long unit_rows() const { return group_ * rows_; }
  Matrix of(Place place, long step) const {
    switch (place.kind) {
      case BEFORE: return state(place.index, step);
      case AFTER: return state(place.index, step + 1);
      case LINEAR: return linears(step).at(0, place.index * sizes_.width);
      case UNIT: return unit(place.index);
      case PAST: return state(delays_[place.index].state, step + 1 - delays_[place.index].ago);
      default: return buffer(place.index, step);
    }
  }

  void begin_last_block(long first) { first_ = first; }

  // Keeps what the steps of the block contributed to earlier states, and makes room for those before them.
  void begin_block_before() {
    const long kept = (history_ + 1) * rows_ * sizes_.width, moved = block_ * rows_ * sizes_.width;
    for (long index = 0; index < states_count_; ++index) {
      float* states = states_ + index * state_floats_;
      std::copy_backward(states, states + kept, states + kept + moved);
      std::fill_n(states, moved, 0.0f);
    }
    first_ -= block_;
  }

 private:
  Sizes sizes_;
  long rows_, block_, states_count_, history_;
  const Earlier* delays_;
  long group_;
  long state_floats_, buffer_floats_, unit_floats_;
  float *states_, *buffers_, *units_;
  Matrix linears_;
  long first_ = 0;
};

void run_back(const Instruction& i, const Values& values, const Gradients& gradients, const Weights& weights,
              long step, long rows, long width) {
  const Matrix result = values.of(i.target, step), gradient = gradients.of(i.target, step);
  const auto operand = [&](int n) { return values.of(i.operands[n].place, step); };
  const auto write = [&](int n, auto function, auto... inputs) {
    const Operand& o = i.operands[n];
    give(rows, width, gradients.of(o.place, step), o.gradient_accumulates, function, inputs...);
  };
  const auto product = [](Vec g, Vec a) { return g * a; };
  switch (i.op) {
    case OP_LINEAR:
      return multiply(rows, width, i.count * width, gradient, weights.of(i),
                      gradients.of(i.operands[0].place, step), i.operands[0].gradient_accumulates);
    case OP_ADD: return write(0, [s = i.scale](Vec g) { return s * g; }, gradient);
    case OP_MUL:
      write(0, product, gradient, operand(1));
      return write(1, product, gradient, operand(0));
    case OP_BLEND:
      write(0, [](Vec g, Vec a, Vec b) { return g * (a - b); }, gradient, operand(1), operand(2));
      write(1, product, gradient, operand(0));
      return write(2, [](Vec g, Vec z) { return g - g * z; }, gradient, operand(0));
    case OP_TANH: return write(0, [](Vec g, Vec y) { return g - g * y * y; }, gradient, result);
    case OP_SIGMOID: return write(0, [](Vec g, Vec y) { return g * (y - y * y); }, gradient, result);
    case OP_RELU: return write(0, [](Vec g, Vec y) { return y <= 0.0f ? Vec{} : g; }, gradient, result);
    case OP_LEAKY_RELU: return write(0, [](Vec g, Vec y) { return y <= 0.0f ? 0.01f * g : g; }, gradient, result);
    case OP_EXP:
      return write(0, [](Vec g, Vec y, Vec a) { return a > LARGEST_EXPONENT ? Vec{} : g * y; }, gradient, result,
                   operand(0));
    case OP_SOFTPLUS: return write(0, [](Vec g, Vec a) { return g * sigmoid(a); }, gradient, operand(0));
    case OP_SUBTRACT:
      write(0, [](Vec g) { return g; }, gradient);
      return write(1, [](Vec g) { return -g; }, gradient);
    case OP_ONE_MINUS: return write(0, [](Vec g) { return -g; }, gradient);
    case OP_SILU:
      return write(0, [](Vec g, Vec y, Vec a) { const Vec s = sigmoid(a); return g * (s + y * (1.0f - s)); },
                   gradient, result, operand(0));
    case OP_MAX:
      write(0, [](Vec g, Vec a, Vec b) { return g * share_of_maximum(a, b); }, gradient, operand(0), operand(1));
      return write(1, [](Vec g, Vec a, Vec b) { return g * share_of_maximum(b, a); }, gradient, operand(0), operand(1));
    case OP_DIVIDE:
      write(0, [](Vec g, Vec b) { return g / away_from_zero(b); }, gradient, operand(1));
      return write(1, [](Vec g, Vec y, Vec b) {
        return ((b < GUARD) & (b > -GUARD)) ? Vec{} : -g * y / b;
      }, gradient, result, operand(1));
    case OP_SQRT:
      return write(0, [](Vec g, Vec a) { return a < GUARD ? Vec{} : 0.5f * g / root(a); }, gradient, operand(0));
  }
}

void add(long columns, const float* from, float* to) {
  for (long i = 0; i < columns; ++i) to[i] += from[i];
}

// Begins a block: adds the gradients of the outputs after its steps.
void add_output_gradients(const Program& p, const Sequences& s, const float* d_outputs, const Gradients& gradients,
                          long first, long steps) {
  for (long step = first; d_outputs && step < first + steps; ++step)
    for (long row = 0; row < s.active[step]; ++row)
      add(p.width, d_outputs + (s.order[row] * s.steps + time_of(s, row, step)) * p.width,
          gradients.state(0, step + 1).at(row).data);
}

// Adds the gradients of the final states that are states before steps from first to last.
void add_final_gradients(const Program& p, const Sequences& s, const float* d_final, const Gradients& gradients,
                         long first, long last) {
  for (long n = 0; d_final && n < p.carried; ++n)
    for (long row = 0; row < s.rows; ++row) {
      const long step = s.lengths[row] + 1 - p.carry[n].ago;
      if (step < first || step > last) continue;
      add(p.width, d_final + (n * s.rows + s.order[row]) * p.width,
          gradients.state(p.carry[n].state, step).at(row).data);
    }
}

void clear_ended_gradients(const Program& p, const Sequences& s, const Gradients& gradients, long step) {
  const long first = s.active[step], width = padded(p.width);
  if (first == s.rows) return;
  for (long index = 0; index < p.buffers; ++index) clear(gradients.buffer(index, step), first, s.rows, width);
  clear(gradients.linears(step), first, s.rows, p.linears * width);
}

void backward_group(const Program& p, const Sequences& s, const Values& values, const Gradients& gradients,
                    const Weights& weights, long first, long end) {
  const long rows = (end - first) * s.rows, width = padded(p.width);
  const Phases phases(p);
  for (const Instruction* i = phases.end; i-- > phases.epilogue;)
    run_back(*i, values, gradients, weights, first, rows, width);
  for (long step = end; step-- > first;) {
    for (const Instruction* i = phases.epilogue; i-- > phases.loop;)
      run_back(*i, values, gradients, weights, step, s.active[step], width);
    clear_ended_gradients(p, s, gradients, step);
  }
  for (const Instruction* i = phases.loop; i-- > phases.code;)
    run_back(*i, values, gradients, weights, first, rows, width);
}

void backward_block(const Program& p, const Sequences& s, const Values& values, const Gradients& gradients,
                    const Weights& weights, long first, long steps) {
  const long group = steps_per_group(s), groups = (steps + group - 1) / group;
  for (long step = first + (groups - 1) * group; step >= first; step -= group)
    backward_group(p, s, values, gradients, weights, step, std::min(step + group, first + steps));
}

void add_weight_gradients(const Program& p, const Sequences& s, const Values& values, const Gradients& gradients,
                          const WeightGradients& d_weights, long step, long steps) {
  const Sizes sizes(p);
  const Matrix d_linears = gradients.linears(step);
  for_each_depth(p, [&](long first, long columns, long depth) {
    if (depth)
      multiply(columns, padded(depth), steps * s.rows, transposed(d_linears.at(0, first)), values.input(step),
               d_weights.input().at(first), true);
  });
  for (const Instruction* i = p.code; i < p.code + p.instructions; ++i)
    if (i->op == OP_LINEAR)
      multiply(i->count * sizes.width, sizes.width, steps * s.rows,
               transposed(d_linears.at(0, i->target.index * sizes.width)), values.of(i->operands[0].place, step),
               d_weights.of(*i), true);
}

void unpack_unit_gradients(const Program& p, const Gradients& gradients, Parameters to) {
  for (long unit = 0; unit < p.units; ++unit) {
    const Matrix sums = gradients.unit(unit);
    float* total = to[2 * p.linears + unit];
    std::fill_n(total, p.width, 0.0f);
    for (long row = 0; row < gradients.unit_rows(); ++row) add(p.width, sums.at(row).data, total);
  }
}

void unpack_input_gradients(const Program& p, const Sequences& s, Matrix packed, float* d_x, long step, long steps) {
  for (long end = step + steps; step < end; ++step, packed = packed.at(s.rows))
    for (long row = 0; row < s.rows; ++row) {
      const bool active = row < s.active[step];
      float* to = d_x + (s.order[row] * s.steps + (active ? time_of(s, row, step) : step)) * p.inputs;
      if (active)
        std::copy_n(packed.at(row).data + 1, p.inputs, to);
      else
        std::fill_n(to, p.inputs, 0.0f);
    }
}

}  // namespace

// ---- the functions that Python calls ----
// Shapes: x (rows, steps, inputs), outputs (rows, steps, width), initial and final states (carried, rows, width).
// Null stands for initial states of zero, for a gradient of zero, and for a gradient that nobody needs.

extern "C" {

int64_t forward_floats(const Program* p, const Sequences* s, int32_t keep) {
  Arena arena(nullptr);
  Values(arena, *p, *s, Keep(keep));
  Weights(arena, *p, true);
  return arena.used();
}

int64_t backward_floats(const Program* p, const Sequences* s) {
  Arena arena(nullptr);
  Gradients(arena, *p, *s);
  Weights(arena, *p, false);
  WeightGradients(arena, *p);
  arena.take(steps_per_block(*s) * s->rows * Sizes(*p).inputs);
  return arena.used();
}

void forward_pass(const Program* p, const Sequences* s, Parameters parameters, const float* x,
                  const float* initial, int32_t keep, float* saved, float* outputs, float* final) {
  Arena arena(saved);
  Values values(arena, *p, *s, Keep(keep));
  const Weights weights(arena, *p, true);
  weights.gather(*p, parameters);
  pack_units(*p, parameters, values);
  pack_input(*p, *s, x, values);
  pack_states(*p, *s, initial, [&](Earlier e, long row) { return values.state(e.state, 1 - e.ago).at(row).data; });
  forward(*p, *s, weights, values);
  unpack_outputs(*p, *s, values, outputs);
  unpack_states(*p, *s, final, [&](Earlier e, long row) {
    return values.state(e.state, s->lengths[row] + 1 - e.ago).at(row).data;
  });
}

void backward_pass(const Program* p, const Sequences* s, Parameters parameters, float* saved, float* scratch,
                   const float* d_outputs, const float* d_final, float* d_x, float* d_initial,
                   Parameters d_parameters) {
  Arena kept(saved), arena(scratch);
  const Values values(kept, *p, *s, ALL);
  Gradients gradients(arena, *p, *s);
  const Weights weights(arena, *p, false);
  const WeightGradients d_weights(arena, *p);
  const Sizes sizes(*p);
  const Matrix d_input{arena.take(steps_per_block(*s) * s->rows * sizes.inputs), sizes.inputs};
  weights.gather(*p, parameters);
  d_weights.clear();
  const long block = steps_per_block(*s), last = std::max<long>(0, (s->steps - 1) / block * block);
  gradients.begin_last_block(last);
  add_final_gradients(*p, *s, d_final, gradients, last - p->history, s->steps);
  for (long first = last; first >= 0; first -= block) {
    const long steps = std::min<long>(block, s->steps - first);
    if (first < last) {
      gradients.begin_block_before();
      add_final_gradients(*p, *s, d_final, gradients, first - p->history, first - p->history + block - 1);
    }
    add_output_gradients(*p, *s, d_outputs, gradients, first, steps);
    backward_block(*p, *s, values, gradients, weights, first, steps);
    add_weight_gradients(*p, *s, values, gradients, d_weights, first, steps);
    if (!d_x) continue;
    multiply(steps * s->rows, sizes.inputs, p->reads_x * sizes.width, gradients.linears(first), weights.input(),
             d_input, false);
    unpack_input_gradients(*p, *s, d_input, d_x, first, steps);
  }
  d_weights.scatter(*p, d_parameters);
  unpack_unit_gradients(*p, gradients, d_parameters);
  if (d_initial)
    unpack_states(*p, *s, d_initial, [&](Earlier e, long row) {
      return gradients.state(e.state, 1 - e.ago).at(row).data;
    });
}
}
