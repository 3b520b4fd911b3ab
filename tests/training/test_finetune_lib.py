import pytest

from bert_tf.config import FinetuneConfig
from bert_tf.training.finetune_lib import make_finetuning_optimizer, rate_factor


@pytest.mark.parametrize(
    ("step", "rate"), [(0, 0.0), (5, 0.01), (10, 0.02), (55, 0.01), (100, 0.0)]
)
def test_the_rate_is_the_given_one_at_the_end_of_warmup(step, rate):
    config = FinetuneConfig(learning_rate=0.02, num_epochs=5, warmup_share=0.1)

    optimizer = make_finetuning_optimizer(config, steps_per_epoch=20)
    optimizer.iterations.assign(step)

    assert float(optimizer.learning_rate) == pytest.approx(rate, abs=1e-8)


def test_the_moments_are_corrected_for_their_bias_and_weights_decay():
    config = FinetuneConfig(weight_decay=0.1)

    optimizer = make_finetuning_optimizer(config, steps_per_epoch=20)

    assert optimizer.bias_correction
    assert optimizer.weight_decay == 0.1


@pytest.mark.parametrize(
    ("path", "factor"),
    [
        ("task/classifier/kernel", 1.0),
        ("task/bert/pooler/kernel", 1.0),
        ("task/bert/layer_1/attention/query/kernel", 0.5),
        ("task/bert/layer_0/attention/query/kernel", 0.25),
        ("task/bert/embeddings/word_embeddings", 0.125),
    ],
)
def test_each_layer_learns_slower_than_the_one_above_it(path, factor):
    assert rate_factor(path, num_layers=2, layer_decay=0.5) == factor
