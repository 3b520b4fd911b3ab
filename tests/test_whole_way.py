"""From raw text to a filled mask through the programs a user runs, a process each."""

import json
import random

import pytest

from tests.test_cli import run

SIZE = [
    "--config.model.vocab_size=200",
    "--config.model.hidden_size=16",
    "--config.model.num_attention_heads=2",
    "--config.model.intermediate_size=32",
    "--config.optimizer.warmup_steps=2",
    "--config.input.train_batch_size=8",
    "--config.num_train_steps=6",
    "--config.steps_per_log=3",
    "--config.steps_per_checkpoint=3",
    "--config.steps_per_eval=3",
]


def prose():
    """Hard-wrapped paragraphs, a document each."""
    rng = random.Random(0)
    words = [
        "cat",
        "dog",
        "bird",
        "sat",
        "ran",
        "sang",
        "on",
        "under",
        "the",
        "a",
        "big",
        "old",
        "red",
        "house",
        "tree",
    ]
    documents = []
    for _ in range(60):
        sentences = [
            " ".join(rng.choices(words, k=rng.randint(4, 9))).capitalize() + "."
            for _ in range(rng.randint(3, 12))
        ]
        documents.append("\n".join(" ".join(sentences).split(" ")))
    return "\n\n".join(documents) + "\n"


def succeed(module, *arguments):
    result = run(module, *arguments)
    assert result.returncode == 0, result.stderr
    assert "Traceback" not in result.stderr
    return result


@pytest.mark.slow
def test_from_prose_to_a_filled_mask(tmp_path):
    (tmp_path / "text.txt").write_text(prose())
    vocab_file, data, workdir, exports = (
        str(tmp_path / name) for name in ("vocab.txt", "data", "run", "export")
    )

    succeed(
        "pipelines.learn_vocab",
        f"--input={tmp_path}/*.txt",
        f"--output={vocab_file}",
        "--vocab_size=200",
        "--min_character_count=1",
    )
    with open(vocab_file) as file:
        vocab_size = sum(1 for _ in file)
    succeed(
        "pipelines.create_pretraining_data",
        f"--input={tmp_path}/text.txt",
        "--input_format=prose",
        f"--vocab_file={vocab_file}",
        f"--output={data}",
        "--max_seq_length=32",
        "--max_predictions_per_seq=5",
        "--held_out_fraction=0.2",
        "--dupe_factor=2",
    )
    pretrain = (
        "bert_tf.pretrain",
        "--config=configs/demo.py",
        f"--workdir={workdir}",
        f"--config.input.data_dir={data}",
        *SIZE,
        f"--config.model.vocab_size={vocab_size}",
    )
    trained = succeed(*pretrain)
    again = succeed(*pretrain)
    exported = succeed(
        "bert_tf.export", f"--workdir={workdir}", f"--export_dir={exports}", "--top_k=2"
    )
    predicted = run(
        "bert_tf.predict",
        f"--model_dir={exports}",
        "--input=-",
        input="The [MASK] sat.\n",
    )

    assert trained.stdout.count("masked_lm_accuracy") == 1
    assert "step 6/6" in trained.stderr
    assert again.stdout == trained.stdout
    assert "resuming at step 6" in again.stderr
    assert exported.stdout.strip() == f"{exports}/1"
    (answer,) = map(json.loads, predicted.stdout.splitlines())
    assert len(answer["masks"][0]) == 2
