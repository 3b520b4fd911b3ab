r"""Makes a page of a run, or of several beside each other, complete or not.

    python -m bert_tf.report --workdir=runs/base --output=report.html
    python -m bert_tf.report --workdir=runs/base,runs/large --output=comparison.html

A run leaves such a page in its folder when it is complete: training_report.html.
"""

from absl import flags

from bert_tf import cli

_WORKDIR = flags.DEFINE_list(
    "workdir", None, "Folders of runs of bert_tf.pretrain, separated by commas."
)
_OUTPUT = flags.DEFINE_string("output", None, "Page to write, such as report.html.")
flags.mark_flags_as_required(["workdir", "output"])


def main(argv):
    """Writes the page and prints its path."""
    del argv
    from bert_tf.training.report import write_report

    write_report(_WORKDIR.value, _OUTPUT.value)
    print(_OUTPUT.value)


if __name__ == "__main__":
    cli.run(main)
