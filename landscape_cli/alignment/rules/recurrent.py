"""Recurrent layers: the hidden units of each layer and direction are a group."""

from __future__ import annotations

from collections.abc import Sequence

from landscape_cli.alignment.channels import Layout, new
from landscape_cli.alignment.restrictions import unify
from landscape_cli.alignment.rules.base import Call, rule, unknown, values_in
from landscape_cli.alignment.values import Value, whole

GATES = {"lstm": 4, "gru": 3, "rnn_tanh": 1, "rnn_relu": 1}
"""By name, the number of blocks of hidden units in the weights."""


@rule(*GATES)
def recurrent(call: Call) -> list[Value]:
    """Permute the hidden units in all gates alike, and in the layers that read them."""
    if "data" in call.arguments:  # packed sequences
        return unknown(call)
    value, parameters = call["input"], list(values_in(call["params"]))
    layers, directions = call["num_layers"], 1 + bool(call["bidirectional"])
    each, remainder = divmod(len(parameters), layers * directions)
    if remainder or not each:
        return unknown(call)
    layout = value.layout(-1)
    single = layers * directions == 1 and each == len(_names(call))
    states = [state for state in values_in(call["hx"]) if not state.constant]
    if not single and (states or call.used - {0}):
        return unknown(call)
    for layer in range(layers):
        outputs: Layout = ()
        for direction in range(directions):
            start = (layer * directions + direction) * each
            outputs += _cell(call, parameters[start : start + each], layout)
        layout = outputs
    for state in states:
        unify(state.layout(-1), layout)
    results = [Value.unknown(shape) for shape in call.shapes]
    results[0].dims[:-1] = value.dims[:-1]
    for result in results if single else results[:1]:
        result.dims[-1] = whole(layout)
    return results


def _names(call: Call) -> list[str]:
    """Name the parameters of a layer without a projection."""
    return ["input", "hidden", "input bias", "hidden bias"][: 4 if call["has_biases"] else 2]


def _cell(call: Call, parameters: Sequence[Value], inputs: Layout) -> Layout:
    """Join the axes of one layer's weights in one direction, and return its hidden units."""
    entering, hidden, *others = parameters
    count = 2 if call["has_biases"] else 0
    biases, projections = others[:count], others[count:]
    gates = GATES[call.name]
    units = new(hidden.shape[0] // gates)
    unify(entering.layout(1), inputs)
    for one in (entering, hidden, *biases):
        unify(one.layout(0), units * gates)
    if projections:
        (projection,) = projections
        unify(projection.layout(1), units)
        units = projection.layout(0)
    unify(hidden.layout(1), units)
    return units
