"""A CUDA kernel for 3x3 convolutions of 16 or 32 channels in bfloat16, with bias, sum and ReLU.

They move more bytes than they compute, so what counts is that each byte is moved once. A block
copies rows of an image to shared memory, with a pixel of zeros around the image. Each of its warps
computes 16 neighbouring pixels and 16 channels of 8 rows, going down: tensor cores multiply the
pixels of an input row with the 9 entries of the kernel, which stay in registers, and add them to
the three output rows that depend on it.

A thread holds 4 neighbouring channels of a pixel where the tensor core's layout has two pairs that
are 8 apart; since channels of inputs and weights are permuted alike, sums are the same.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

CHANNELS = (16, 32)
"""Numbers of channels of the inputs; those of the outputs are among them too."""

ROWS, WARPS = 8, 4
"""Output rows of a warp, and warps of a block."""

SHARED = 48 << 10
"""Bytes of shared memory that any block may have."""

SOURCE = r"""
typedef unsigned int u32;
constexpr int GROUPS = OUT / 16, SEGMENTS = W / 16, PARTS = WARPS / (GROUPS * SEGMENTS);
constexpr int TALL = ROWS * PARTS, ROW = (W + 2) * IN, STEPS = IN / 16, CHUNK = IN / 4;

__device__ float low(u32 pair) { return __uint_as_float(pair << 16); }
__device__ float high(u32 pair) { return __uint_as_float(pair & 0xffff0000u); }

__device__ u32 relu(float a, float b) {
    u32 pair;
    asm("cvt.rn.relu.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(b), "f"(a));
    return pair;
}

__device__ void copy(void* shared, const void* global, bool there) {  // 16 bytes, or zeros
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::
        "r"((u32)__cvta_generic_to_shared(shared)), "l"(global), "r"(there ? 16 : 0) : "memory");
}

__device__ void multiply(float* d, u32 a0, u32 a1, u32 a2, u32 a3, uint2 b) {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
        "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b.x), "r"(b.y));
}

extern "C" __global__ void __launch_bounds__(32 * WARPS, BLOCKS) convolve(
    const short* __restrict__ images, const short* __restrict__ weight,
    const short* __restrict__ bias, const short* __restrict__ added, short* __restrict__ result
) {
    __shared__ __align__(16) short tile[(TALL + 2) * ROW];
#if ADD
    __shared__ __align__(16) short sum[TALL * W * OUT];
#endif
    constexpr int STRIPS = (H + TALL - 1) / TALL;
    const int top = blockIdx.x % STRIPS * TALL;
    const long long image = blockIdx.x / STRIPS;
    images += image * (H * W * IN);
    result += image * (H * W * OUT);
    for (int i = threadIdx.x; i < (TALL + 2) * ROW / 8; i += 32 * WARPS) {
        int y = top - 1 + i * 8 / ROW, at = i * 8 % ROW - IN;
        bool there = y >= 0 && y < H && at >= 0 && at < W * IN;
        copy(tile + i * 8, images + (there ? y * W * IN + at : 0), there);
    }
#if ADD
    added += image * (H * W * OUT) + top * W * OUT;
    for (int i = threadIdx.x; i < TALL * W * OUT / 8; i += 32 * WARPS) {
        bool there = top * W * OUT + i * 8 < H * W * OUT;
        copy(sum + i * 8, added + (there ? i * 8 : 0), there);
    }
#endif
    const int lane = threadIdx.x & 31, p = lane >> 2, t = lane & 3;
    int warp = threadIdx.x >> 5;
    const int group = warp % GROUPS; warp /= GROUPS;
    const int column = warp % SEGMENTS * 16 + p, first = warp / SEGMENTS * ROWS;
    uint2 w[9][STEPS][2];
#pragma unroll
    for (int tap = 0; tap < 9; ++tap)
#pragma unroll
        for (int step = 0; step < STEPS; ++step)
#pragma unroll
            for (int j = 0; j < 2; ++j) {
                int out = group * 16 + 4 * (p >> 1) + 2 * j + (p & 1);
                w[tap][step][j] = __ldg((const uint2*)(
                    weight + (out * 9 + tap) * IN + t * CHUNK + 4 * step));
            }
    const uint2 shift = __ldg((const uint2*)(bias + group * 16 + 4 * t));
    const float start[4] = {low(shift.x), high(shift.x), low(shift.y), high(shift.y)};
    float sums[3][2][4];
#define BEGIN(k) \
    _Pragma("unroll") for (int j = 0; j < 2; ++j) \
        _Pragma("unroll") for (int c = 0; c < 4; ++c) sums[k][j][c] = start[2 * j + (c & 1)];
    BEGIN(0) BEGIN(1) BEGIN(2)
    asm volatile("cp.async.wait_all;" ::: "memory");
    __syncthreads();
#pragma unroll
    for (int i = 0; i < ROWS + 2; ++i) {
#pragma unroll
        for (int s = 0; s < 3; ++s) {
            u32 a[2][IN / 8];
#pragma unroll
            for (int half = 0; half < 2; ++half) {
                const short* from = tile + (first + i) * ROW + (column + s + 8 * half) * IN;
#if IN == 16
                *(uint2*)a[half] = *(const uint2*)(from + t * CHUNK);
#else
                *(uint4*)a[half] = *(const uint4*)(from + t * CHUNK);
#endif
            }
#pragma unroll
            for (int k = 0; k < 3; ++k)  // output row i - 2 + k of the warp, entry 2 - k
                if (i + k >= 2 && i + k < ROWS + 2)
#pragma unroll
                    for (int step = 0; step < STEPS; ++step)
#pragma unroll
                        for (int j = 0; j < 2; ++j)
                            multiply(sums[k][j], a[0][2 * step], a[1][2 * step],
                                     a[0][2 * step + 1], a[1][2 * step + 1],
                                     w[(2 - k) * 3 + s][step][j]);
        }
        if (i >= 2 && top + first + i - 2 < H) {
            const int at = ((first + i - 2) * W + column) * OUT + group * 16 + 4 * t;
#pragma unroll
            for (int half = 0; half < 2; ++half) {
                float* u = sums[0][0] + 2 * half;
                float* v = sums[0][1] + 2 * half;
#if ADD
                uint2 z = *(const uint2*)(sum + at + 8 * half * OUT);
                u[0] += low(z.x); u[1] += high(z.x); v[0] += low(z.y); v[1] += high(z.y);
#endif
                *(uint2*)(result + top * W * OUT + at + 8 * half * OUT) =
                    make_uint2(relu(u[0], u[1]), relu(v[0], v[1]));
            }
        }
#pragma unroll
        for (int j = 0; j < 2; ++j)
#pragma unroll
            for (int c = 0; c < 4; ++c) {
                sums[0][j][c] = sums[1][j][c];
                sums[1][j][c] = sums[2][j][c];
            }
        BEGIN(2)
    }
}
"""


def exists(device: torch.device) -> bool:
    """Tell whether PyTorch can compile the kernel for a device, which takes an Ampere GPU."""
    known = hasattr(torch.cuda, "_compile_kernel")
    return known and torch.cuda.get_device_capability(device) >= (8, 0)


def fits(images: Tensor, weight: Tensor, stride: Any, padding: Any) -> bool:
    """Tell whether the kernel computes a convolution, from its tensors' shapes and dtypes."""
    inputs, outputs, width = images.shape[1], weight.shape[0], images.shape[3]
    if inputs not in CHANNELS or outputs not in CHANNELS or width not in (16, 32):
        return False
    tall = _rows(outputs, width)
    shared = 2 * ((tall + 2) * (width + 2) * inputs + tall * width * outputs)
    return (
        images.dtype == torch.bfloat16
        and tuple(weight.shape[2:]) == (3, 3)
        and all(factor == 1 for factor in (*stride, *padding))
        and shared <= SHARED
    )


