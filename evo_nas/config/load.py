"""Makes a `SearchConfig` from a file and ``key=value`` overrides."""

from __future__ import annotations

import copy
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from evo_nas.config.schema import SearchConfig
from evo_nas.config.validation_errors import checked, shown
from evo_nas.config.yaml_text import parse_yaml
from evo_nas.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAX_BYTES = 256 * 1024


def load_config(
    path: str | Path, overrides: Sequence[str] = (), *, defaults: Mapping[str, Any] = MappingProxyType({})
) -> SearchConfig:
    """Reads the YAML file at ``path`` and applies ``overrides``, each ``dotted.key=value``.

    Sections that the file leaves out are taken from ``defaults``.

    Raises:
        ConfigError: The file cannot be read, or something in it is wrong; one line for each problem.
    """
    path = Path(path)
    values = parse_yaml(_read(path), source=str(path))
    if not isinstance(values, dict):
        raise ConfigError(f"{path} holds no keys; must be a mapping such as `name: my-search`")
    # A base_dir in the file is relative to the file, not to where the command runs.
    written = _text(values.get("base_dir"))
    values["base_dir"] = str(path.absolute().parent / written)
    config = configured(dict(defaults) | values, overrides)
    is_overridden = any(each.partition("=")[0].strip() == "base_dir" for each in overrides)
    if not (is_overridden or Path(written).is_absolute()):
        # It follows from where the file lies, which says nothing on another machine, such as that of a service.
        config.model_fields_set.discard("base_dir")
    return config


def configured(values: Mapping[str, Any], overrides: Sequence[str] = ()) -> SearchConfig:
    """Returns the configuration for plain ``values`` with ``overrides`` applied.

    Raises:
        ConfigError: Something is wrong; one line for each problem.
    """
    return checked(SearchConfig, overridden(values, overrides))


def overridden(values: Mapping[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """Returns plain ``values`` with ``overrides`` applied, of which nothing else is checked.

    Raises:
        ConfigError: An override is malformed, or goes into what is no section.
    """
    # Overrides change nested sections, which belong to the caller.
    settings = copy.deepcopy(dict(values))
    if overrides and type(settings.get("workers")) is int:
        # Before the overrides: one such as ``workers.min=1`` needs a section to go into.
        settings["workers"] = {"count": settings["workers"]}
    for override in overrides:
        _apply(override, settings)
    return settings


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            # One byte more than permitted is enough to know that the file is too long.
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise ConfigError(f"configuration file {path} does not exist; give the path of a YAML file") from None
    except OSError as error:
        raise ConfigError(f"configuration file {path} cannot be read: {error.strerror}") from None
    if len(content) > MAX_BYTES:
        raise ConfigError(f"configuration file {path} has more than {MAX_BYTES} bytes; is it the right file?")
    try:
        # Some editors write a byte order mark first, which is no part of the YAML.
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"configuration file {path} is not UTF-8 at byte {error.start}; save it as UTF-8"
        ) from None


def _apply(override: str, values: dict[str, Any]) -> None:
    """Sets one dotted key in ``values`` and makes the sections that are missing on the way."""
    source = f"override {shown(override)}"
    key, equals, text = override.partition("=")
    parts = key.strip().split(".")
    if not equals or not all(parts):
        raise ConfigError(f"{source} is not of the form key=value, such as budget.evaluations=50")
    value = parse_yaml(text, source=source)
    section = values
    for depth, part in enumerate(parts[:-1], start=1):
        inner = section.get(part)
        if inner is None:
            inner = section[part] = {}
        if not isinstance(inner, dict):
            raise ConfigError(f"{source} goes into {'.'.join(parts[:depth])}, which is no section")
        section = inner
    section[parts[-1]] = value
