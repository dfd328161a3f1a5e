"""Look up, explain and compare specs, given as files or as entries of the zoo."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from vaezoo.diagnostics import Piped, UsageError
from vaezoo.registry import Registry, discover
from vaezoo.spec.difference import Difference, compare
from vaezoo.spec.document import parse_document
from vaezoo.spec.extends import Layers
from vaezoo.spec.find_specs import ENDINGS
from vaezoo.spec.provenance import Origin, origins
from vaezoo.spec.reader import Reading, examine, examine_layers, resolved
from vaezoo.spec.spec import Spec
from vaezoo.spec.stdin import given

Reference = str | Path


def look_up(
    reference: Reference,
    *,
    overrides: Sequence[str] = (),
    zoo: str | Path | None = None,
    registry: Registry | None = None,
) -> Reading:
    """Read a spec file, or the spec of an entry or weights file, with ``overrides``.

    An existing file, or a path that ends in ``.yaml`` or ``.yml``, is a spec file. Raises
    UsageError (VZ501) if there is neither file nor entry, and what reading the entry raises.
    """
    registry = registry or discover()
    reference = given(reference)
    if isinstance(reference, Piped) or _is_spec_file(reference):
        return examine(reference, overrides=overrides, registry=registry)
    from vaezoo.system.yaml_writer import resolved_text
    from vaezoo.zoo import find
    from vaezoo.zoo.lock import plugins_of, require_plugins

    try:
        entry = find(reference, zoo=zoo)
    except UsageError:
        if os.path.isdir(reference):
            return examine(reference, overrides=overrides, registry=registry)
        raise
    require_plugins(entry.lock, registry, entry.name)
    # the header has the authoritative text; spec.yaml has the same
    source = entry.weights_path if entry.stands_alone else entry.path / "spec.yaml"
    document, findings = parse_document(resolved_text(entry.spec_data), str(source))
    layers = Layers(str(source), (document.root,), tuple(findings), {})
    return examine_layers(layers, overrides, registry.pinned(plugins_of(entry.lock)))


def overridden(spec: Spec, overrides: Sequence[str], registry: Registry) -> Spec:
    """The spec with ``overrides`` such as ``"loss.beta=2"``. Raises SpecError."""
    if not overrides:
        return spec
    from vaezoo.system.yaml_writer import resolved_text

    document, findings = parse_document(resolved_text(resolved(spec)), spec.name)
    layers = Layers(spec.name, (document.root,), tuple(findings), {})
    return examine_layers(layers, overrides, registry).only(spec.name)


def why(
    reference: Reference,
    key: str,
    *,
    overrides: Sequence[str] = (),
    zoo: str | Path | None = None,
    registry: Registry | None = None,
) -> tuple[Origin, ...]:
    """The origin of a key's value: ``vaezoo.why("my_vae.yaml", "train.epochs")``.

    One ``Origin``, or one for each group of matrix members with the same origin. Raises SpecError
    for an invalid spec, UsageError (VZ504) for an unknown key.
    """
    registry = registry or discover()
    reading = look_up(reference, overrides=overrides, zoo=zoo, registry=registry)
    _ = reading.specs
    return origins(reading, key, registry)


def diff(
    before: Reference | Spec,
    after: Reference | Spec,
    *,
    overrides: Sequence[str] = (),
    zoo: str | Path | None = None,
    registry: Registry | None = None,
) -> Difference:
    """The differences of two specs, with the effect of each on a trained model:
    ``vaezoo.diff("fashion_mlp2", "my_vae.yaml").changes``.

    ``overrides`` apply to the second spec. Raises SpecError for an invalid spec.
    """
    registry = registry or discover()
    if not isinstance(before, Spec) and before == after:
        before = after = given(before)  # standard input is read once
    one, other = (
        overridden(spec, changes, registry)
        if isinstance(spec, Spec)
        else look_up(spec, overrides=changes, zoo=zoo, registry=registry).only(spec)
        for spec, changes in ((before, ()), (after, overrides))
    )
    return compare(one, other)


def _is_spec_file(path: str) -> bool:
    if path.lower().endswith(ENDINGS) or path in (os.curdir, os.pardir):
        return True
    return os.path.isfile(path) and not path.endswith(".safetensors")