def _rows(outputs: int, width: int) -> int:
    """Return the output rows of a block."""
    return ROWS * WARPS * 256 // (outputs * width)


def convolve(images: Tensor, weight: Tensor, bias: Tensor | None, added: Tensor | None) -> Tensor:
    """Compute relu(convolution(images) + bias + added), channels last, where the kernel ``fits``.

    Args:
        images: shape (n, inputs, height, width).
        weight: shape (outputs, inputs, 3, 3).
        bias: shape (outputs,).
        added: shape (n, outputs, height, width), as the result.
    """
    images, weight = _arrange(images), _arrange(weight)
    added = None if added is None else _arrange(added)
    n, inputs, height, width = images.shape
    outputs = len(weight)
    size = n, height, width, outputs
    result = images.new_empty(size).permute(0, 3, 1, 2)
    bias = images.new_zeros(outputs) if bias is None else align(bias.contiguous())
    kernel = _compile(inputs, outputs, height, width, added is not None, images.device)
    grid = (n * -(-height // _rows(outputs, width)), 1, 1)
    arguments = [images, weight, bias, result if added is None else added, result]
    with torch.cuda.device(images.device):
        kernel(grid=grid, block=(32 * WARPS, 1, 1), args=arguments)
    return result


def _arrange(tensor: Tensor) -> Tensor:
    """Return a tensor in the layout that the kernel reads, copied only if it has another."""
    return align(tensor.contiguous(memory_format=torch.channels_last))


def align(tensor: Tensor) -> Tensor:
    """Return a tensor whose memory begins at a multiple of 16 bytes, copied only if need be."""
    return tensor.clone() if tensor.data_ptr() % 16 else tensor


@lru_cache
def _compile(
    inputs: int, outputs: int, height: int, width: int, add: bool, device: torch.device
) -> Any:
    """Compile the kernel for a shape; a second each."""
    constants = {"IN": inputs, "OUT": outputs, "H": height, "W": width, "ADD": int(add)}
    constants |= {"ROWS": ROWS, "WARPS": WARPS, "BLOCKS": 5 if inputs == 16 else 3}
    lines = [f"#define {name} {value}\n" for name, value in constants.items()]
    with torch.cuda.device(device):
        return torch.cuda._compile_kernel("".join(lines) + SOURCE, "convolve")
