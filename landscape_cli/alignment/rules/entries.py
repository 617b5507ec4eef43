"""Operations that compute entry by entry, or reduce dimensions."""

from __future__ import annotations

from landscape_cli.alignment.channels import pin
from landscape_cli.alignment.contraction import contract
from landscape_cli.alignment.rules.base import Call, positive, rule, unknown
from landscape_cli.alignment.values import Value

UNARY = (
    *("abs", "acos", "alias", "asin", "atan", "ceil"),
    *("celu", "clamp", "clamp_max", "clamp_min", "clip", "clone", "contiguous", "cos"),
    *("cosh", "deg2rad", "detach", "elu", "erf", "erfc", "exp", "exp2"),
    *("expm1", "fill", "floor", "frac", "gelu", "hardshrink"),
    *("hardsigmoid", "hardswish", "hardtanh", "isfinite", "isinf", "isnan"),
    *("leaky_relu", "lift_fresh", "lift_fresh_copy", "log", "log10", "log1p", "log2"),
    *("log_sigmoid", "logical_not", "logit", "mish", "nan_to_num", "neg", "positive"),
    *("reciprocal", "relu", "relu6", "round", "rsqrt", "selu", "sgn", "sigmoid"),
    *("sign", "signbit", "silu", "sin", "sinc", "sinh", "softplus", "softshrink"),
    *("softsign", "special_erf", "special_expit", "sqrt", "square", "tan", "tanh"),
    *("tanhshrink", "threshold", "to", "_to_copy", "trunc", "type_as", "zero"),
)

N_ARY = (
    *("add", "addcdiv", "addcmul", "__and__", "atan2", "bitwise_and", "bitwise_or"),
    *("bitwise_xor", "copy", "copysign", "div", "divide", "eq", "floor_divide", "fmax"),
    *("fmin", "fmod", "ge", "greater", "greater_equal", "gt", "hypot", "le", "lerp"),
    *("less", "less_equal", "logical_and", "logical_or", "logical_xor", "lt"),
    *("masked_fill", "maximum", "minimum", "mul", "multiply", "ne", "not_equal"),
    *("__or__", "pow", "remainder", "rsub", "sub", "subtract", "true_divide"),
    *("_weight_norm", "where", "xlogy", "__xor__"),
)

REDUCTIONS = (
    *("all", "amax", "amin", "any", "frobenius_norm", "linalg_vector_norm"),
    *("logsumexp", "mean", "norm", "prod", "std", "sum", "var"),
)

CONSTANTS = (
    *("empty", "full", "new_empty", "new_full", "new_ones", "new_zeros", "ones"),
    *("scalar_tensor", "zeros"),
)

SAME = (*("empty_like", "full_like", "ones_like", "zeros_like"),)


@rule(*N_ARY, *UNARY)
def entry_by_entry(call: Call) -> list[Value]:
    """Join the channels of all tensors, broadcast as PyTorch does."""
    shape = call.shapes[0]
    values = [value for value in call.values if not value.constant or len(call.values) == 1]
    if call.name == "type_as":
        values = call.values[:1]
    labels = [range(len(shape) - len(value.shape), len(shape)) for value in values]
    if any(names.start < 0 for names in labels):  # a tensor of more dimensions, copied to
        return unknown(call)
    return call.first(contract(values, labels, range(len(shape))))


@rule("dropout", "feature_dropout", "alpha_dropout", "feature_alpha_dropout")
def dropout(call: Call) -> list[Value]:
    """Keep all channels, unless some are really dropped."""
    return unknown(call) if call["train"] else call.first(call.values[0].dims)


@rule(*CONSTANTS)
def constant(call: Call) -> list[Value]:
    """Return a tensor of one number, whose channels are nobody's."""
    return [Value.new(call.shapes[0], constant=True)]


@rule(*SAME)
def constant_like(call: Call) -> list[Value]:
    """Return a tensor of one number."""
    return [Value.new(call.shapes[0], constant=True)]


@rule("arange", "linspace", "eye", "rand", "randn", "randint", "tril_indices", "triu_indices")
def made(call: Call) -> list[Value]:
    """Return a tensor that no channel of the network is in."""
    return [Value.unknown(shape) for shape in call.shapes]


@rule(*REDUCTIONS)
def reduction(call: Call) -> list[Value]:
    """Remove dimensions, whose order does not matter."""
    value = call.values[0]
    rank = len(value.shape)
    given = call.get("dim")
    listed = [given] if isinstance(given, int) else list(given or range(rank))
    gone = {positive(dim, rank) for dim in listed}
    kept = [dim for dim in range(rank) if dim not in gone]
    dims = contract([value], [range(rank)], kept)
    if call.get("keepdim"):
        left = iter(dims)
        dims = [None if dim in gone else next(left) for dim in range(rank)]
    return call.first(dims)


@rule("max", "min", "median", "mode", "argmax", "argmin", "cumsum", "cumprod", "sort", "topk")
def ordered(call: Call) -> list[Value]:
    """Pin the dimension that is searched, or run along, and keep the others."""
    value, given = call.values[0], call.get("dim")
    if len(call.values) > 1:
        return entry_by_entry(call)
    if given is None and call.name in ("max", "min"):
        return call.first([])
    if given is None:
        return unknown(call)
    dim = positive(given, len(value.shape))
    pin(value.layout(dim))
    value.settle()
    dims = [part for place, part in enumerate(value.dims) if place != dim]
    if len(call.shapes[0]) == len(value.shape):
        dims.insert(dim, None)
    return [Value(shape, list(dims)) for shape in call.shapes]


@rule("softmax", "log_softmax", "_softmax", "_log_softmax")
def softmax(call: Call) -> list[Value]:
    """Keep all dimensions: a softmax permutes along."""
    value = call.values[0]
    dim = positive(call["dim"], len(value.shape))
    part = value.dims[dim]
    if part is not None and part.place + 1 < len(part.axis.sizes):
        value.settle()
    return call.first(value.dims)
