"""Products of a few rows in each precision: what they round, and that rows keep apart where they say so."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from nur_studio.core.request import MAX_TAKES  # noqa: E402
from nur_studio.engines import products  # noqa: E402
from nur_studio.engines.products import LaidOut, has, linear  # noqa: E402

CPU = torch.device("cpu")
BOUNDS = {"fp32": 1e-6, "fp16": 3e-4, "bf16": 5e-3, "int8": 6e-3}


def weight(outputs: int, inputs: int) -> torch.Tensor:
    return torch.randn((outputs, inputs), generator=torch.Generator().manual_seed(outputs))


def rows(count: int, inputs: int) -> torch.Tensor:
    return torch.randn((count, 1, inputs), generator=torch.Generator().manual_seed(1))


@pytest.fixture(params=BOUNDS)
def precision(request: pytest.FixtureRequest) -> str:
    name = str(request.param)
    if name in ("fp16", "int8") and not has(name):
        pytest.skip(f"this processor's {name} is not quick, and so not used")
    return name


@pytest.mark.parametrize(("outputs", "inputs"), [(96, 64), (768, 1024), (64, 256)])
def test_a_product_is_that_of_the_weights_within_its_bound(precision: str, outputs: int, inputs: int) -> None:
    bias = torch.linspace(-2.0, 2.0, outputs)
    for count in (1, 2, 5, 40):
        x = rows(count, inputs)
        for added in (None, bias):
            product = linear(weight(outputs, inputs), added, CPU, precision)
            wanted = torch.nn.functional.linear(x, weight(outputs, inputs), added)
            got = product(x)
            assert got.shape == wanted.shape
            assert got.dtype == product.dtype
            assert float((got - wanted).norm() / wanted.norm()) <= BOUNDS[precision]


def test_rows_keep_apart_where_it_is_said(precision: str) -> None:
    product = linear(weight(768, 1024), None, CPU, precision)
    if not product.rows_apart:
        assert precision != "fp32"
        return
    x = rows(2 * MAX_TAKES, 1024)
    pairs = torch.cat([product(x[row : row + 2]) for row in range(0, len(x), 2)])
    for count in range(2, len(x) + 1, 2):
        assert torch.equal(product(x[:count]), pairs[:count]), count


def test_what_is_stored_in_halves_loses_nothing_in_halves() -> None:
    if not has("fp16"):
        pytest.skip("this processor's halves are not quick, and so not used")
    halves = weight(96, 64).half().float()
    x = rows(4, 64)
    wanted = torch.nn.functional.linear(x.double(), halves.double())
    assert float((linear(halves, None, CPU, "fp16")(x) - wanted).abs().max()) <= 1e-5


def test_weights_are_copied(precision: str) -> None:
    kept = weight(32, 64)
    product = linear(kept, None, CPU, precision)
    before = product(rows(2, 64))
    kept.zero_()
    assert torch.equal(product(rows(2, 64)), before)


def test_a_matrix_with_an_output_of_nothing_stays_one() -> None:
    empty = weight(32, 64)
    empty[3] = 0.0
    out = linear(empty, None, CPU, "int8")(rows(2, 64))
    assert torch.isfinite(out).all()
    assert not out[..., 3].any()


def test_the_last_product_has_two_bytes_for_a_weight() -> None:
    x, wanted = rows(2, 1024), torch.nn.functional.linear(rows(2, 1024), weight(96, 1024))
    once, twice = (linear(weight(96, 1024), None, CPU, "int8", last=last)(x) for last in (False, True))
    assert 2e-3 < float((once - wanted).norm() / wanted.norm()) < 6e-3
    assert float((twice - wanted).norm() / wanted.norm()) < 5e-5


def test_a_graph_takes_the_bytes_and_leaves_none() -> None:
    product = linear(weight(96, 64), torch.zeros(96), CPU, "int8", last=True)
    assert isinstance(product, LaidOut)
    laid = product.take()
    assert (laid.whole.shape, laid.whole.dtype) == ((96, 4, 32), torch.int8)
    assert laid.scales.shape == (96, 4, 1)
    assert laid.digits == 2
    with pytest.raises(AssertionError, match="taken"):
        product.take()


def test_where_no_number_of_rows_is_alike_takes_are_not_made_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    if not has("fp16"):
        pytest.skip("this processor's halves are not quick, and so not used")
    real = products._halved
    monkeypatch.setattr(products, "_halved", lambda x, packed, as_many: real(x, packed, as_many) + as_many + len(x))
    assert products._alike.__wrapped__() == {}
