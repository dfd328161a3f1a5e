"""The result of a dataset is checked, and errors name its plugin."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.helpers import registry_with, spec_data
from vaezoo.data.loading import load
from vaezoo.diagnostics import DataError, Diagnostic, DiagnosticWarning, PluginError
from vaezoo.registry import Dataset, ImageData, ImageShape, Split
from vaezoo.spec import from_data

DIGEST = hashlib.sha256(b"x").hexdigest()
IMAGES = torch.arange(8 * 6 * 6).remainder(256).to(torch.uint8).view(8, 1, 6, 6)
LABELS = torch.arange(8) % 3


def dataset(make: Any, shape: Any = ImageShape(1, 6, 6)) -> Dataset:  # noqa: B008 - it is frozen
    class Given(Dataset, use="given"):
        """Returns what the test gives it."""

        @property
        def image_shape(self) -> ImageShape:
            return shape

        def build(self) -> ImageData:
            return make()

    return Given()


def data(**changes: Any) -> Any:
    """A function that returns data with equal splits, apart from the changes."""
    images, labels = changes.pop("images", IMAGES), changes.pop("labels", LABELS)
    fields = {
        "train": Split(images, labels),
        "test": Split(images, labels),
        "class_names": ("a", "b", "c"),
        "digest": DIGEST,
        **changes,
    }
    return lambda: ImageData(**fields)


UNIT = IMAGES / 255
FAULTS = {
    "float in [0, 1]": (data(images=UNIT), r"training images in torch\.float32 from 0 to 1, not"),
    "the way out": (data(images=UNIT), r"\(images \* 255\)\.round\(\)\.to\(torch\.uint8\)"),
    "float up to 255": (
        data(images=IMAGES.float()),
        r"float32 from 0 to 255(?s:.*)s\.round\(\)\.to\(",
    ),
    "double": (data(images=UNIT.double()), r"torch\.float64"),
    "nan": (data(images=UNIT * torch.nan), r"from nan to nan"),
    "int64": (data(images=IMAGES.long()), r"torch\.int64"),
    "bool": (data(images=IMAGES > 9), r"torch\.bool"),
    "bool to bytes": (data(images=IMAGES > 9), r"images\.to\(torch\.uint8\) \* 255"),
    "from -1 to 1": (data(images=UNIT * 2 - 1), r"\(\(images \+ 1\) \* 127\.5\)"),
    "any range": (data(images=UNIT * 9 - 4), r"scale their range, from LOW to HIGH"),
    "integers beyond": (data(images=IMAGES.long() * 16), r"scale their range, from LOW to HIGH"),
    "not finite": (data(images=UNIT * torch.nan), r"replace NaN and infinite values"),
    "a name twice": (data(class_names=("a", "b", "a")), r"class_names with 'a' more than once"),
    "no channels": (data(images=IMAGES[:, 0]), r"shape \(8, 6, 6\), not \(N, C, H, W\)"),
    "channels last": (data(images=IMAGES.permute(0, 2, 3, 1)), r"6×6×1, not 1×6×6(?s:.*)permute"),
    "other size": (data(images=IMAGES.repeat(1, 1, 2, 2)), r"1×12×12, not 1×6×6"),
    "color": (data(images=IMAGES.repeat(1, 3, 1, 1)), r"3×6×6, not 1×6×6"),
    "numpy": (data(images=IMAGES.numpy()), r"an ndarray as its training images(?s:.*)from_numpy"),
    "list": (data(images=IMAGES.tolist()), r"a list as its training images"),
    "meta": (data(images=IMAGES.to("meta")), r"training images on meta"),
    "float on meta": (data(images=UNIT.to("meta")), r"training images on meta"),
    "labels on meta": (data(labels=LABELS.to("meta")), r"training labels on meta"),
    "sparse": (data(images=IMAGES.to_sparse()), r"sparse"),
    "empty test": (data(test=Split(IMAGES[:0], LABELS[:0])), r"a test split without images"),
    "empty train": (data(train=Split(IMAGES[:0], LABELS[:0])), r"a training split without images"),
    "float labels": (data(labels=LABELS.float()), r"labels in torch\.float32, not torch\.int64"),
    "label columns": (data(labels=LABELS[:, None]), r"labels of shape \(8, 1\) for 8 images"),
    "few labels": (data(labels=LABELS[:5]), r"labels of shape \(5\) for 8 images"),
    "labels too high": (data(labels=LABELS + 7), r"from 7 to 9 with 3 class names"),
    "negative labels": (data(labels=LABELS - 1), r"from -1 to 1 with 3 class names"),
    "label list": (data(labels=LABELS.tolist()), r"a list as its training labels"),
    "labels for one": (data(test=Split(IMAGES)), r"labels for one split alone"),
    "one text as names": (data(class_names="abc"), r"a str as its class_names"),
    "numbers as names": (data(class_names=(0, 1, 2)), r"class_names that are not all texts"),
    "digest": (data(digest="abc"), r"the digest 'abc', not a SHA-256"),
    "no digest": (data(digest=""), r"the digest ''"),
    "digest is none": (data(digest=None), r"the digest None"),
    "upper digest": (data(digest=DIGEST.upper()), r"not a SHA-256"),
    "a tuple": (lambda: ((IMAGES, LABELS), (IMAGES, LABELS)), r"gives a tuple, not an ImageData"),
    "nothing": (lambda: None, r"gives None, not an ImageData"),
    "pairs": (data(train=(IMAGES, LABELS)), r"a tuple as its training split"),
    "raises": (
        lambda: Path("/no/file").read_bytes(),
        r"to load its images: FileNotFound",
    ),
    "imports": (lambda: __import__("not_there"), r"ModuleNotFoundError: No module named"),
    "exits": (lambda: sys.exit("no"), r"SystemExit: no"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_names_its_plugin_and_component(fault: str) -> None:
    make, words = FAULTS[fault]
    made = type(dataset(make))
    given = from_data(spec_data(dataset="given"), registry_with(made)).dataset
    with pytest.raises(PluginError, match=words) as caught:
        load(given)
    (finding,) = caught.value.diagnostics
    assert finding.code == "VZ303"
    assert finding.message.startswith("the dataset 'given' of the plugin tests 1 ")
    assert "test_loading.dataset.<locals>.Given" in str(finding.hint)


@pytest.mark.filterwarnings("ignore:Field name:UserWarning")
def test_a_field_called_kind_does_not_change_a_finding() -> None:
    class Kinds(Dataset, use="kinds"):
        """Has a parameter named ``kind``, like the class attribute."""

        kind: str = "photographs"  # type: ignore[misc]

        @property
        def image_shape(self) -> ImageShape:
            return ImageShape(1, 6, 6)

        def build(self) -> ImageData:
            raise ValueError("no")

    with pytest.raises(PluginError, match="the dataset 'kinds' "):
        load(Kinds())


def test_an_image_shape_that_is_a_tuple() -> None:
    with pytest.raises(PluginError, match="image_shape as a tuple, not an ImageShape"):
        load(dataset(data(), (1, 6, 6)))


def test_valid_data_are_unchanged() -> None:
    loaded = load(dataset(data()))
    assert loaded.train.images is IMAGES
    assert loaded.class_names == ("a", "b", "c")
    assert load(dataset(data(labels=None))).train.labels is None
    turned = IMAGES.transpose(2, 3)
    assert torch.equal(load(dataset(data(images=turned))).test.images, turned)


@pytest.mark.parametrize("kind", [torch.int32, torch.int16, torch.uint8])
def test_labels_of_any_integer_type(kind: torch.dtype) -> None:
    labels = load(dataset(data(labels=LABELS.to(kind)))).train.labels
    assert labels is not None
    assert labels.dtype == torch.int64
    assert torch.equal(labels, LABELS)


def test_class_names_may_be_a_list_or_missing() -> None:
    assert load(dataset(data(class_names=["x", "y", "z"]))).class_names == ("x", "y", "z")
    assert load(dataset(data(class_names=()))).class_names == ("0", "1", "2")


@pytest.mark.parametrize("top", [0, 1])
def test_nearly_black_images_give_a_warning(top: int) -> None:
    with pytest.warns(DiagnosticWarning, match="VZ611: no pixel .* is above 1"):
        load(dataset(data(images=IMAGES.clamp(max=top))))


def test_nearly_black_test_images_give_a_warning() -> None:
    with pytest.warns(DiagnosticWarning, match="VZ611: no pixel of the test images"):
        load(dataset(data(test=Split(IMAGES.clamp(max=1), LABELS))))


def test_vaezoos_own_errors_are_passed_on() -> None:
    def none() -> Any:
        raise DataError(Diagnostic("VZ601", "gone"))

    def full() -> Any:
        raise MemoryError

    with pytest.raises(DataError, match="gone"):
        load(dataset(none))
    with pytest.raises(MemoryError):
        load(dataset(full))


def test_out_of_memory_is_not_a_fault_of_the_dataset() -> None:
    def make() -> ImageData:
        raise RuntimeError("Storage size calculation overflowed with sizes=[4611686018427387904]")

    with pytest.raises(RuntimeError, match="overflowed"):
        load(dataset(make))
