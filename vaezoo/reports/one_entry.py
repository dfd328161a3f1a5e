"""The report of one entry."""

from __future__ import annotations

import math

from vaezoo.evaluation import UNUSED_BELOW
from vaezoo.registry import Figure, Visualizer
from vaezoo.reports import plots, shared_sections
from vaezoo.reports.blocks import (
    Block,
    Listing,
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
from vaezoo.reports.component_text import as_prose_or_empty
from vaezoo.reports.figure_tables import figure_tables, protocol
from vaezoo.reports.objective import objective
from vaezoo.reports.observations import observe
from vaezoo.reports.subject import Subject

_HALF = 0.49
_EXACTLY = ", bit for bit on a CPU of the same architecture with the same number of threads"
#: Lines of a spec per column, and the most columns.
_LINES, _MAX_COLUMNS = 14, 3


def report_of(subject: Subject) -> ReportDocument:
    """The report of one trained model, about two pages."""
    summary = subject.entry.spec_data.get("summary") or "A variational autoencoder"
    sections = (
        Section("The model", _model(subject)),
        Section("Derivation of the objective", objective(subject)),
        Section("Reconstruction versus KL", _trade_off(subject)),
        Section("Reconstructions and samples", _images(subject)),
        Section("Latent space", _latents(subject)),
        Section("Other pictures", _other_pictures(subject)),
        Section("Observations", (shared_sections.observations(observe(subject.facts)),)),
        Section("How to reproduce it", _reproduce(subject)),
    )
    return ReportDocument(
        subject.name,
        prose("{summary}", summary=summary),
        tuple(section for section in sections if section.blocks),
        shared_sections.notices(subject),
    )


def _model(subject: Subject) -> tuple[Block, ...]:
    first, *others = figure_tables(subject.metrics.figures)
    left = (shared_sections.layer_table(subject), *others)
    return (Paragraph(shared_sections.trained(subject)), Side((left, (first,)), (1.12, 1)))


def _trade_off(subject: Subject) -> tuple[Block, ...]:
    run = subject.run
    loss = subject.model.spec.loss
    fallback = prose("The objective is that of the loss `{use}`.", use=loss.use)
    paragraph = Paragraph(
        prose(
            r"The negative ELBO is the sum of a rate $R$, the KL term, and a distortion $D$, the "
            r"reconstruction term (Alemi et al. 2018). {tradeoff} {result}",
            tradeoff=as_prose_or_empty(loss.tradeoff) or fallback,
            result=shared_sections.rate_and_distortion(subject),
        )
    )
    if not run.history:
        return (paragraph,) if run.point else ()
    return (paragraph, _curves(subject))


def _curves(subject: Subject) -> Picture:
    run = subject.run
    where = "validation" if run.is_validated else "training"
    likelihood = subject.model.spec.model.likelihood.use
    star = "; star: the model on the test split" if run.point else ""
    caption = prose(
        "**Training.** Nats per example over {epochs} epochs. Gray: training, running mean within "
        "the epoch{blue}. Right: rate and distortion after each epoch ({where}){star}; gray lines: "
        "equal −ELBO. `{dataset}`, {likelihood} likelihood, binarisation: {how}, "
        "one draw of z per image.",
        epochs=len(run.history),
        blue="; blue: validation after the epoch" if run.is_validated else "",
        where=where,
        star=star,
        dataset=shared_sections.dataset_of(subject),
        likelihood=likelihood,
        how=str(subject.context.binarization).partition(",")[0],
    )
    last = run.history[-1].train
    alt = (
        f"Curves of the objective, reconstruction and KL over {len(run.history)} epochs, and the "
        f"path through the rate-distortion plane. The last epoch has a training reconstruction of "
        f"{last['reconstruction']:.2f} and a KL of {last['kl']:.2f} nats."
    )
    return Picture(plots.training([run]), "svg", alt, caption)


def _images(subject: Subject) -> tuple[Block, ...]:
    return shared_sections.side_by_side(
        [
            subject.picture(
                "reconstructions",
                "Reconstructions.",
                _HALF,
                "Test images, each above the model's reconstruction of it",
                shared_sections.RECONSTRUCTIONS,
            ),
            subject.picture(
                "samples",
                "Samples.",
                _HALF,
                f"Mean images of latents drawn {subject.model.drawn_from}",
                shared_sections.SAMPLES,
            ),
        ]
    )


#: Visualizers that the sections above draw.
_PLACED = frozenset(
    {"reconstructions", "samples", "latent_scatter", "traversals", "manifold", "interpolations"}
)


def _other_pictures(subject: Subject) -> tuple[Block, ...]:
    """The spec's other visualizers, two in a row."""
    others = [one for one in subject.model.spec.visualizers if one.in_reports]
    others = [one for one in others if _name_of(one) not in _PLACED]
    drawn = [picture for one in others if (picture := subject.picture_of(one, _HALF))]
    rows = [drawn[start : start + 2] for start in range(0, len(drawn), 2)]
    return tuple(block for row in rows for block in shared_sections.side_by_side(row))


def _name_of(visualizer: Visualizer) -> str:
    """The name in the spec: ``parts:samples`` differs from vaezoo's ``samples``."""
    written = visualizer.to_spec()
    return written if isinstance(written, str) else str(written["use"])


def _latents(subject: Subject) -> tuple[Block, ...]:
    latent = subject.model.latent
    scatter = subject.picture(
        "latent_scatter",
        "Posterior means.",
        _HALF,
        "Scatter plot of the posterior means of test images, colored by class",
        shared_sections.SCATTER,
    )
    space = (
        subject.picture(
            "traversals",
            "Traversals.",
            _HALF,
            "Rows of decoded images, one row for each latent dimension",
            shared_sections.TRAVERSALS,
        )
        if latent > 2
        else subject.picture(
            "manifold",
            "The latent plane, decoded.",
            _HALF,
            "Grid of decoded images over the latent plane",
            shared_sections.MANIFOLD,
        )
    )
    between = subject.picture(
        "interpolations",
        "Interpolations.",
        _HALF,
        "Rows of decoded images along lines between the latents of two test images",
        shared_sections.INTERPOLATIONS,
    )
    return (
        *shared_sections.side_by_side([scatter, space]),
        *shared_sections.side_by_side([between, _by_dimension(subject)]),
    )


def _by_dimension(subject: Subject) -> Picture | None:
    """The KL of each latent; if only the sum is known, the values that define active units."""
    kl, active = subject.facts.of_role("kl"), subject.facts.of_role("active_units")
    units = ""
    if active and active.per_dimension:
        note = f" ({active.note.partition(';')[0]})" if active.note else ""
        units = f" Active units: {active.value:g} of {len(active.per_dimension)}{note}."
    if kl and kl.per_dimension:
        caption = prose(
            "**KL of each latent dimension.** {sum} nats in total; dimensions below {limit} nats "
            "are gray.{units} {how}.",
            sum=f"{kl.value:.2f}",
            limit=UNUSED_BELOW,
            units=units,
            how=protocol(kl),
        )
        return _bars(subject, "KL, nats", kl.per_dimension, UNUSED_BELOW, caption)
    if active and active.per_dimension:
        each = (active.about.each if active.about else "") or active.label
        caption = prose(
            "**Latent dimensions by {each}.** This prior gives only the KL of all latents "
            "together. Inactive dimensions are gray.{units} {how}.",
            each=each,
            units=units,
            how=protocol(active),
        )
        return _bars(subject, each, active.per_dimension, _smallest_active(active), caption)
    return None


def _smallest_active(active: Figure) -> float:
    """The smallest value of an active dimension; infinite if none is active."""
    ranked = sorted(active.per_dimension or (), reverse=True)[: round(active.value)]
    return ranked[-1] if ranked else math.inf


def _bars(
    subject: Subject, axis: str, each: tuple[float, ...], limit: float, caption: Prose
) -> Picture:
    listed = ", ".join(f"z{index} {value:.2f}" for index, value in enumerate(each))
    svg = plots.by_dimension({subject.name: each}, limit, 1.45, axis)
    return Picture(svg, "svg", f"Bars by dimension, {axis}: {listed}", caption)


def _reproduce(subject: Subject) -> tuple[Block, ...]:
    spec = shared_sections.spec_text(subject)
    columns = min(1 + spec.count("\n") // _LINES, _MAX_COLUMNS)
    return (
        Paragraph(
            prose(
                "With this spec in `{name}.yaml` and the versions below, the first command trains "
                "the same weights{exactly}. The second recomputes the figures. Other settings have "
                "the defaults of vaezoo {version}.",
                name=subject.name,
                exactly=_EXACTLY if subject.entry.lock["device"]["type"] == "cpu" else "",
                version=subject.entry.lock["vaezoo"],
            )
        ),
        Side(
            (
                (Listing(spec, columns),),
                (Listing(shared_sections.commands(subject)),),
            ),
            (1.5 if columns == 1 else 2.2, 1),
        ),
        Table((plain("what"), plain("value")), tuple(shared_sections.digest_rows(subject)), "ll"),
    )
