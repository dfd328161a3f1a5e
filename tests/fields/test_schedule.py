import pytest
from pydantic import BaseModel, ValidationError

from vaezoo.registry.fields import NonNegative, Positive, Schedule, value_at


def test_linear_passes_through_both_ends_and_stays():
    schedule = Schedule(linear=(0.0, 2.0), epochs=10)
    assert [schedule.at(epoch) for epoch in (0, 5, 10, 99)] == [0.0, 1.0, 2.0, 2.0]


def test_delay_keeps_the_first_value():
    schedule = Schedule(linear=(1.0, 0.0), epochs=2, delay=3)
    assert [schedule.at(epoch) for epoch in (0, 3, 4, 5)] == [1.0, 1.0, 0.5, 0.0]


def test_warmup_rises_from_0_and_comes_before_the_rest():
    schedule = Schedule(linear=(1.0, 0.0), epochs=2, delay=1, warmup=4)
    values = [schedule.at(epoch) for epoch in (0, 1, 4, 5, 6, 7, 9)]
    assert values == [0.0, 0.25, 1.0, 1.0, 0.5, 0.0, 0.0]


def test_cosine_is_halfway_at_half_time():
    schedule = Schedule(cosine=(1e-3, 0.0), epochs=4)
    assert schedule.at(2) == pytest.approx(5e-4)
    assert schedule.at(1) == pytest.approx(1e-3 * (1 + 2**-0.5) / 2)


def test_exponential_multiplies_by_equal_factors():
    schedule = Schedule(exponential=(1.0, 0.01), epochs=2)
    assert schedule.at(1) == pytest.approx(0.1)


def test_cyclical_rises_in_the_first_half_of_each_cycle():
    schedule = Schedule(cyclical=(0.0, 1.0), epochs=8, cycles=2)
    assert [schedule.at(epoch) for epoch in (0, 1, 2, 3, 4, 5, 8)] == [0, 0.5, 1, 1, 0, 0.5, 1]


def test_steps_take_equal_parts_of_the_time():
    schedule = Schedule(steps=(1e-3, 1e-4), epochs=10, delay=2)
    assert [schedule.at(epoch) for epoch in (0, 6.9, 7, 99)] == [1e-3, 1e-3, 1e-4, 1e-4]


def test_steps_that_grow_last_longer_each():
    # as in the code of Burda et al. (2016): 1, 3, 9, … epochs
    schedule = Schedule(steps=(4.0, 3.0, 2.0, 1.0), epochs=40, growth=3)
    assert [schedule.at(epoch) for epoch in (0.9, 1, 3.9, 4, 12.9, 13, 40)] == [
        *(4.0, 3.0, 3.0, 2.0, 2.0, 1.0, 1.0)
    ]
    assert schedule.ends == (4.0, 1.0)


def test_a_plain_number_is_the_same_at_any_time():
    assert value_at(4.0, 17.5) == 4.0


class Holder(BaseModel):
    beta: NonNegative = 1.0
    lr: Positive = 1.0


def test_a_mapping_becomes_a_schedule_and_goes_back():
    holder = Holder.model_validate({"beta": {"linear": [0, 1], "epochs": 10}})
    assert holder.beta == Schedule(linear=(0.0, 1.0), epochs=10)
    written = holder.model_dump(mode="json")
    assert written["beta"] == {"linear": [0.0, 1.0], "epochs": 10.0}
    assert Holder.model_validate(written) == holder


@pytest.mark.parametrize(
    ("given", "part"),
    [
        ({"lr": 0}, "must be finite and above 0, not 0"),
        ({"beta": -1}, "must be finite and at least 0, not -1"),
        ({"beta": float("inf")}, "must be finite"),
        ({"beta": True}, "a number or a schedule"),
        ({"beta": "1"}, "a number or a schedule"),
        ({"beta": {"linear": [0, -1], "epochs": 1}}, "must be finite"),
        ({"beta": {"epochs": 1}}, "exactly one shape"),
        ({"lr": {"steps": [1, 0, 1], "epochs": 3}}, "must be finite"),
        ({"beta": {"steps": [1], "epochs": 3}}, "at least 2"),
        ({"beta": {"linear": [0, 1], "cosine": [0, 1], "epochs": 1}}, "exactly one shape"),
        ({"beta": {"exponential": [0, 1], "epochs": 1}}, "above 0"),
        ({"beta": {"linear": [0, 1], "epochs": 0}}, "greater than 0"),
    ],
)
def test_a_wrong_value_gives_one_error_that_says_why(given, part):
    with pytest.raises(ValidationError) as caught:
        Holder.model_validate(given)
    assert caught.value.error_count() == 1
    assert part in str(caught.value)
