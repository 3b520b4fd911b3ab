"""What programs are told."""

from benchmarks.serving.job import Export, Job, Setting
from bert_tf.config import from_json, to_json

JOB = Job(
    setting=Setting("tiny", 16, "bfloat16", 2),
    model="model",
    texts="texts.txt",
    warmup_seconds=0.5,
    seconds=2,
)


def test_both_survive_the_command_line():
    export = Export(run="run", hugging_face="bert", dtype="float32", output="model")

    assert from_json(Job, to_json(JOB)) == JOB
    assert from_json(Export, to_json(export)) == export


def test_a_setting_is_told_in_words():
    assert str(JOB.setting) == "tiny, 16 tokens, bfloat16, 2 texts"
    assert str(Setting("tiny", 16, "float32", 1)).endswith(", 1 text")
    assert JOB.setting.without_batch == "tiny, 16 tokens, bfloat16"
