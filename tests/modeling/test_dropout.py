import numpy as np
import pytest
import tensorflow as tf

from bert_tf.modeling.dropout import StatelessDropout, fold_seed


def test_drops_the_share_and_keeps_the_mean():
    rate, number = 26 / 256, 100_000  # what 0.1 is rounded to
    outputs = StatelessDropout(0.1)(tf.ones([number]), seed=tf.constant([1, 2])).numpy()

    dropped = np.mean(outputs == 0)
    assert abs(dropped - rate) < 5 * np.sqrt(rate * (1 - rate) / number)
    np.testing.assert_allclose(outputs[outputs > 0], 1 / (1 - rate), rtol=1e-6)


@pytest.mark.parametrize(("rate", "seed"), [(0.5, None), (0.0, [1, 2])])
def test_returns_inputs_without_seed_or_rate(rate, seed):
    inputs = tf.range(10.0)
    seed = None if seed is None else tf.constant(seed)

    np.testing.assert_array_equal(StatelessDropout(rate)(inputs, seed=seed), inputs)


def test_folded_seeds_differ_and_repeat():
    seed = tf.constant([3, 4])

    assert tuple(fold_seed(seed, 1).numpy()) == tuple(fold_seed(seed, 1).numpy())
    assert tuple(fold_seed(seed, 1).numpy()) != tuple(fold_seed(seed, 2).numpy())
    assert fold_seed(None, 1) is None
