"""The metric ``perplexity``."""

from __future__ import annotations

from typing import ClassVar

from vaezoo import DataFacts, EvaluationContext, Figure, Metric, Quantity, Spec


class Perplexity(Metric, use="perplexity"):
    """exp of the entropy of how often each code is used on the split: the codes in even use.

    The codes are the most likely ones of q(z|x).
    """

    figures: ClassVar[tuple[Quantity, ...]] = (
        Quantity("perplexity", "neither", unit="codes", title="perplexity of codes", least=1),
        Quantity("codes_used", "neither", unit="codes", title="codes used", least=1),
    )

    def data_problem(self, spec: Spec, data: DataFacts) -> str | None:
        """It needs codes."""
        if spec.model.posterior.space(spec.model.latent_shape).levels is None:
            return f"it counts codes, and {spec.model.posterior.use} has none"
        return super().data_problem(spec, data)

    def compute(self, context: EvaluationContext) -> list[Figure]:
        """perplexity and codes_used."""
        from vaezoo_discrete.usage import usage_figures

        return usage_figures(context)
