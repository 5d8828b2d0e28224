"""Image, manifests and package speak of the same versions."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from tests.deployment.files import (
    COMPOSE,
    DOCKERFILE,
    IMAGE,
    KUBERNETES,
    LAUNCHER,
    dockerfile_arguments,
    documents,
    project,
)


def requirement(name: str) -> Requirement:
    return next(each for each in map(Requirement, project()["dependencies"]) if each.name == name)


def test_the_image_has_a_ray_that_the_package_takes() -> None:
    assert dockerfile_arguments()["RAY_VERSION"] in requirement("ray").specifier


def test_the_image_has_a_python_that_the_package_takes() -> None:
    assert dockerfile_arguments()["PYTHON_VERSION"] in SpecifierSet(project()["requires-python"])


def test_the_image_has_the_torch_that_the_package_wants() -> None:
    installed = re.findall(r'"(torch[^"]*)"', DOCKERFILE.read_text())
    assert [Requirement(text) for text in installed] == [requirement("torch")]


def test_the_image_installs_extras_that_exist() -> None:
    (extras,) = re.findall(r'"\.\[(.*?)\]"', DOCKERFILE.read_text())
    assert {"s3", "serve"} <= set(extras.split(",")) <= project()["optional-dependencies"].keys()


@pytest.mark.parametrize("path", KUBERNETES, ids=lambda path: path.name)
def test_kuberay_is_told_the_ray_of_the_image(path: Path) -> None:
    spec = documents(path)[-1]["spec"]
    assert spec.get("rayClusterSpec", spec)["rayVersion"] == dockerfile_arguments()["RAY_VERSION"]


@pytest.mark.parametrize("path", [*KUBERNETES, *LAUNCHER, COMPOSE], ids=lambda path: path.name)
def test_every_image_is_of_this_version(path: Path) -> None:
    images = [value for document in documents(path) for value in _images(document)]
    assert images
    assert set(images) == {IMAGE}


def _images(value: object) -> list[str]:
    if isinstance(value, list):
        return [image for item in value for image in _images(item)]
    if not isinstance(value, dict):
        return []
    own = [value["image"]] if isinstance(value.get("image"), str) else []
    return own + [image for item in value.values() for image in _images(item)]
