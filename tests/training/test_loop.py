import math

import pytest
import torch

from tests.helpers import small_spec
from vaezoo.diagnostics import DivergenceError, RunError
from vaezoo.model import build
from vaezoo.registry import EpochRecord
from vaezoo.system import safetensors_io
from vaezoo.training import Observer, claimed, train
from vaezoo.training.checkpoint import FILE
from vaezoo.training.epoch import scheduled_values
from vaezoo.training.loop import stream

CPU = torch.device("cpu")


def run(spec, directory, observer=None):
    return train(
        spec,
        spec.dataset.build(),
        device=CPU,
        directory=directory,
        observer=observer or Observer(),
    )


class StopAfter(Observer):
    """Ctrl-C right after an epoch's checkpoint."""

    def __init__(self, epoch):
        self.epoch = epoch

    def finished_epoch(self, record):
        if record.epoch == self.epoch:
            raise KeyboardInterrupt


def digest(trained):
    return safetensors_io.digest(trained.model.state_dict())


def test_training_lowers_the_objective(tmp_path):
    trained = run(small_spec(train={"epochs": 30}), tmp_path)
    objectives = [record.train["objective"] for record in trained.history]
    assert len(objectives) == 30
    assert objectives[-1] < 0.9 * objectives[0]
    assert not trained.model.training


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(tmp_path):
    first = run(small_spec(), tmp_path / "a")
    again = run(small_spec(), tmp_path / "b")
    other = run(small_spec(train={"seed": 1}), tmp_path / "c")
    assert digest(first) == digest(again)
    assert digest(first) != digest(other)


def test_drawing_from_torchs_global_generator_changes_nothing(tmp_path):
    first = run(small_spec(), tmp_path / "a")
    torch.manual_seed(99)
    torch.rand(5)
    assert digest(run(small_spec(), tmp_path / "b")) == digest(first)


SCHEDULED = {
    "loss": {"use": "elbo", "beta": {"linear": [0, 1], "epochs": 3}},
    "train": {
        "epochs": 4,
        "optimizer": {"use": "adam", "lr": {"cosine": [1e-2, 1e-3], "epochs": 4}},
        "gradient_clip": 5.0,
        "early_stopping": {"patience": 2},
    },
}


@pytest.mark.parametrize("optimizer", ["adam", "adamw", {"use": "sgd", "lr": 1e-4}])
def test_a_resumed_run_has_the_same_weights(tmp_path, optimizer):
    spec = small_spec(train={"epochs": 4, "optimizer": optimizer})
    straight = run(spec, tmp_path / "straight")
    for epoch in (1, 3):
        with pytest.raises(KeyboardInterrupt):
            run(spec, tmp_path / "stopped", StopAfter(epoch))
    resumed = run(spec, tmp_path / "stopped")
    assert digest(resumed) == digest(straight)
    assert [r.train for r in resumed.history] == [r.train for r in straight.history]
    assert [r.validation for r in resumed.history] == [r.validation for r in straight.history]


def test_schedules_clipping_and_early_stopping_resume_alike(tmp_path):
    spec = small_spec(**SCHEDULED)
    straight = run(spec, tmp_path / "straight")
    with pytest.raises(KeyboardInterrupt):
        run(spec, tmp_path / "stopped", StopAfter(2))
    assert digest(run(spec, tmp_path / "stopped")) == digest(straight)


STOPPING = {"epochs": 12, "optimizer": {"use": "adam", "lr": 0.05}}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"epochs": 3}, {"epochs": 6}),
        ({"early_stopping": {"patience": 2}}, {"early_stopping": {"patience": 4}}),
        ({"early_stopping": {"patience": 4}}, {"early_stopping": None, "epochs": 13}),
    ],
)
def test_a_run_resumed_with_more_epochs_equals_a_longer_run(tmp_path, before, after):
    short, long = (small_spec(train={**STOPPING, **changes}) for changes in (before, after))
    straight = run(long, tmp_path / "straight")
    with pytest.raises(KeyboardInterrupt):
        run(short, tmp_path / "stopped", StopAfter(2))
    resumed = run(long, tmp_path / "stopped")
    assert digest(resumed) == digest(straight)
    assert resumed.kept_epoch == straight.kept_epoch
    assert len(resumed.history) == len(straight.history)


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ({}, {"epochs": 2}, "it has 3 epochs, but this spec ends after 2"),
        ({}, {"early_stopping": {"patience": 9}}, "it lacks the weights of epoch"),
    ],
)
def test_resuming_with_an_incompatible_plan_is_refused(tmp_path, before, after, reason):
    with pytest.raises(KeyboardInterrupt):
        run(small_spec(train={**STOPPING, **before}), tmp_path, StopAfter(3))
    with pytest.raises(RunError, match=f"VZ604.*{reason}"):
        run(small_spec(train={**STOPPING, **after}), tmp_path)


