"""The choice of an entry in a file, and the naming of others."""

import pytest
import torch

from support.saved_networks import Net, scrambled


@pytest.fixture
def saved(tmp_path):
    def saved(**content):
        torch.save(content, tmp_path / "net.pt")
        return str(tmp_path / "net.pt")

    return saved


ONE, TWO = scrambled(Net(), 1).state_dict(), scrambled(Net(), 2).state_dict()
OTHER = scrambled(Net(4), 3).state_dict()


@pytest.mark.parametrize("key", ["state_dict", "model", "model_state_dict"])
def test_the_usual_keys_need_no_word(saved, loads, key):
    assert loads(saved(**{key: ONE}, epoch=3), ONE) == []


def test_another_key_is_said(saved, loads):
    path = saved(net=ONE, acc=93.1, optimizer={"state": {0: {"m": torch.ones(2)}}})
    (said,) = loads(path, ONE)
    assert "took the entry 'net'" in said


@pytest.mark.parametrize("usual", ["state_dict", "model"])
@pytest.mark.parametrize("ema", ["state_dict_ema", "model_ema"])
def test_the_trained_weights_are_taken_and_the_averages_named(saved, loads, usual, ema):
    path = saved(**{ema: TWO, usual: ONE})
    (said,) = loads(path, ONE)
    assert f"took the entry '{usual}'; it also has {ema} ({path}::{ema} takes that)" in said
    assert loads(f"{path}::{ema}", TWO) == []
    assert loads({"path": path, "key": ema}, TWO) == []


def test_averages_are_taken_if_there_is_nothing_else(saved, loads):
    (said,) = loads(saved(ema={"decay": 0.9, "shadow": ONE}), ONE)
    assert "took the entry 'ema.shadow'" in said


def test_an_average_comes_after_an_unusual_key(saved, loads):
    (said,) = loads(saved(ema=TWO, net=ONE), ONE)
    assert "took the entry 'net'; it also has ema" in said


def test_nested_and_dotted_keys(saved, loads):
    path = saved(app={"model": ONE, "ema": {"module": TWO}}, **{"a.b": {"c": TWO}})
    loads(f"{path}::app.model", ONE)
    loads(f"{path}::app.ema.module", TWO)
    loads(f"{path}::a.b.c", TWO)


def test_keys_of_lists(saved, loads, refused):
    path = saved(models=[TWO, {"net": ONE}])
    loads(f"{path}::models.0", TWO)
    loads(f"{path}::models.1.net", ONE)
    assert "has no entry 'models.2'" in refused(f"{path}::models.2")


def test_the_entry_that_fits_is_taken(saved, loads):
    (said,) = loads(saved(discriminator=OTHER, generator=ONE), ONE)
    assert "took the entry 'generator'" in said


def test_several_unusual_entries_that_fit_are_refused(saved, refused):
    path = saved(student=ONE, network=TWO)
    line = refused(path)
    assert "several entries" in line
    assert "student, network" in line
    assert f"{path}::network" in line


def test_a_usual_entry_that_does_not_fit_names_one_that_does(saved, refused):
    path = saved(model=OTHER, generator=ONE)
    assert f"its entry 'generator' does: name it, as {path}::generator" in refused(path)


def test_an_unknown_key_lists_the_entries(saved, refused):
    line = refused(saved(model=ONE, model_ema=TWO) + "::ema")
    assert "has no entry 'ema'; entries with weights: model, model_ema" in line


def test_a_key_without_tensors_is_refused(saved, refused):
    line = refused(saved(model=ONE, args={"lr": 0.1}) + "::args")
    assert "the entry 'args'" in line
    assert "is a dict without tensors" in line


def test_tensors_beside_the_weights_do_not_hide_them(saved, loads):
    (said,) = loads(saved(net=ONE, rng_state=torch.zeros(3)), ONE)
    assert "took the entry 'net'" in said


def test_extra_state_with_tensors_is_not_an_entry(saved, loads):
    state = {**ONE}
    path = saved(model={**state, "features.0._extra_state": {"amax": torch.ones(1)}})
    with pytest.raises(Exception, match=r"unexpected features.0._extra_state"):
        loads(path, ONE)
