"""Products that sum over channels: linear layers, matrices, attention."""

from __future__ import annotations

from landscape_cli.alignment.channels import pin
from landscape_cli.alignment.contraction import Labels, contract
from landscape_cli.alignment.rules.base import Call, rule, unknown
from landscape_cli.alignment.values import Value

COLUMN, ROW, INNER = "column", "row", "inner"
"""Labels of a product's dimensions, and of the one that is summed over."""


@rule("linear")
def linear(call: Call) -> list[Value]:
    """Sum over the last dimension of the input and the second of the weights."""
    value, weight, bias = call["input"], call["weight"], call.get("bias")
    if len(weight.shape) != 2:
        return unknown(call)
    batch = tuple(range(len(value.shape) - 1))
    values, labels = [value, weight], [(*batch, INNER), (COLUMN, INNER)]
    if bias is not None:
        values, labels = [*values, bias], [*labels, (COLUMN,)]
    return call.first(contract(values, labels, (*batch, COLUMN)))


@rule("matmul", "mm", "bmm", "mv", "dot", "vdot")
def product(call: Call) -> list[Value]:
    """Sum over the last dimension of one tensor and the last but one of the other."""
    one, other = call.values
    return call.first(_product([], one, other))


@rule("addmm", "baddbmm", "addmv", "addbmm")
def sum_with_product(call: Call) -> list[Value]:
    """Add a tensor to a product."""
    added, one, other = call.values
    if call.name == "addbmm":
        return unknown(call)
    return call.first(_product([added], one, other))


def _product(added: list[Value], one: Value, other: Value) -> list:  # type: ignore[type-arg]
    left = _labels(len(one.shape), ROW, last=INNER)
    right = _labels(len(other.shape), INNER, last=COLUMN)
    batch = max(left[:-2], right[:-2], key=len)
    result: Labels = tuple(label for label in (*batch, *left[-2:-1], *right[-1:]) if label != INNER)
    labels = [left, right, *(result[len(result) - len(value.shape) :] for value in added)]
    return contract([one, other, *added], labels, result)


def _labels(rank: int, first: str, last: str) -> Labels:
    """Label the dimensions of a matrix, or of a vector, and count those of the batch backwards."""
    if rank == 1:
        return (INNER,)
    return (*range(rank - 2, 0, -1), first, last)


@rule("scaled_dot_product_attention")
def attention(call: Call) -> list[Value]:
    """Sum over the channels of queries and keys, then over positions."""
    query, key, value = call["query"], call["key"], call["value"]
    mask = call.get("attn_mask")
    rank = len(query.shape)
    if {len(key.shape), len(value.shape)} != {rank} or query.shape[:-2] != key.shape[:-2]:
        return unknown(call)
    if call.get("is_causal"):
        for one in (query, key, value):
            pin(one.layout(-2))
    batch = tuple(range(rank - 2, 0, -1))
    scores = (*batch, "target", "source")
    values = [query, key]
    labels: list[Labels] = [(*batch, "target", INNER), (*batch, "source", INNER)]
    if mask is not None:
        values.append(mask)
        labels.append(scores[rank - len(mask.shape) :])
    found = contract(values, labels, scores)
    weights = Value((*query.shape[:-1], key.shape[-2]), found)
    labels = [scores, (*batch, "source", COLUMN)]
    return call.first(contract([weights, value], labels, (*batch, "target", COLUMN)))


@rule("einsum")
def einsum(call: Call) -> list[Value]:
    """Sum over the labels that the result lacks."""
    equation = call["equation"].replace(" ", "")
    if "." in equation or "->" not in equation:
        return unknown(call)
    terms, _, result = equation.partition("->")
    labels = [tuple(term) for term in terms.split(",")]
    if any(len(set(term)) != len(term) for term in labels):
        return unknown(call)
    return call.first(contract(call.values, labels, tuple(result)))
