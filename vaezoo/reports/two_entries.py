"""The report of two entries side by side."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from vaezoo.evaluation import UNUSED_BELOW
from vaezoo.registry import Metrics
from vaezoo.reports import formulas, plots, shared_sections
from vaezoo.reports.blocks import (
    Block,
    Code,
    Formula,
    Listing,
    Notice,
    Paragraph,
    Picture,
    Prose,
    ReportDocument,
    Section,
    Side,
    Table,
    plain,
    prose,
)
from vaezoo.reports.compare import gap, incomparable, observe_both
from vaezoo.reports.figure_tables import how_obtained, label_of, protocol, value_of
from vaezoo.reports.observations import observe
from vaezoo.reports.paired_difference import Paired, pairs
from vaezoo.reports.subject import Subject
from vaezoo.spec.difference import Change, compare
from vaezoo.zoo.search import words_for

_HALF = 0.49
_MAX_VALUE_LENGTH = 44
_TRAVERSALS = {**shared_sections.TRAVERSALS, "rows": 5}


def report_of_two(first: Subject, second: Subject) -> ReportDocument:
    """The comparison of two trained models."""
    both = first, second
    reasons = incomparable(first, second)
    sections = (
        Section("Differences", _differences(first, second)),
        Section("Figures", _figures(first, second, comparable=not reasons)),
        Section("Reconstruction versus KL", _trade_off(first, second)),
        Section("Reconstructions and samples", _pictures(both)),
        Section("Latent spaces", _latents(both)),
        Section("Observations", (_observations(both),)),
        Section("How to reproduce them", _reproduce(both)),
    )
    return ReportDocument(
        f"{first.name} and {second.name}",
        prose(
            "{one} · {other}",
            one=first.entry.spec_data.get("summary") or first.name,
            other=second.entry.spec_data.get("summary") or second.name,
        ),
        tuple(section for section in sections if section.blocks),
        (*_warning(reasons), *shared_sections.notices(first), *shared_sections.notices(second)),
    )


def _warning(reasons: list[Prose]) -> tuple[Notice, ...]:
    if not reasons:
        return ()
    listed = reasons[0]
    for reason in reasons[1:]:
        listed = prose("{listed}; {reason}", listed=listed, reason=reason)
    return (
        Notice(
            prose(
                "**Do not compare the figures of these two:** {listed}. The report gives no "
                "differences.",
                listed=listed,
            )
        ),
    )


def _differences(first: Subject, second: Subject) -> tuple[Block, ...]:
    found = compare(first.model.spec, second.model.spec)
    of_model = [c for c in found.changes if c.path not in ("name", "summary")]
    counts = [f"{subject.parameters:,}" for subject in (first, second)]
    sizes = f"{counts[0]} parameters each" if counts[0] == counts[1] else " and ".join(counts)
    sizes += "" if counts[0] == counts[1] else " parameters"
    if not of_model:
        same = prose("The two specs differ only in their names; {sizes}.", sizes=sizes)
        return (Paragraph(same),)
    rows = tuple(
        (Code(change.path), _value(change.before), _value(change.after), change.effect.value)
        for change in of_model
    )
    head = tuple(map(plain, ("key", first.name, second.name, "effect on a trained model")))
    cells = tuple(tuple(map(plain, row)) for row in rows)
    return (
        Paragraph(prose("All keys in which the two specs differ; {sizes}.", sizes=sizes)),
        Table(head, cells, "llll"),
        *_objectives(first, second, of_model),
    )


def _objectives(first: Subject, second: Subject, changes: list[Change]) -> tuple[Block, ...]:
    """The objective of each, if the losses differ."""
    if not any(change.path.partition(".")[0] == "loss" for change in changes):
        return ()
    blocks: list[Block] = []
    for number, subject in enumerate((first, second), 1):
        loss = formulas.of_loss(subject.model.spec.loss)
        where = prose(", with {where}", where=loss.where) if loss.where else ()
        blocks.append(Paragraph(prose("{name} minimized{where}:", name=subject.name, where=where)))
        blocks.append(Formula(loss.tex, number))
    return (Side((tuple(blocks[:2]), tuple(blocks[2:])), (1.0, 1.0)),)


def _value(value: Any) -> str:
    if isinstance(value, list) and any(isinstance(item, dict) for item in value):
        value = [
            item["use"] if isinstance(item, dict) and "use" in item else item for item in value
        ]
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = text.replace('"', "")
    return text if len(text) <= _MAX_VALUE_LENGTH else f"{text[: _MAX_VALUE_LENGTH - 1]}…"


def _figures(first: Subject, second: Subject, *, comparable: bool) -> tuple[Block, ...]:
    paired = pairs(first, second) if comparable else {}
    table = _table(first, second, paired, comparable=comparable)
    bars = _by_dimension((first, second))
    shown: tuple[Block, ...] = (Side(((table,), bars), (1.25, 1.0)),) if bars else (table,)
    together = observe_both(first, second, paired) if comparable else []
    return (*shown, shared_sections.observations(together)) if together else shown


def _table(
    first: Subject, second: Subject, paired: Mapping[str, Paired], *, comparable: bool
) -> Table:
    metrics = [subject.metrics for subject in (first, second)]
    names = dict.fromkeys(f"{f.split}/{f.name}" for m in metrics for f in m.figures)
    rows: list[tuple[Prose, ...]] = []
    for name in names:
        one, other = (m.figure(name) for m in metrics)
        found = gap(one, other, paired.get(name)) if comparable and one and other else None
        cells = [value_of(figure) if figure else plain("–") for figure in (one, other)]
        label = label_of(one or other)  # type: ignore[arg-type]
        rows.append((plain(label), *cells, plain(found or "–")))
    head = tuple(map(plain, ("figure", first.name, second.name, "difference")))
    sentences = [how_obtained(metrics[0].figures)]
    if (also := how_obtained(metrics[1].figures)) != sentences[0]:
        sentences = [f"{first.name}: {sentences[0]}", f"{second.name}: {also}"]
    if comparable:
        sentences.append(_errors_of_differences(metrics, paired))
    return Table(head, tuple(rows), "lrrr", plain(" ".join(sentences)))


def _errors_of_differences(metrics: list[Metrics], paired: Mapping[str, Paired]) -> str:
    """Say which standard errors of differences come from paired values."""
    text = "Differences are second minus first."
    with_error = {
        f"{figure.split}/{figure.name}": figure
        for figure in metrics[0].figures
        if figure.standard_error is not None
    }
    together: dict[int, list[str]] = {}
    for name in (name for name in with_error if name in paired):
        together.setdefault(paired[name].images, []).append(label_of(with_error[name]))
    for images, names in together.items():
        text += f" Standard errors of paired differences, from {images:,} images: "
        text += f"{', '.join(names)}."
    others = [label_of(figure) for name, figure in with_error.items() if name not in paired]
    if others:
        text += (
            f" Standard errors as of independent means, usually too large on the same images: "
            f"{', '.join(others)}."
        )
    return text


def _trade_off(first: Subject, second: Subject) -> tuple[Block, ...]:
    runs = [subject.run for subject in (first, second)]
    if not any(run.history for run in runs):
        return ()
    ended = [shared_sections.rate_and_distortion(subject) for subject in (first, second)]
    text = prose(
        "Rate $R$ is the KL term, distortion $D$ the reconstruction term. {one} {other}",
        one=ended[0],
        other=ended[1],
    )
    caption = prose(
        "**Training.** Nats per example. Blue: {one}; orange: {other}. Lines: validation, or "
        "training if nothing was held out; dotted: training, running mean within the epoch. "
        "Right: rate and distortion after each epoch; stars: the models on the test split; gray "
        "lines: equal −ELBO. {how}",
        one=first.name,
        other=second.name,
        how=" ".join(dict.fromkeys(map(_protocol, (first, second)))),
    )
    alt = f"Curves of the objective, reconstruction and KL of {first.name} and {second.name}, and "
    alt += "their paths through the rate-distortion plane"
    return Paragraph(text), Picture(plots.training(runs), "svg", alt, caption)


def _protocol(subject: Subject) -> str:
    likelihood = subject.model.spec.model.likelihood.use
    return (
        f"{shared_sections.dataset_of(subject)}, {likelihood} likelihood, binarisation: "
        f"{str(subject.context.binarization).partition(',')[0]}, one draw of z per image."
    )


def _pictures(both: tuple[Subject, Subject]) -> tuple[Block, ...]:
    return (
        *_side_by_side(
            both,
            "reconstructions",
            "Test images above their reconstructions",
            shared_sections.RECONSTRUCTIONS,
        ),
        *_side_by_side(both, "samples", "Mean images of new latents", shared_sections.SAMPLES),
    )


def _latents(both: tuple[Subject, Subject]) -> tuple[Block, ...]:
    planes = all(subject.model.latent == 2 for subject in both)
    use, parameters = (
        ("manifold", shared_sections.MANIFOLD) if planes else ("traversals", _TRAVERSALS)
    )
    return (
        *_side_by_side(
            both,
            "latent_scatter",
            "Posterior means of test images by class",
            shared_sections.SCATTER,
        ),
        *_side_by_side(both, use, "Decoded images over the latents", parameters),
    )


def _side_by_side(
    both: tuple[Subject, Subject], use: str, alt: str, parameters: dict[str, Any]
) -> tuple[Block, ...]:
    title = use.replace("_", " ")
    drawn = [
        subject.picture(
            use, f"{subject.name}, {title}.", _HALF, f"{subject.name}: {alt}", parameters
        )
        for subject in both
    ]
    if not any(drawn):
        return ()
    if all(drawn):
        return shared_sections.side_by_side(drawn)
    columns = tuple(
        (picture,) if picture else (Paragraph(prose("No picture for {name}.", name=subject.name)),)
        for picture, subject in zip(drawn, both, strict=True)
    )
    return (Side(columns, (1.0, 1.0)),)


def _by_dimension(both: tuple[Subject, Subject]) -> tuple[Block, ...]:
    bars = {}
    for subject in both:
        kl = subject.facts.of_role("kl")
        if kl and kl.per_dimension:
            bars[subject.name] = kl.per_dimension
    if len(bars) < 2:
        return ()
    caption = prose(
        "**KL of each latent dimension,** in descending order; gray below {limit} nats. {how}",
        limit=UNUSED_BELOW,
        how=" ".join(
            dict.fromkeys(f"{protocol(kl)}." for s in both if (kl := s.facts.of_role("kl")))
        ),
    )
    listed = "; ".join(
        f"{name}: " + ", ".join(f"{nats:.2f}" for nats in sorted(each, reverse=True))
        for name, each in bars.items()
    )
    svg = plots.by_dimension(bars, UNUSED_BELOW, 1.5)
    return (Picture(svg, "svg", f"Bars of the KL by dimension, in nats: {listed}", caption),)


def _observations(both: tuple[Subject, Subject]) -> Side:
    """The observations on each entry."""
    own = tuple(
        (
            Paragraph(prose("**{name}**", name=subject.name)),
            shared_sections.observations(observe(subject.facts)),
        )
        for subject in both
    )
    return Side(own, (1.0, 1.0))


def _reproduce(both: tuple[Subject, Subject]) -> tuple[Block, ...]:
    names = words_for(*(subject.entry for subject in both))
    commands = [
        *(f"vaezoo run {subject.name}.yaml" for subject in both),
        f"vaezoo verify {names}",
        f"vaezoo report {names} --pdf",
    ]
    listings = (*(shared_sections.spec_text(subject) for subject in both), "\n".join(commands))
    return (
        Side(tuple((Listing(text),) for text in listings), (1.0, 1.0, 1.2)),
        Table((plain("what"), plain("value")), tuple(_digests(both)), "ll"),
    )


def _digests(both: tuple[Subject, Subject]) -> Iterator[tuple[Prose, ...]]:
    """The digests of both; a shared one has one row."""
    rows = [shared_sections.digest_rows(subject) for subject in both]
    shared = [row for row in rows[0] if row in rows[1]]
    yield from shared
    for subject, own in zip(both, rows, strict=True):
        for what, value in (row for row in own if row not in shared):
            yield prose("{name}: {what}", name=subject.name, what=what), value
