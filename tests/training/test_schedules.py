import keras
import pytest

from bert_tf.config import OptimizerConfig
from bert_tf.training.schedules import (
    LinearWarmupDecay,
    WarmupStableDecay,
    make_schedule,
)


@pytest.mark.parametrize(
    ("step", "rate"),
    [(0, 0.0), (5, 0.5), (9, 0.9), (10, 0.9), (50, 0.5), (100, 0.0), (150, 0.0)],
)
def test_rises_then_falls_as_counted_from_step_0(step, rate):
    schedule = LinearWarmupDecay(peak=1.0, warmup_steps=10, num_steps=100)

    assert float(schedule(step)) == pytest.approx(rate, abs=1e-6)


@pytest.mark.parametrize(
    ("step", "rate"),
    [(0, 0.0), (9, 0.9), (10, 1.0), (55, 0.5), (100, 0.0), (150, 0.0)],
)
def test_falls_from_the_peak_as_counted_from_the_end_of_warmup(step, rate):
    schedule = LinearWarmupDecay(1.0, 10, 100, first_decay_step=10)
    again = LinearWarmupDecay.from_config(schedule.get_config())

    assert float(schedule(step)) == pytest.approx(rate, abs=1e-6)
    assert float(again(step)) == float(schedule(step))


def test_without_warmup():
    assert float(LinearWarmupDecay(2.0, warmup_steps=0, num_steps=10)(0)) == 2.0


@pytest.mark.parametrize(
    ("step", "rate"),
    [
        (0, 0.0),
        (5, 0.5),
        (10, 1.0),
        (80, 1.0),
        (85, 0.5),
        (100, 0.0),
        (150, 0.0),
    ],
)
def test_rises_stays_and_falls(step, rate):
    schedule = WarmupStableDecay(1.0, warmup_steps=10, num_steps=100, decay_share=0.2)

    assert float(schedule(step)) == pytest.approx(rate, abs=1e-6)


def test_the_end_can_be_decided_on_the_way():
    schedule = WarmupStableDecay(1.0, warmup_steps=10, num_steps=1 << 30, decay_share=0.2)
    assert float(schedule(80)) == 1.0
    schedule.num_steps.assign(100)
    assert float(schedule(85)) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("linear", LinearWarmupDecay), ("warmup_stable_decay", WarmupStableDecay)],
)
def test_a_run_s_schedule_has_the_settings_and_goes_round(name, kind):
    config = OptimizerConfig(schedule=name, learning_rate=2.0, warmup_steps=3)
    schedule = make_schedule(config, num_train_steps=10)
    assert type(schedule) is kind

    settings = keras.optimizers.schedules.serialize(schedule)
    restored = keras.optimizers.schedules.deserialize(settings)

    assert restored.get_config() == schedule.get_config()
    assert restored.get_config()["peak"] == 2.0
