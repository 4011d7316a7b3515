"""Products of a few rows in each precision: what they round, and that rows keep apart where they say so."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from nur_studio.core.request import MAX_TAKES  # noqa: E402
from nur_studio.engines import products  # noqa: E402
from nur_studio.engines.products import has, linear  # noqa: E402

CPU = torch.device("cpu")
BOUNDS = {"fp32": 1e-6, "fp16": 3e-4, "bf16": 5e-3, "int8": 4e-2}


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
    if not has("int8"):
        pytest.skip("this processor's bytes are not quick, and so not used")
    empty = weight(32, 64)
    empty[3] = 0.0
    out = linear(empty, None, CPU, "int8")(rows(2, 64))
    assert torch.isfinite(out).all()
    assert not out[..., 3].any()


def test_where_no_number_of_rows_is_alike_takes_are_not_made_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    if not has("fp16"):
        pytest.skip("this processor's halves are not quick, and so not used")
    real = products._halved
    monkeypatch.setattr(products, "_halved", lambda x, packed, as_many: real(x, packed, as_many) + as_many + len(x))
    assert products._alike.__wrapped__() == {}
