r"""Makes labelled examples for three tasks from docstrings, without a download.

    python -m pipelines.label_docstrings --output=tasks

The folder of each task gets files that `bert_tf.finetune --task=TASK` reads, train.jsonl
and held_out.jsonl, or .json of questions:

classification      The first sentences of a docstring; the package it is from. Sentences
                    that name a package are left out, and so are texts of several
                    packages. There are as many texts of each.
question_answering  The first arguments of a function, a line each; what one of them is.
                    The answer is the rest of its line.
summarisation       The sentences of a docstring but for the first, which is the summary.

The labels are what the docstrings' authors happen to have written; nobody has checked
them. The digest of a text decides whether it is held out, so that none is in both files;
near copies are not looked for: about a third of the sentences in held-out articles, and a
ninth of those to be classified, are in texts to learn from too. Same packages, same
bytes.
"""

import pathlib
from collections.abc import Sequence

from absl import flags

from bert_tf import cli
from pipelines.docstring_examples import write_tasks
from pipelines.docstrings import DEFAULT_PACKAGES

_OUTPUT = flags.DEFINE_string("output", None, "Folder to write, made if need be.")
flags.mark_flag_as_required("output")


def main(argv: Sequence[str]) -> None:
    """Parses nothing but flags and writes the files."""
    del argv
    write_tasks(DEFAULT_PACKAGES, pathlib.Path(_OUTPUT.value))


if __name__ == "__main__":
    cli.run(main)
