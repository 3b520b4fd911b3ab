import keras
import pytest

from bert_tf.training.schedules import LinearWarmupDecay


@pytest.mark.parametrize(
    ("step", "rate"),
    [(0, 0.0), (5, 0.5), (9, 0.9), (10, 0.9), (50, 0.5), (100, 0.0), (150, 0.0)],
)
def test_rises_then_falls_as_counted_from_step_0(step, rate):
    schedule = LinearWarmupDecay(peak=1.0, warmup_steps=10, num_steps=100)

    assert float(schedule(step)) == pytest.approx(rate, abs=1e-6)


def test_without_warmup():
    assert float(LinearWarmupDecay(2.0, warmup_steps=0, num_steps=10)(0)) == 2.0


def test_round_trip():
    schedule = LinearWarmupDecay(2.0, warmup_steps=3, num_steps=10)
    config = keras.optimizers.schedules.serialize(schedule)

    restored = keras.optimizers.schedules.deserialize(config)

    assert restored.get_config() == schedule.get_config()
