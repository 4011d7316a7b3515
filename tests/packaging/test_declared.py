"""What the project's files say about dependencies must agree: declared, pinned, licensed, installed by the setup."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PACKAGING = ROOT / "packaging"
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]


def constants() -> dict[str, Any]:
    """The literal constants of the setup scripts."""
    sources = [(PACKAGING / name).read_text("utf-8") for name in ("bootstrap.py", "studio_venv.py")]
    found: dict[str, Any] = {}
    for node in (node for source in sources for node in ast.parse(source).body):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            try:
                found[node.targets[0].id] = ast.literal_eval(node.value)
            except ValueError:
                continue
    return found


def pins() -> dict[str, Requirement]:
    lines = (PACKAGING / "constraints.txt").read_text("utf-8").splitlines()
    requirements = [Requirement(line) for line in lines if line.strip() and not line.startswith("#")]
    return {canonicalize_name(requirement.name): requirement for requirement in requirements}


def installed_closure(names: Iterable[str]) -> set[str]:
    """These distributions and whatever they need here."""
    seen: set[str] = set()
    waiting = list(names)
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name in seen:
            continue
        seen.add(name)
        for text in metadata.distribution(name).requires or []:
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                waiting.append(requirement.name)
    return seen


@pytest.mark.parametrize("text", [*PROJECT["dependencies"], *(text for extra in EXTRAS.values() for text in extra)])
def test_every_declared_dependency_is_pinned_within_its_range(text: str) -> None:
    requirement = Requirement(text)
    pin = pins().get(canonicalize_name(requirement.name))
    assert pin is not None, f"{requirement.name} is not in constraints.txt"
    (specifier,) = pin.specifier
    assert specifier.operator == "=="
    assert requirement.specifier.contains(specifier.version), f"{pin} is outside {requirement}"


def test_no_pin_names_a_machine_or_a_build() -> None:
    text = (PACKAGING / "constraints.txt").read_text("utf-8")
    assert re.search(r"://|@|\+|^/|file:", "\n".join(t for t in text.splitlines() if not t.startswith("#"))) is None


def test_everything_an_installation_brings_is_pinned_and_its_licence_named() -> None:
    closure = installed_closure(Requirement(text).name for text in PROJECT["dependencies"])
    assert closure - set(pins()) == set()
    named = {
        canonicalize_name(word) for word in re.findall(r"[\w.-]+", (PACKAGING / "THIRD_PARTY.md").read_text("utf-8"))
    }
    assert closure - named == set()


def test_the_setup_script_knows_the_extras_and_the_torch_that_are_declared() -> None:
    known = constants()
    assert set(known["MODELS"]) <= set(EXTRAS)
    assert {"test", "lint", *known["MODELS"]} <= set(EXTRAS)
    assert known["TORCH"] in EXTRAS["musicgen"]
    low, high = known["OLDEST"], known["NEWEST"]
    assert PROJECT["requires-python"] == f">={low[0]}.{low[1]},<{high[0]}.{high[1] + 1}"


def test_ci_runs_every_check_the_readme_names() -> None:
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    readme = (ROOT / "README.md").read_text("utf-8")
    for command in ("packaging/bootstrap.py test", "ruff check .", "ruff format --check .", "mypy", "lint-imports"):
        assert command in script
        assert command in readme


def test_pictures_the_readme_shows_are_there_and_light() -> None:
    shown = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", (ROOT / "README.md").read_text("utf-8"))
    assert shown
    for name in shown:
        assert (ROOT / name).stat().st_size < 200_000, name


def test_every_pinned_package_is_named_with_its_licence() -> None:
    words = re.findall(r"\w[\w.-]*\w", (PACKAGING / "THIRD_PARTY.md").read_text("utf-8"))
    assert sorted(pins().keys() - {canonicalize_name(word) for word in words}) == []
