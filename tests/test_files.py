import pytest

from vaezoo.files import in_units


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (47_040_000, "47 MB"),
        (3_100_000_000, "3.1 GB"),
        (999_700, "1.0 MB"),
        (12_345_000_000_000, "12,345 GB"),
    ],
)
def test_sizes_are_said_as_people_read_them(count: int, said: str) -> None:
    assert in_units(count) == said
