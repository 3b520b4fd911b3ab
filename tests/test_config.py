import pytest

from bert_tf.config import (
    BertConfig,
    InputConfig,
    OptimizerConfig,
    PretrainConfig,
    PretrainingDataConfig,
    Sampling,
    bert_size,
    from_json,
    parse_sampling,
    to_json,
)
from bert_tf.errors import UserError


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (BertConfig(hidden_size=100), "hidden_size: expected a multiple of .*=12"),
        (BertConfig(hidden_act="relu"), "one of gelu, gelu_new, received 'relu'"),
        (BertConfig(vocab_size=0), "vocab_size: .* finite number above 0, received 0"),
        (BertConfig(hidden_dropout_prob=1.0), "hidden_dropout_prob: expected a share"),
        (BertConfig(dtype_policy="int8"), "dtype_policy: expected one of"),
        (InputConfig(), "data_dir: expected the folder"),
        (InputConfig(data_dir="x", train_batch_size=0), "train_batch_size"),
        (
            InputConfig(data_dir="x", packing=True, length_buckets=2),
            "length_buckets: expected 1 for packed rows, .* received 2",
        ),
        (OptimizerConfig(learning_rate=float("inf")), "learning_rate: .* received inf"),
        (OptimizerConfig(learning_rate=float("nan")), "learning_rate: .* received nan"),
        (OptimizerConfig(warmup_steps=-1), "warmup_steps: expected 0 or more"),
        (OptimizerConfig(beta_1=1.0), "beta_1: expected a share"),
        (PretrainingDataConfig(max_seq_length=4), "max_seq_length: expected at least 8"),
        (PretrainingDataConfig(masked_lm_prob=0.0), "masked_lm_prob"),
        (PretrainingDataConfig(input_format="xml"), "one of sentences, prose"),
        (PretrainingDataConfig(text_field=""), "text_field: expected the name"),
        (PretrainingDataConfig(language="English"), "language: expected an ISO 639"),
    ],
)
def test_each_mistake_is_named(config, message):
    with pytest.raises(UserError, match=message):
        config.validate()


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"strategy": "parameter_server"}, "strategy: expected one of none, mirrored"),
        ({"num_train_steps": 12_500}, "a multiple of steps_per_checkpoint=1000"),
        ({"steps_per_eval": 1500}, "a multiple of steps_per_checkpoint=1000"),
        ({"steps_per_log": 300}, "steps_per_checkpoint: .*multiple of steps_per_log=300"),
        ({"num_long_steps": 1000}, "long_input.data_dir: expected the folder of longer"),
        ({"long_input": InputConfig(data_dir="y")}, "num_long_steps: expected steps abo"),
        ({"optimizer": OptimizerConfig(clip_norm=-1)}, "optimizer.clip_norm: expected a"),
        (
            {"long_input": InputConfig("y", masked_lm_prob=1), "num_long_steps": 1000},
            "long_input.masked_lm_prob: expected a share",
        ),
        (
            {"num_train_minutes": -1},
            "num_train_minutes: expected a finite number above 0",
        ),
        ({"num_train_minutes": 1}, "optimizer.schedule: expected warmup_stable_decay"),
        ({"seed": -1}, "seed: expected 0 to 2147483647"),
        ({"num_train_steps": 10_000}, "fewer than num_train_steps=10000"),
    ],
)
def test_mistakes_between_fields(overrides, message):
    config = PretrainConfig(input=InputConfig(data_dir="x"), **overrides)

    with pytest.raises(UserError, match=message):
        config.validate()


def test_json_round_trip():
    config = PretrainConfig(model=bert_size("mini", vocab_size=99), seed=7)

    assert from_json(PretrainConfig, to_json(config)) == config


@pytest.mark.parametrize("text", ["", "{}", '{"model": 3}', '{"unknown": 3}'])
def test_json_that_is_no_configuration(text):
    with pytest.raises(UserError, match="Expected a PretrainConfig that"):
        from_json(PretrainConfig, text)


def test_unknown_size():
    with pytest.raises(UserError, match="expected one of tiny, mini"):
        bert_size("huge")


@pytest.mark.parametrize(
    ("text", "sampling"),
    [
        ("greedy", Sampling()),
        ("beam", Sampling("beam")),
        ("beam,num_beams=8", Sampling("beam", num_beams=8)),
        ("top_p,seed=3,top_p=0.5", Sampling("top_p", top_p=0.5, seed=3)),
    ],
)
def test_samplings_are_read_and_written(text, sampling):
    assert parse_sampling(text) == sampling
    assert parse_sampling(str(sampling)) == sampling


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("best", "sampling: expected one of greedy, beam, top_p, received 'best'"),
        ("greedy,top_p=0.9", "sampling: expected greedy, received 'greedy,top_p=0.9'"),
        (
            "beam,num_beams=many",
            r"expected beam\[,num_beams=NUMBER\]\[,length_pen.*, rece",
        ),
        ("top_p,0.9", r"sampling: expected top_p\[,top_p=NUMBER\]\[,seed=NUMBER\], rec"),
        ("top_p,top_p=2", "top_p: expected a probability above 0, received 2.0"),
    ],
)
def test_samplings_that_cannot_be(text, message):
    with pytest.raises(UserError, match=message):
        parse_sampling(text)
