import numpy as np
import pytest

from landscape_cli.store.product_log import ProductLog, is_product_log, products_path

SIZE = 5
VECTORS = np.arange(20, dtype=np.float32).reshape(4, SIZE)
PRODUCTS = -2 * VECTORS


@pytest.fixture
def path(tmp_path):
    log = ProductLog(tmp_path / "out.products", "key", SIZE, "float32")
    for vector, product in zip(VECTORS[:3], PRODUCTS[:3], strict=True):
        assert log.next(vector) is None
        log.append(vector, product)
    log.close()
    return log.path


def replayed(path, key="key", size=SIZE, dtype="float32", vectors=VECTORS):
    """Return how many products a new log of the file has for these vectors."""
    log, count = ProductLog(path, key, size, dtype), 0
    for vector, product in zip(vectors, PRODUCTS, strict=True):
        found = log.next(vector)
        if found is None:
            break
        np.testing.assert_array_equal(found, product)
        count += 1
    log.close()
    return count


def test_products_come_back_in_order(path):
    assert replayed(path) == 3


def test_a_continued_log_takes_more(path):
    log = ProductLog(path, "key", SIZE, "float32")
    for vector in VECTORS[:3]:
        assert log.next(vector) is not None
    assert log.next(VECTORS[3]) is None
    log.append(VECTORS[3], PRODUCTS[3])
    log.close()
    assert replayed(path) == 4


def test_a_record_that_was_not_written_whole_ends_the_log(path):
    content = path.read_bytes()
    for length in (len(content) - 1, len(content) - 27):
        path.write_bytes(content[:length])
        assert replayed(path) == 2


def test_a_flipped_bit_ends_the_log(path):
    content = bytearray(path.read_bytes())
    content[-9] ^= 1
    path.write_bytes(content)
    assert replayed(path) == 2


def test_another_vector_ends_the_log(path):
    others = VECTORS.copy()
    others[1, 0] += 1
    assert replayed(path, vectors=others) == 1
    assert replayed(path) == 1  # what followed is gone


@pytest.mark.parametrize("change", [{"key": "other"}, {"size": 4}, {"dtype": "float64"}])
def test_a_log_of_another_computation_is_begun_anew(path, change):
    assert replayed(path, **change) == 0
    assert replayed(path) == 0


def test_it_is_recognized_from_the_start(tmp_path):
    path = tmp_path / "out.products"
    path.touch()
    log = ProductLog(path, "key", SIZE, "float32")
    assert path.stat().st_size > 32  # on the disk, although nothing was added and it is open
    assert is_product_log(path)
    log.close()


def test_it_is_recognized_and_removed(path, tmp_path):
    assert is_product_log(path)
    assert not is_product_log(tmp_path / "none")
    (tmp_path / "text").write_text("landscape")
    assert not is_product_log(tmp_path / "text")
    ProductLog(path, "key", SIZE, "float32").remove()
    assert not path.exists()
    assert products_path(tmp_path / "net.h5").name == "net.h5.products"


def test_where_it_cannot_be_written_computing_goes_on(tmp_path):
    said = []
    (tmp_path / "folder").mkdir()
    log = ProductLog(tmp_path / "folder", "key", SIZE, "float32", said.append)
    assert log.next(VECTORS[0]) is None
    log.append(VECTORS[0], PRODUCTS[0])
    log.remove()
    assert "computing continues" in said[0]