def test_a_finished_checkpoint_trains_no_further(tmp_path):
    first = run(small_spec(), tmp_path)
    again = run(small_spec(), tmp_path, StopAfter(1))
    assert digest(again) == digest(first)


def test_epoch_means_are_weighted_by_examples(tmp_path):
    # lr so small that the weights stand still: any batch size must give the same mean
    def mean(batch_size):
        train_ = {
            "epochs": 1,
            "batch_size": batch_size,
            "validation": 0,
            "optimizer": {"use": "sgd", "lr": 1e-30},
        }
        trained = run(small_spec(train=train_), tmp_path / str(batch_size))
        return trained.history[0].train["kl"]

    assert mean(96) == pytest.approx(mean(89), rel=1e-5)


def test_the_elbo_series_has_beta_one(tmp_path):
    trained = run(small_spec(loss={"use": "elbo", "beta": 7.0}), tmp_path)
    for terms in (trained.history[-1].train, trained.history[-1].validation):
        assert terms["elbo"] == pytest.approx(-(terms["reconstruction"] + terms["kl"]))
        assert terms["objective"] == pytest.approx(terms["reconstruction"] + 7 * terms["kl"])


def test_validation_uses_the_same_draws_every_epoch(tmp_path):
    still = {"epochs": 2, "optimizer": {"use": "sgd", "lr": 1e-30}}
    history = run(small_spec(train=still), tmp_path).history
    assert history[0].validation == history[1].validation


def test_early_stopping_ends_the_run_and_keeps_the_best_weights(tmp_path):
    spec = small_spec(
        train={
            "epochs": 200,
            "early_stopping": {"patience": 3},
            "optimizer": {"use": "adam", "lr": 0.05},
        }
    )
    trained = run(spec, tmp_path)
    elbos = [record.validation["elbo"] for record in trained.history]
    assert len(elbos) < 200
    assert trained.kept_epoch == 1 + elbos.index(max(elbos))
    assert len(elbos) == trained.kept_epoch + 3


def test_schedules_move_within_an_epoch():
    spec = small_spec(**SCHEDULED)
    moments = list(scheduled_values(spec, epochs_done=1, steps=4))
    betas = [moment.weights["beta"] for moment in moments]
    assert betas == pytest.approx([1 / 3, 5 / 12, 1 / 2, 7 / 12])
    assert moments[0].lr > moments[-1].lr


def test_a_diverging_run_stops_and_keeps_the_checkpoint(tmp_path):
    spec = small_spec(train={"epochs": 50, "optimizer": {"use": "sgd", "lr": 1e6}})
    with pytest.raises(DivergenceError, match=r"VZ603.*objective") as caught:
        run(spec, tmp_path)
    assert caught.value.exit_code == 3


def test_foreign_and_damaged_checkpoints_are_refused(tmp_path):
    spec = small_spec()
    run(spec, tmp_path)
    path = tmp_path / FILE
    whole = path.read_bytes()

    with pytest.raises(RunError, match=r"VZ604.*another spec"):
        run(small_spec(train={"batch_size": 9}), tmp_path)
    path.write_bytes(whole[:-100])
    with pytest.raises(RunError, match=r"VZ604.*damaged"):
        run(spec, tmp_path)
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(RunError, match=r"VZ604.*changed"):
        run(spec, tmp_path)


def test_a_folder_is_locked_by_one_process(tmp_path):
    with claimed(tmp_path), pytest.raises(RunError, match="VZ606"), claimed(tmp_path):
        pass
    with claimed(tmp_path):
        pass


def test_a_fresh_lock_empties_the_folder(tmp_path):
    (tmp_path / FILE).write_text("old")
    with claimed(tmp_path, fresh=True):
        assert not (tmp_path / FILE).exists()


def test_initial_weights_depend_only_on_the_seed():
    spec = small_spec()
    assert safetensors_io.digest(build(spec).state_dict()) == safetensors_io.digest(
        build(spec).state_dict()
    )
    other = build(spec, seed=5).state_dict()
    assert safetensors_io.digest(build(spec).state_dict()) != safetensors_io.digest(other)


def test_streams_of_one_seed_differ():
    assert len({stream(0, purpose) for purpose in ("weights", "order", "noise")}) == 3


def test_records_survive_a_checkpoint_unchanged(tmp_path):
    straight = run(small_spec(), tmp_path)
    again = run(small_spec(), tmp_path)
    assert again.history == straight.history
    assert isinstance(again.history[0], EpochRecord)
    assert math.isfinite(again.history[0].seconds)
