"""Whole runs on a GPU, where there is one, beside those on the CPU."""

import numpy as np
import pytest
import torch

from landscape_cli.store import read_surface

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


@pytest.fixture
def computed(workplace, landscape):
    """Return a function that computes a surface of a small network on digits."""
    config = workplace.config("example:digits_network", threads=1)

    def computed(name, *options):
        output = ("-o", f"{name}.h5", "--no-calibrate", "-q")
        code, _, errors = landscape("compute", config, *output, *options)
        assert code == 0, errors
        return read_surface(f"{name}.h5").values

    return computed


def test_values_are_those_of_the_cpu(computed):
    host, device = computed("host", "--device", "cpu"), computed("device", "--device", "cuda")
    for (split, name), values in host.items():
        tolerance = 0 if name == "accuracy" else 1e-3
        np.testing.assert_allclose(device[split, name], values, rtol=tolerance, err_msg=split)


def test_directions_drawn_again_give_the_same_bits(computed):
    options = ("--device", "cuda", "--measure", "gradient")
    kept = computed("kept", *options)
    again = computed("again", *options, "--directions", "streamed")
    for key, values in kept.items():
        np.testing.assert_array_equal(again[key], values)


@pytest.mark.mpi
def test_ranks_that_share_a_gpu_give_the_same_bits(workplace, computed):
    alone = computed("alone", "--device", "cuda")
    done = workplace.run(
        *("compute", "run.yaml", "--no-calibrate", "--device", "cuda", "-o", "two.h5"), ranks=2
    )
    assert done.returncode == 0, done.stderr
    for key, values in read_surface(workplace.folder / "two.h5").values.items():
        np.testing.assert_array_equal(values, alone[key])
