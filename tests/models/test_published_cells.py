"""Named cells against the equations of their papers, written once more in torch, in outputs and all gradients."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor, sigmoid, tanh
from torch.nn import functional

from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.genome.ops import Op
from evo_nas.models.eager import EagerRecurrence

INPUTS, WIDTH, BATCH, STEPS = 3, 4, 2, 7
Sequence = Callable[[Tensor, Iterator], Tensor]
Step = Callable[..., tuple[Tensor, ...]]


class Affine:
    """A linear node as a function of its inputs."""

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        self._weight, self._bias = weight, bias

    def __call__(self, *values: Tensor) -> Tensor:
        return functional.linear(torch.cat(values, dim=-1), self._weight, self._bias)


def parameters_of(recurrence: EagerRecurrence) -> Iterator[Affine | Tensor]:
    """Yields the parameters in the order of the nodes: functions of linear nodes, and vectors of the others."""
    for index, node in enumerate(recurrence.cell.nodes):
        if node.op is Op.LINEAR:
            linear = recurrence.linear(index, "")
            yield Affine(linear.weight, linear.bias)
        elif node.op.row.unit_weight is not None:
            yield recurrence.get_parameter(f"weight_{index}")


def stepwise(states: int) -> Callable[[Callable[[Iterator], Step]], Sequence]:
    """Makes a function of a sequence of one that takes the parameters and returns a step; the first state is shown."""

    def decorate(build: Callable[[Iterator], Step]) -> Sequence:
        def run(x: Tensor, given: Iterator) -> Tensor:
            step, state, shown = build(given), (x.new_zeros(len(x), WIDTH),) * states, []
            for x_now in x.unbind(1):
                state = step(x_now, *state)
                shown.append(state[0])
            return torch.stack(shown, dim=1)

        return run

    return decorate


def take(given: Iterator, count: int) -> list:
    return [next(given) for _ in range(count)]


@stepwise(1)
def indrnn(given):
    seen, u = take(given, 2)
    return lambda x, h: (torch.relu(seen(x) + u * h),)


@stepwise(1)
def brc(given):
    for_a, w_a, for_c, w_c, seen = take(given, 5)

    def step(x, h):
        a = 1 + tanh(-(for_a(x) + w_a * h))  # the sign of the weights does not matter
        c = sigmoid(for_c(x) + w_c * h)
        return (c * h + (1 - c) * tanh(seen(x) + a * h),)

    return step


@stepwise(1)
def nbrc(given):
    for_a, for_c, seen = take(given, 3)

    def step(x, h):
        a, c = 1 + tanh(-for_a(x, h)), sigmoid(for_c(x, h))
        return (c * h + (1 - c) * tanh(seen(x) + a * h),)

    return step


@stepwise(1)
def gilr(given):
    gate, seen = take(given, 2)
    return lambda x, h: (sigmoid(gate(x)) * h + (1 - sigmoid(gate(x))) * tanh(seen(x)),)


@stepwise(1)
def minlstm(given):
    forget, write, seen = take(given, 3)

    def step(x, h):
        f, i = sigmoid(forget(x)), sigmoid(write(x))
        return (f / (f + i) * h + i / (f + i) * seen(x),)

    return step


@stepwise(2)
def sru(given):
    forget, v_f, seen, reset, v_r, highway = take(given, 6)

    def step(x, _, c):
        f, r = sigmoid(forget(x) + v_f * c), sigmoid(reset(x) + v_r * c)
        new = f * c + (1 - f) * seen(x)
        return r * new + (1 - r) * highway(x), new

    return step


@stepwise(2)
def qrnn(given):
    forget, seen, show = take(given, 3)

    def step(x, _, c):
        new = sigmoid(forget(x)) * c + (1 - sigmoid(forget(x))) * tanh(seen(x))
        return sigmoid(show(x)) * new, new

    return step


@stepwise(1)
def hgrn(given):
    bound, gate, seen = take(given, 3)

    def step(x, h):
        f = sigmoid(bound) + (1 - sigmoid(bound)) * sigmoid(gate(x))
        return (f * h + (1 - f) * functional.silu(seen(x)),)

    return step


def lru(x, given):
    """In complex numbers, each state as the sum of all inputs so far."""
    nu, across, up, real, imaginary, out = take(given, 6)
    eigenvalues = torch.polar(sigmoid(nu), torch.atan2(up, across))
    driven = (1 - eigenvalues.abs() ** 2).sqrt() * torch.complex(real(x), imaginary(x))
    shown = []
    for step in range(STEPS):
        ages = torch.arange(step, -1, -1)[:, None]
        state = (eigenvalues**ages * driven[:, : step + 1]).sum(1)
        shown.append(out(x[:, step], state.real, state.imag))
    return torch.stack(shown, dim=1)


@stepwise(1)
def rg_lru(given):
    before, recurrence, write, weight = take(given, 4)

    def step(x, h):
        v = before(x)
        log_a = -8 * sigmoid(recurrence(v)) * (-weight).exp()
        return (log_a.exp() * h + (1 - (2 * log_a).exp()).sqrt() * sigmoid(write(v)) * v,)

    return step


def rwkv4(x, given):
    """Each average as the sum over all steps so far, without any state."""
    key, value, u, receptance, out, w = take(given, 6)
    k, v = key(x), value(x)
    shown = []
    for step in range(STEPS):
        ages = torch.arange(step - 1, -1, -1)[:, None]
        exponents = torch.cat([k[:, :step] - ages * w.exp(), u + k[:, step : step + 1]], dim=1)
        average = (exponents.softmax(1) * v[:, : step + 1]).sum(1)
        shown.append(out(sigmoid(receptance(x[:, step])) * average))
    return torch.stack(shown, dim=1)


def lstm_with(gates: Callable[[Iterator], Callable[..., Tensor]]) -> Sequence:
    """An LSTM whose three gates are made one after another from the parameters and read ``x``, ``h`` and a memory."""

    @stepwise(2)
    def run(given):
        write, proposal, keep, show = gates(given), next(given), gates(given), gates(given)

        def step(x, h, c):
            new = sigmoid(keep(x, h, c)) * c + sigmoid(write(x, h, c)) * tanh(proposal(x, h))
            return sigmoid(show(x, h, new)) * tanh(new), new

        return step

    return run


def peephole(given):
    seen, w = take(given, 2)
    return lambda x, h, c: seen(x, h) + w * c


def of_h(given):
    seen = next(given)
    return lambda x, h, c: seen(h)


def of_nothing(given):
    bias = next(given)
    return lambda x, h, c: bias


@stepwise(1)
def gru_d(given):
    gap, reset, update, seen = take(given, 4)

    def step(x, h):
        h = (-torch.relu(-gap(x))).exp() * h
        r, z = sigmoid(reset(x, h)), sigmoid(update(x, h))
        return ((1 - z) * h + z * tanh(seen(x, r * h)),)

    return step


@stepwise(3)
def slstm(given):
    """Without the relative exponents, which these small numbers do not need."""
    proposal, write, forget, show = take(given, 4)

    def step(x, h, c, n):
        i, f = write(x, h).exp(), sigmoid(forget(x, h))
        c, n = f * c + i * tanh(proposal(x, h)), f * n + i
        return sigmoid(show(x, h)) * c / n, c, n

    return step


@stepwise(1)
def delta_rnn(given):
    recall, see, alpha, beta_1, beta_2, bias, bias_r = take(given, 7)

    def step(x, h):
        recalled, seen = recall(h), see(x)
        proposal = tanh(alpha * recalled * seen + beta_1 * recalled + beta_2 * seen + bias)
        r = sigmoid(seen + bias_r)
        return (tanh((1 - r) * proposal + r * h),)

    return step


PUBLISHED = {
    "lstm_peephole": lstm_with(peephole),
    "lstm_slim1": lstm_with(of_h),
    "lstm_slim2": lstm_with(of_h),
    "lstm_slim3": lstm_with(of_nothing),
    "slstm": slstm,
    "gru_d": gru_d,
    "brc": brc,
    "nbrc": nbrc,
    "delta_rnn": delta_rnn,
    "indrnn": indrnn,
    "sru": sru,
    "qrnn": qrnn,
    "gilr": gilr,
    "minlstm": minlstm,
    "hgrn": hgrn,
    "lru": lru,
    "rg_lru": rg_lru,
    "rwkv4": rwkv4,
}


def drawn(name: str) -> EagerRecurrence:
    """The cell with weights far enough from zero for everything to matter."""
    recurrence = EagerRecurrence(NAMED_CELLS[name], INPUTS, WIDTH).double()
    with torch.no_grad():
        for parameter in recurrence.parameters():
            parameter.normal_()
    return recurrence


@pytest.mark.parametrize("name", PUBLISHED)
def test_named_cell_computes_its_published_equations_and_their_gradients(name) -> None:
    recurrence = drawn(name)
    x = torch.randn(BATCH, STEPS, INPUTS, dtype=torch.float64, requires_grad=True)
    wanted = (x, *recurrence.parameters())
    given = parameters_of(recurrence)
    weights = torch.randn(BATCH, STEPS, WIDTH, dtype=torch.float64)
    actual, expected = recurrence(x), PUBLISHED[name](x, given)

    assert next(given, None) is None  # all parameters are used
    torch.testing.assert_close(actual, expected)
    gradients = [torch.autograd.grad((outputs * weights).sum(), wanted) for outputs in (actual, expected)]
    torch.testing.assert_close(*gradients)
    assert all(gradient.abs().max() > 0 for gradient in gradients[0])


@pytest.mark.parametrize("name", ["slstm", "rwkv4"])
def test_exponents_that_would_overflow_leave_outputs_finite(name) -> None:
    recurrence = drawn(name).float()
    outputs = recurrence(1e3 * torch.randn(BATCH, 50, INPUTS))
    outputs.sum().backward()
    assert outputs.isfinite().all()
    assert all(parameter.grad.isfinite().all() for parameter in recurrence.parameters())
