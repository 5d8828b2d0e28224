// The instructions: each has a line in run and one, or several, in run_back.

#pragma once

#include "values.h"
#include "weights.h"

namespace {

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

}  // namespace
