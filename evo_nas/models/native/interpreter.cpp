// Runs any recurrent cell over whole sequences: one call forward, one call back.
//
// The cell is data, a list of instructions over (rows, width) matrices, so a new cell needs no compilation.
// Every width is padded to a multiple of PAD floats; padded weights are zero, so padded columns never matter.
// Sequences are sorted by length, longest first: step i works on the first active[i] rows only, and all values of the
// others are zero. A sequence read backwards is reversed when it is packed.
// A bias is the weight of a constant input, which is column 0 of the packed input.

#include <algorithm>

#include "operations.h"

namespace {

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
