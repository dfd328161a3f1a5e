"""What every visualizer has to do."""

import subprocess
import sys
from typing import Any

import pytest
from matplotlib import rcParams
from matplotlib.figure import Figure
from pydantic import ValidationError

from vaezoo.components.visualizers import COMPONENTS

BY_NAME: dict[str, Any] = {component.use: component for component in COMPONENTS}


@pytest.mark.parametrize("name", BY_NAME)
@pytest.mark.parametrize(
    ("latent", "channels", "labels"),
    [
        (2, 1, True),
        (12, 3, False),
        (1, 1, True),
        *(pytest.param(latent, 3, False, marks=pytest.mark.slow) for latent in (1, 2)),
        pytest.param(12, 1, True, marks=pytest.mark.slow),
    ],
)
def test_each_draws_whatever_the_model(make_context, name, latent, channels, labels):
    before = dict(rcParams)
    context = make_context(latent=latent, channels=channels, labels=labels)
    figure = BY_NAME[name]().draw(context)
    assert isinstance(figure, Figure)
    assert any(text.get_text().startswith("small: ") for text in figure.texts)
    assert dict(rcParams) == before


@pytest.mark.parametrize("name", BY_NAME)
def test_nothing_written_leaves_the_page_or_touches_a_neighbour(make_context, name):
    figure = BY_NAME[name]().draw(make_context(latent=12))
    figure.canvas.draw_idle()
    renderer = _renderer(figure)
    written = [*figure.texts, *(text for axes in figure.axes for text in axes.texts)]
    boxes = [text.get_window_extent(renderer) for text in written if text.get_text()]
    page = figure.bbox.padded(1)
    assert all(page.contains(*box.min) and page.contains(*box.max) for box in boxes)
    for number, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[number + 1 :])


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("samples", {"n": 0}),
        ("samples", {"columns": 0}),
        ("reconstructions", {"n": 0}),
        ("reconstructions", {"bands": -1}),
        ("latent_scatter", {"points": 0}),
        ("manifold", {"n": 1}),
        ("traversals", {"span": 0.0}),
        ("traversals", {"steps": 1}),
        ("traversals", {"rows": 0}),
        ("traversals", {"image": -1}),
        ("interpolations", {"pairs": 0}),
        ("interpolations", {"steps": 1}),
        ("loss_curves", {"n": 5}),
    ],
)
def test_a_wrong_parameter_is_rejected(name, parameters):
    with pytest.raises(ValidationError):
        BY_NAME[name](**parameters)


def test_every_parameter_is_documented():
    for component in COMPONENTS:
        assert component.__doc__
        assert all(field.description for field in component.model_fields.values())


def test_reading_them_imports_nothing_heavy():
    code = (
        "import sys, vaezoo.components.visualizers\n"
        "print([m for m in ('torch', 'numpy', 'matplotlib', 'PIL') if m in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


def _renderer(figure):
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    return FigureCanvasAgg(figure).get_renderer()
