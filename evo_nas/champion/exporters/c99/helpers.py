"""The small functions of C that exported networks call; a file holds those that it needs."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class Helper(NamedTuple):
    """A function of C, and the names of the others that it calls."""

    text: str
    needs: tuple[str, ...] = ()


HELPERS: Mapping[str, Helper] = MappingProxyType(
    {
        "fill": Helper("""\
static void fill(float *out, float value, int32_t size)
{
    for (int32_t i = 0; i < size; i++) {
        out[i] = value;
    }
}"""),
        "copy": Helper("""\
static void copy(float *out, const float *in, int32_t size)
{
    for (int32_t i = 0; i < size; i++) {
        out[i] = in[i];
    }
}"""),
        "add": Helper("""\
static void add(float *out, const float *in, int32_t size)
{
    for (int32_t i = 0; i < size; i++) {
        out[i] += in[i];
    }
}"""),
        "dot": Helper("""\
static float dot(const float *a, const float *b, int32_t size)
{
    float sum = 0.0f;
    for (int32_t i = 0; i < size; i++) {
        sum += a[i] * b[i];
    }
    return sum;
}"""),
        "add_product": Helper(
            """\
/* out += matrix in, with a matrix of rows x columns, row by row */
static void add_product(float *out, const float *matrix, const float *in, int32_t rows, int32_t columns)
{
    for (int32_t row = 0; row < rows; row++) {
        out[row] += dot(matrix + row * columns, in, columns);
    }
}""",
            ("dot",),
        ),
        "sigmoid": Helper("""\
static float sigmoid(float x)
{
    return 1.0f / (1.0f + expf(-x));
}"""),
        "log_sigmoid": Helper("""\
static float log_sigmoid(float x)
{
    return fminf(x, 0.0f) - log1pf(expf(-fabsf(x)));
}"""),
        "relu": Helper("""\
static float relu(float x)
{
    return x > 0.0f ? x : 0.0f;
}"""),
        "leaky_relu": Helper("""\
static float leaky_relu(float x)
{
    return x > 0.0f ? x : 0.01f * x;
}"""),
        "softplus": Helper("""\
static float softplus(float x)
{
    return x > 20.0f ? x : log1pf(expf(x));
}"""),
        "away_from_zero": Helper("""\
static float away_from_zero(float x)
{
    return fabsf(x) >= 1e-6f ? x : x < 0.0f ? -1e-6f : 1e-6f;
}"""),
        "normalize": Helper("""\
/* to a mean of 0 and a deviation of 1 */
static void normalize(float *out, const float *in, int32_t size)
{
    float mean = 0.0f, square = 0.0f;
    for (int32_t i = 0; i < size; i++) {
        mean += in[i];
    }
    mean /= (float)size;
    for (int32_t i = 0; i < size; i++) {
        square += (in[i] - mean) * (in[i] - mean);
    }
    const float factor = 1.0f / sqrtf(square / (float)size + 1e-5f);
    for (int32_t i = 0; i < size; i++) {
        out[i] = (in[i] - mean) * factor;
    }
}"""),
        "scale_and_shift": Helper("""\
static void scale_and_shift(float *values, const float *scale, const float *shift, int32_t size)
{
    for (int32_t i = 0; i < size; i++) {
        values[i] = values[i] * scale[i] + shift[i];
    }
}"""),
        "softmax": Helper("""\
static void softmax(float *values, int32_t size)
{
    float largest = values[0], sum = 0.0f;
    for (int32_t i = 1; i < size; i++) {
        largest = fmaxf(largest, values[i]);
    }
    for (int32_t i = 0; i < size; i++) {
        values[i] = expf(values[i] - largest);
        sum += values[i];
    }
    for (int32_t i = 0; i < size; i++) {
        values[i] /= sum;
    }
}"""),
        "log_softmax": Helper("""\
static void log_softmax(float *values, int32_t size)
{
    float largest = values[0], sum = 0.0f;
    for (int32_t i = 1; i < size; i++) {
        largest = fmaxf(largest, values[i]);
    }
    for (int32_t i = 0; i < size; i++) {
        sum += expf(values[i] - largest);
    }
    const float shift = largest + logf(sum);
    for (int32_t i = 0; i < size; i++) {
        values[i] -= shift;
    }
}"""),
        "log_add": Helper("""\
/* log(exp(a) + exp(b)) */
static float log_add(float a, float b)
{
    const float larger = fmaxf(a, b), smaller = fminf(a, b);
    return larger + log1pf(expf(smaller - larger));
}"""),
        "ascend": Helper("""\
/* sorts few values */
static void ascend(float *values, int32_t size)
{
    for (int32_t i = 1; i < size; i++) {
        const float value = values[i];
        int32_t at = i;
        while (at > 0 && values[at - 1] > value) {
            values[at] = values[at - 1];
            at--;
        }
        values[at] = value;
    }
}"""),
        "hashed_run": Helper("""\
/* The row of a run of `count` tokens, each one more than its id; 0 if one is missing. */
static int32_t hashed_run(const int32_t *tokens, int32_t count, int32_t rows)
{
    const int64_t prime = 2147483647, factor = 1103515245, mixer = 48271;
    int64_t hash = tokens[0];
    for (int32_t i = 0; i < count; i++) {
        if (tokens[i] == 0) {
            return 0;
        }
        if (i > 0) {
            hash = (hash * factor + tokens[i]) % prime;
        }
    }
    const int64_t mixed = ((hash ^ (hash >> 15)) * mixer + count * factor) % prime;
    return (int32_t)(1 + mixed % (rows - 1));
}"""),
        "remember_token": Helper("""\
static void remember_token(int32_t *tokens, int32_t count, int32_t id)
{
    for (int32_t i = 0; i + 1 < count; i++) {
        tokens[i] = tokens[i + 1];
    }
    tokens[count - 1] = id + 1;
}"""),
    }
)
"""Every helper by name, each after those that it needs."""
