"""Answers that know nothing of the text, and what they are worth beside a run's."""

import collections
import json
import pathlib
import random

from bert_tf.modeling.checkpoints.run_dir import RESULTS_FILE, read_finetune_config
from bert_tf.tasks.finetuned import load_finetuned

HEADER = ("task", "held out", "metric", "baseline", "its figure", "ours")


def most_frequent_label(train, held_out):
    """The label that most of the training examples have."""
    counts = collections.Counter(example.target for example in train)
    return [{"label": counts.most_common(1)[0][0]}] * len(held_out)


def random_description(train, held_out):
    """The description of one of the arguments that the context tells of."""
    del train
    rng = random.Random(0)
    answers = []
    for example in held_out:
        entry = rng.choice(example.inputs["context"].split("\n"))
        answer = entry.partition(": ")[2]
        answers.append(
            {
                "answer": answer,
                "n_best": [{"answer": answer}],
                "score": 0,
                "null_score": 0,
            }
        )
    return answers


def random_sentences(train, held_out):
    """Three sentences of the article, as many as an answer has, in their order."""
    del train
    rng = random.Random(0)
    return [
        _extract(sentences, sorted(rng.sample(range(len(sentences)), 3)))
        for sentences in map(_sentences, held_out)
    ]


def first_sentences(train, held_out):
    """The first three sentences of the article, which are hard to beat in newspapers."""
    del train
    return [_extract(sentences, range(3)) for sentences in map(_sentences, held_out)]


def _sentences(example):
    return example.inputs["text"].split("\n")


def _extract(sentences, numbers):
    return {"summary": "\n".join(sentences[number] for number in numbers)}


BASELINES = {
    "classification": {"most frequent label": most_frequent_label},
    "question_answering": {"random description": random_description},
    "summarisation": {
        "three random sentences": random_sentences,
        "first three sentences": first_sentences,
    },
}


def rows_of(workdir: pathlib.Path) -> list[list[str]]:
    """A row for each baseline of the task that a finished run has learnt.

    Args:
        workdir: of bert_tf.finetune.
    """
    task, _ = load_finetuned(str(workdir))
    config = read_finetune_config(str(workdir))
    train, held_out = (
        task.read(path, config.columns) for path in (config.train_file, config.eval_file)
    )
    results = json.loads((workdir / RESULTS_FILE).read_text(encoding="utf-8"))
    metric = results["main_metric"]
    return [
        [
            config.task.name,
            f"{len(held_out):,}",
            metric,
            name,
            f"{task.metrics(answer(train, held_out), held_out)[metric]:.3f}",
            f"{results[metric]:.3f}",
        ]
        for name, answer in BASELINES[config.task.name].items()
    ]
