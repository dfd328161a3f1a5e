"""``explore``: write the page of one or two entries, as ``vaezoo explore`` does."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vaezoo.diagnostics import DataError, Diagnostic, PluginError, UsageError
from vaezoo.explorer.embedded_images import choose_test_images
from vaezoo.explorer.explorer_page import ExplorerPage, explorer_page
from vaezoo.explorer.page_data import Explored
from vaezoo.registry import Registry, discover
from vaezoo.system.files import Content, check_output
from vaezoo.zoo import Entry, find
from vaezoo.zoo.entry_data import load_images, load_model
from vaezoo.zoo.sampling import unwritable

if TYPE_CHECKING:
    from vaezoo.model import VAE

_PAGE = Content("an HTML page", lambda path, head: b"<!doctype html" in head[:200].lower())


def explore(
    name: str | Path,
    other: str | Path | None = None,
    *,
    out: str | Path | None = None,
    zoo: str | Path | None = None,
    force: bool = False,
    registry: Registry | None = None,
    overrides: Sequence[str] = (),
) -> Path:
    """Write a page that decodes one entry, or two: ``vaezoo.explore("fashion_mlp2")``.

    ``out`` is by default ``NAME-explore.html`` in the current folder. An existing file that is not
    a page is only replaced with ``force``. Returns the path of the page. ``overrides`` are
    ``dataset.KEY=VALUE`` texts that locate the data. Without the data the page has no test images,
    and says why. Warns (VZ612) if the data differ from those of the training.

    Raises UsageError (VZ501) for an unknown entry and (VZ504) for images that a page cannot show
    or two models with images of different shapes, ZooError (VZ503) if the file cannot be written,
    and what loading the entry raises.
    """
    path = Path(out) if out is not None else explorer_path(name, other)
    check_page(path, force=force)
    registry = registry or discover()
    names = [name] if other is None else [name, other]
    page = _page([_found(one, zoo, registry, overrides) for one in names])
    try:
        return page.save(path)
    except OSError as error:
        raise unwritable(path, error) from None


def explore_model(model: VAE, other: VAE | None = None) -> ExplorerPage:
    """The page of a loaded model, or of two: what ``model.explore()`` returns.

    Raises UsageError (VZ504) as ``explore`` does, and AttributeError for a model without a spec.
    """
    return _page([_loaded(one) for one in (model, other) if one is not None])


def check_page(path: Path, *, force: bool = False) -> None:
    """Raise ZooError (VZ503) if ``path`` cannot be written, by cheap checks."""
    try:
        check_output(path, None if force else _PAGE)
    except OSError as error:
        raise unwritable(path, error) from None


def explorer_path(name: str | Path, other: str | Path | None = None) -> Path:
    """``fashion_mlp2-explore.html``, or ``fashion_beta1-fashion_beta4-explore.html``."""
    names = [
        Path(one).resolve().stem if str(one) in (".", "..") else Path(one).stem
        for one in (name, other)
        if one is not None
    ]
    return Path("-".join([*names, "explore"]) + ".html")


def page_of(entries: Sequence[Entry], registry: Registry) -> ExplorerPage:
    """The page of one entry, or two. Raises what ``explore`` raises."""
    return _page([_entry(entry, entry.name, registry) for entry in entries])


def _found(
    name: str | Path, zoo: str | Path | None, registry: Registry, overrides: Sequence[str]
) -> Explored:
    entry = find(name, zoo=zoo)
    # a shipped name works everywhere, the path of another entry on this machine
    load = entry.name if entry.is_shipped or not _is_path(name) else str(name)
    return _entry(entry, load, registry, overrides)


def _entry(entry: Entry, load: str, registry: Registry, overrides: Sequence[str] = ()) -> Explored:
    """An entry with its test images; ``load`` is what ``vaezoo.load`` takes."""
    model = load_model(entry, registry, "cpu", overrides)
    try:
        images = choose_test_images(load_images(entry, model))
    except (DataError, PluginError) as error:
        return Explored(entry.name, load, model, None, error.diagnostics[0].message)
    return Explored(entry.name, load, model, images, "" if images else "the test split is empty")


def _is_path(name: str | Path) -> bool:
    return isinstance(name, Path) or "/" in name or name.endswith(".safetensors")


def _loaded(model: VAE) -> Explored:
    from vaezoo.data.loading import load

    name = model.spec.name
    if model.device.type != "cpu":
        model = copy.deepcopy(model).cpu()
    try:
        problem = model.spec.dataset.problem()
        images = None if problem else choose_test_images(load(model.spec.dataset))
    except (DataError, PluginError) as error:
        return Explored(name, name, model, None, error.diagnostics[0].message)
    return Explored(name, name, model, images, problem or "")


def _page(models: list[Explored]) -> ExplorerPage:
    shapes = {tuple(one.model.image_shape) for one in models}
    if len(shapes) > 1:
        first, second = ("×".join(map(str, one.model.image_shape)) for one in models)
        raise UsageError(
            Diagnostic(
                "VZ504",
                f"{models[0].name} has images of {first}, {models[1].name} of {second}",
                hint="choose two models with images of one shape",
            )
        )
    channels = models[0].model.image_shape.channels
    if channels not in (1, 3):
        raise UsageError(
            Diagnostic(
                "VZ504",
                f"{models[0].name} has images of {channels} channels: a page shows 1 or 3",
                hint="use its Python interface: vaezoo.load(…).decode(z)",
            )
        )
    return explorer_page(models)
