"""What the demo's tasks are worth beside answers that know nothing of the text."""

import pytest

from benchmarks.demo_tasks import baselines
from bert_tf.config import FinetuneConfig, TaskConfig
from bert_tf.tasks.task import Example
from bert_tf.training.finetune_lib import finetune_and_evaluate
from pipelines.docstring_examples import write_tasks
from tests.made_packages import make_packages
from tests.tasks.made_bert import write_bert


def test_the_most_frequent_label_is_that_of_training():
    train = [Example({}, label) for label in "abb"]
    held_out = [Example({}, label) for label in "aaac"]
    assert baselines.most_frequent_label(train, held_out) == 4 * [{"label": "b"}]


def test_a_random_description_is_one_of_the_contexts():
    held_out = [Example({"context": f"a: The {n}: one.\nb: Two."}) for n in range(50)]
    answers = [each["answer"] for each in baselines.random_description([], held_out)]
    assert all(answers[n] in (f"The {n}: one.", "Two.") for n in range(50))
    assert 10 <= answers.count("Two.") <= 40


def test_sentences_are_in_their_order():
    text = "\n".join(map(str, range(9)))
    held_out = [Example({"text": text})] * 50
    random = [each["summary"] for each in baselines.random_sentences([], held_out)]
    assert len(set(random)) > 1
    for summary in random:
        numbers = summary.split("\n")
        assert len(numbers) == 3 and numbers == sorted(numbers)
    assert baselines.first_sentences([], held_out)[0] == {"summary": "0\n1\n2"}


@pytest.mark.slow
def test_from_docstrings_to_figures(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    names = ["one_for_the_demos_tasks", "two_for_the_demos_tasks"]
    make_packages(tmp_path, names)
    bert = write_bert(tmp_path / "bert")
    write_tasks(names, tmp_path)
    for task in baselines.BASELINES:
        folder = tmp_path / task
        config = FinetuneConfig(
            task=TaskConfig(
                name=task,
                labels=tuple(names) if task == "classification" else (),
                max_seq_length=64,
                doc_stride=32,
            ),
            train_file=str(next(folder.glob("train.*"))),
            eval_file=str(next(folder.glob("held_out.*"))),
            init_checkpoint=bert,
            num_epochs=0,  # what it learns is not looked at here
        )
        heads = ("sequence_classifier", "token_classifier", "answer_span")
        results = finetune_and_evaluate(config, str(folder / "run"), allow_missing=heads)
        for row in baselines.rows_of(folder / "run"):
            figures = dict(zip(baselines.HEADER, row, strict=True))
            assert figures["task"] == task
            assert int(figures["held out"]) == results["num_examples"]
            assert figures["ours"] == f"{results[figures['metric']]:.3f}"
            assert 0 < float(figures["its figure"]) < 1
            if task == "classification":
                assert figures["its figure"] == "0.500"
