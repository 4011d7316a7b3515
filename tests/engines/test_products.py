"""Products of a few rows in each precision: what they round, and that rows keep apart where they say so."""

from __future__ import annotations

from pathlib import Path

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


def test_bytes_are_offered_with_the_release_of_openvino_that_setup_installs_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    setup = (Path(__file__).resolve().parents[2] / "packaging/studio_venv.py").read_text("utf-8")
    assert f'OPENVINO = "openvino=={products.OPENVINO}' in setup
    for release in ("", "2026.3.9", "2027.0.0"):
        monkeypatch.setattr(products, "_release", lambda _, release=release: release)
        assert not products._openvino.__wrapped__()


def test_a_graph_takes_the_bytes_and_leaves_none() -> None:
    product = linear(weight(96, 64), torch.zeros(96), CPU, "int8", last=True)
    assert isinstance(product, LaidOut)
    laid = product.take()
    assert (laid.whole.shape, laid.whole.dtype) == ((96, 4, 32), torch.int8)
    assert laid.scales.shape == (96, 4, 1)
    assert laid.digits == 2
    with pytest.raises(AssertionError, match="taken"):
        product.take()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_cards_product_is_torchs_and_keeps_rows_apart_where_it_says_so(dtype: torch.dtype) -> None:
    """As far as a processor can show it: nothing in it is a card's own but where it lies."""
    product = products._OnCard(weight(96, 64), torch.linspace(-1.0, 1.0, 96), CPU, dtype)
    plain = products._Plain(weight(96, 64), torch.linspace(-1.0, 1.0, 96), CPU, dtype)
    x = rows(2 * MAX_TAKES, 64)
    for count in (2, 6, 16):
        assert product(x[:count]).shape == (count, 1, 96)
        assert torch.allclose(product(x[:count]), plain(x[:count]), atol=0.2 if dtype == torch.bfloat16 else 1e-5)
    many = rows(40, 64).view(2, 20, 64)
    assert torch.equal(product(many), plain(many.view(40, 64)).view(2, 20, 96))
    if product.rows_apart:
        whole = product(x)
        for first in range(0, 2 * MAX_TAKES, 2):
            assert torch.equal(product(x[first : first + 2]), whole[first : first + 2])


def test_the_fewest_rows_that_come_out_alike_are_found() -> None:
    """A library with a kernel for up to three rows and one for more."""
    x, matrix = rows(8, 64)[:, 0], weight(32, 64)

    def multiply(some: torch.Tensor) -> torch.Tensor:
        one_by_one = torch.cat([row @ matrix.T for row in some.split(1)])  # only what is planted shall differ
        return one_by_one + (1e-3 if len(some) > 3 else 0.0)

    assert products.alike(multiply, x, multiply(x), lambda count: range(count, count + 5)) == {2: 4, 4: 4, 6: 6, 8: 8}
    assert products.alike(multiply, x, multiply(x), lambda count: (count, 8)) == {2: 8, 4: 4, 6: 6, 8: 8}


def test_a_row_that_depends_on_its_place_is_never_alike() -> None:
    x = rows(8, 64)[:, 0]

    def by_place(some: torch.Tensor) -> torch.Tensor:
        return some + torch.arange(len(some)).unsqueeze(1)

    assert products.alike(by_place, x, by_place(x), lambda count: (count, 8)) == {}


def test_where_no_number_of_rows_is_alike_takes_are_not_made_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    if not has("fp16"):
        pytest.skip("this processor's halves are not quick, and so not used")
    real = products._halved
    monkeypatch.setattr(products, "_halved", lambda packed, some: real(packed, some) + len(some))
    assert products._halves_alike.__wrapped__() == {}
