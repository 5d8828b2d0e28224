// What Python hands over: the program of a cell and a batch of sequences.
// The structures are those of binding.py.

#pragma once

#include "kernels.h"

namespace {

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

struct Sizes {
  long width, inputs, linears;  // padded; columns of all linear nodes together

  explicit Sizes(const Program& p)
      : width(padded(p.width)), inputs(padded(1 + p.inputs)), linears(p.linears * width) {}

  // Rows a multiple of half a page apart would compete for the same lines of the cache.
  long linears_stride() const { return linears + ((linears + PAD) % 512 ? PAD : 2 * PAD); }
};

// The instructions of a step in three parts.
struct Phases {
  const Instruction *code, *loop, *epilogue, *end;

  explicit Phases(const Program& p)
      : code(p.code), loop(code + p.prologue), epilogue(loop + p.loop), end(code + p.instructions) {}
};

}  // namespace
