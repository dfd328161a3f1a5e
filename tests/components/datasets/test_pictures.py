"""Pictures of every kind of pixel, each to the right grey levels, and what is said of it."""

from __future__ import annotations

import os
import struct
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from vaezoo.components.datasets import ImageFolder
from vaezoo.diagnostics import DataError, DiagnosticWarning

SIDE = 8


def two(folder: Path, picture: Image.Image, name: str = "{}.png", **options: Any) -> ImageFolder:
    """A dataset of one picture, twice."""
    folder.mkdir(exist_ok=True)
    for number in range(2):
        picture.save(folder / name.format(number), **options)
    return ImageFolder(path=str(folder), height=SIDE, channels=1)


def told(dataset: ImageFolder) -> tuple[Tensor, str]:
    """One of its images, and what was warned of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        images = dataset.build().train.images
    assert all(issubclass(one.category, DiagnosticWarning) for one in caught)
    return images[0], "\n".join(str(one.message) for one in caught)


def ramp(top: int) -> np.ndarray:
    """A row-wise ramp from 0 to ``top``, (SIDE, SIDE)."""
    return np.linspace(0, top, SIDE)[:, None].repeat(SIDE, 1)


@pytest.mark.parametrize("ending", ["png", "tif", "pgm"])
def test_sixteen_bits_are_scaled_by_their_range(tmp_path: Path, ending: str) -> None:
    values = ramp(65535).astype(np.uint16)
    image, said = told(two(tmp_path, Image.fromarray(values), f"{{}}.{ending}"))
    expected = torch.from_numpy(np.round(values / 257)).to(torch.uint8)
    assert torch.equal(image[0], expected)
    assert "2 with 16 bits per pixel: scaled from 0–65,535 to 0–255" in said


def test_white_is_zero_in_sixteen_bits(tmp_path: Path) -> None:
    values = ramp(65535).astype(np.uint16)
    dataset = two(tmp_path, Image.fromarray(values), "{}.tif")
    tag = struct.pack("<HHI", 262, 3, 1)  # photometric interpretation, one short
    for path in tmp_path.iterdir():  # Pillow writes black as zero alone
        content = path.read_bytes()
        path.write_bytes(content.replace(tag + struct.pack("<H", 1), tag + struct.pack("<H", 0)))
    image, _ = told(dataset)
    assert torch.equal(image[0], torch.from_numpy(255 - np.round(values / 257)).to(torch.uint8))


def test_signed_pixels_are_refused(tmp_path: Path) -> None:
    picture = Image.fromarray(ramp(255).astype(np.uint8))
    with pytest.raises(DataError, match="signed pixels of unknown range"):
        two(tmp_path, picture, "{}.tif", tiffinfo={339: 2}).build()


def test_twelve_bits_in_files_of_sixteen_are_reported(tmp_path: Path) -> None:
    _, said = told(two(tmp_path, Image.fromarray(ramp(4095).astype(np.uint16))))
    assert "no pixel of the pictures in" in said
    assert "is above 16 of 255" in said


def test_big_endian_sixteen_bits(tmp_path: Path) -> None:
    values = ramp(65535).astype(np.uint16)
    picture = Image.frombytes("I;16B", (SIDE, SIDE), values.astype(">u2").tobytes())
    image, _ = told(two(tmp_path, picture, "{}.tif"))
    assert image[0, -1, 0] == 255
    assert image[0, 1, 0] == round(int(values[1, 0]) / 257)


def test_sixteen_bit_color(tmp_path: Path) -> None:
    """Pillow reads it with 8 bits a channel, from a PNG written by hand."""
    import struct
    import zlib

    row = b"\0" + struct.pack(">3H", 0xFFFF, 0x8000, 0) * SIDE
    chunks = (
        (b"IHDR", struct.pack(">2I5B", SIDE, SIDE, 16, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(row * SIDE)),
        (b"IEND", b""),
    )
    content = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
    for number in range(2):
        (tmp_path / f"{number}.png").write_bytes(content)
    image, said = told(ImageFolder(path=str(tmp_path), height=SIDE))
    assert image[:, 0, 0].tolist() == [255, 128, 0]
    assert said == ""


@pytest.mark.parametrize(
    ("dtype", "why"), [(np.float32, "floating-point pixels"), (np.int32, "32-bit integer pixels")]
)
def test_pixels_whose_range_is_not_known_are_refused(tmp_path: Path, dtype: type, why: str) -> None:
    dataset = two(tmp_path, Image.fromarray(ramp(1).astype(dtype)), "{}.tif")
    with pytest.raises(DataError, match=why) as caught:
        dataset.build()
    assert "2 of 2 pictures in " in str(caught.value)
    assert "8 or 16 bits" in str(caught.value)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_hidden_colors_under_transparent_parts_are_not_used(tmp_path: Path, mode: str) -> None:
    rgba = np.zeros((SIDE, SIDE, 4), np.uint8)
    rgba[..., :3] = 77
    rgba[:4, :, 3] = 255
    image, said = told(two(tmp_path, Image.fromarray(rgba).convert(mode)))
    assert image[0, :4].unique().tolist() == [77]
    assert image[0, 4:].unique().tolist() == [255]
    assert "2 with transparency: composited over white (see `background`)" in said


def test_the_background_can_be_chosen(tmp_path: Path) -> None:
    two(tmp_path, Image.new("RGBA", (SIDE, SIDE), (9, 9, 9, 0)))
    for background, color in (("black", [0, 0, 0]), ("#102030", [16, 32, 48])):
        dataset = ImageFolder(path=str(tmp_path), height=SIDE, background=background)
        image, said = told(dataset)
        assert image[:, 0, 0].tolist() == color
        assert f"composited over {background}" in said


def test_opaque_alpha_is_not_transparency(tmp_path: Path) -> None:
    image, said = told(two(tmp_path, Image.new("RGBA", (SIDE, SIDE), (50, 50, 50, 255))))
    assert image.unique().tolist() == [50]
    assert said == ""


def test_palettes(tmp_path: Path) -> None:
    picture = Image.new("P", (SIDE, SIDE), 1)
    picture.putpalette([0, 0, 0, 60, 60, 60])
    image, said = told(two(tmp_path / "opaque", picture))
    assert image.unique().tolist() == [60]
    assert said == ""
    for transparency in (1, bytes([255, 0])):
        dataset = two(tmp_path / "clear", picture, transparency=transparency)
        image, said = told(dataset)
        assert image.unique().tolist() == [255]
        assert "with transparency" in said


def test_a_transparent_grey_level(tmp_path: Path) -> None:
    for kind, clear in ((np.uint8, 40), (np.uint16, 4000)):
        values = ramp(60000 if kind is np.uint16 else 200).astype(kind)
        values[:2] = clear
        folder = tmp_path / kind.__name__
        image, _ = told(two(folder, Image.fromarray(values), transparency=clear))
        assert image[0, :2].unique().tolist() == [255]
        assert image[0, -1, 0] < 250


def test_one_bit_and_cmyk(tmp_path: Path) -> None:
    picture = Image.new("1", (SIDE, SIDE), 1)
    image, said = told(two(tmp_path / "bits", picture))
    assert image.unique().tolist() == [255]
    assert said == ""
    cyan = two(tmp_path / "cmyk", Image.new("CMYK", (SIDE, SIDE), (255, 0, 0, 0)), "{}.tif")
    image, said = told(cyan.model_copy(update={"channels": 3}))
    assert image[:, 0, 0].tolist() == [0, 255, 255]
    assert "2 in CMYK: converted to RGB" in said


def test_the_first_of_several_frames(tmp_path: Path) -> None:
    frames = [Image.new("L", (SIDE, SIDE), level) for level in (10, 200)]
    for ending in ("gif", "tiff", "webp"):
        dataset = two(
            tmp_path / ending,
            frames[0],
            f"{{}}.{ending}",
            save_all=True,
            append_images=frames[1:],
            **({"lossless": True} if ending == "webp" else {}),
        )
        image, said = told(dataset)
        assert image.unique().tolist() == [10]
        assert "2 with several frames or pages: the first is used" in said


def test_pictures_are_turned_upright(tmp_path: Path) -> None:
    """EXIF orientation 6: the top of the picture is stored on the left."""
    for values in (np.uint8, np.uint16):
        full = np.iinfo(values).max
        stored = np.zeros((SIDE, SIDE), values)
        stored[:, :2] = full
        exif = Image.Exif()
        exif[0x0112] = 6
        folder = tmp_path / values.__name__
        image, _ = told(two(folder, Image.fromarray(stored), exif=exif))
        assert image[0, :2].unique().tolist() == [255]
        assert image[0, 2:].unique().tolist() == [0]


def test_many_kinds_of_file(tmp_path: Path) -> None:
    picture = Image.new("RGB", (32, 32), (100, 100, 100))
    ImageDraw.Draw(picture).rectangle((0, 0, 15, 31), fill=(20, 20, 20))
    names = ("a.tiff", "b.jfif", "c.webp", "d.AVIF", "e.JPG", "f.TIF", "g.jp2", "h.tga", "i.bmp")
    for name in names:
        options: dict[str, Any] = {"quality": 95} if name[0] in "bce" else {}
        picture.save(tmp_path / name, **options)
    dataset = ImageFolder(path=str(tmp_path), height=16, channels=1, test_fraction=0.2)
    data = dataset.build()  # no warning: all were read
    images = torch.cat((data.train.images, data.test.images)).int()
    assert len(images) == len(names)
    assert ((images[..., :6] - 20).abs() <= 6).all()
    assert ((images[..., 10:] - 100).abs() <= 6).all()


def test_all_unusable_pictures_are_reported_at_once(tmp_path: Path) -> None:
    two(tmp_path, Image.new("L", (SIDE, SIDE), 9), "good{}.png")
    for number in range(15):
        (tmp_path / f"bad{number:02}.png").write_bytes(b"no picture")
    (tmp_path / "empty.jpg").touch()
    Image.effect_noise((64, 64), 50).save(tmp_path / "half.png")
    os.truncate(tmp_path / "half.png", 2000)
    with pytest.raises(DataError) as caught:
        ImageFolder(path=str(tmp_path), height=SIDE).build()
    (finding,) = caught.value.diagnostics
    assert finding.code == "VZ601"
    assert f"17 of 19 pictures in {tmp_path} cannot be used" in finding.message
    assert "bad09.png and 5 more: each is damaged" in finding.message
    assert "empty.jpg: it is empty" in finding.message
    assert "half.png: it cannot be read" in finding.message
    assert "\n" not in finding.message


@pytest.mark.filterwarnings("default")
def test_a_huge_picture_is_read_without_a_warning_of_pillow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", SIDE * SIDE - 1)
    image, said = told(two(tmp_path, Image.new("L", (SIDE, SIDE), 70)))
    assert image.unique().tolist() == [70]
    assert said == ""
