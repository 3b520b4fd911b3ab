r"""Evaluates a fine-tuned model on a file of labelled examples.

    python -m bert_tf.evaluate --workdir=runs/sentiment --eval_file=test.tsv \
        --predictions=predictions.jsonl

What is measured are the answers that the exported model gives to the same text.
"""

import json

from absl import flags

from bert_tf import cli
from bert_tf.config import parse_sampling

_WORKDIR = flags.DEFINE_string("workdir", None, "Folder of a run of bert_tf.finetune.")
_EVAL_FILE = flags.DEFINE_string("eval_file", None, "Examples of the task.")
_COLUMNS = flags.DEFINE_list(
    "columns", [], "See bert_tf.finetune; those that it was told, if not given."
)
_EVAL_BATCH_SIZE = flags.DEFINE_integer(
    "eval_batch_size", 64, "Examples together.", lower_bound=1
)
_PREDICTIONS = flags.DEFINE_string(
    "predictions", None, "File to write: each example with its answer, a line of JSON."
)
_SAMPLING = flags.DEFINE_string(
    "sampling",
    None,
    "How seq2seq writes: greedy, the default, beam or top_p, with numbers as in "
    "beam,num_beams=8,length_penalty=0 and top_p,top_p=0.5,seed=1.",
)
flags.mark_flags_as_required(["workdir", "eval_file"])


def main(argv):
    """Prints the figures."""
    del argv
    workdir, path = _WORKDIR.value, _EVAL_FILE.value
    columns = cli.named_columns(_COLUMNS.value)
    sampling = parse_sampling(_SAMPLING.value)
    cli.import_tensorflow()
    from bert_tf.files import check_folder_of, write_atomically
    from bert_tf.tasks.answering import answer_examples, with_answers
    from bert_tf.tasks.finetuned import load_finetuned, trained_columns

    if _PREDICTIONS.value:
        check_folder_of(_PREDICTIONS.value)
    task, model = load_finetuned(workdir, sampling=sampling)
    examples = task.read_labelled(path, columns or trained_columns(workdir, path))
    task.check(examples, path)
    answers = answer_examples(task, model, examples, batch_size=_EVAL_BATCH_SIZE.value)
    print(json.dumps(task.metrics(answers, examples) | {"num_examples": len(examples)}))
    if _PREDICTIONS.value:
        lines = (
            f"{json.dumps(each, ensure_ascii=False)}\n".encode()
            for each in with_answers(examples, answers)
        )
        write_atomically(_PREDICTIONS.value, lines)


if __name__ == "__main__":
    cli.run(main)
