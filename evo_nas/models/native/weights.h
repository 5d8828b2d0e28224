// The weights of a program in the order in which the products read them, and their gradients.

#pragma once

#include <algorithm>

#include "program.h"

namespace {

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

}  // namespace
