// The values of a program at all steps, and their gradients at a block of steps.

#pragma once

#include <algorithm>

#include "program.h"

namespace {

constexpr long BLOCK_ROWS = 512;  // rows that share one product with the input and one with the gradients
constexpr long GROUP_ROWS = 64;   // rows that share an instruction outside of the loop; their values stay in the cache

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

}  // namespace
