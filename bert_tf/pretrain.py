r"""Pretrains a BERT on what pipelines.create_pretraining_data wrote.

    python -m bert_tf.pretrain --config=configs/classic.py:base --workdir=runs/base \
        --config.input.data_dir=data/128 --config.long_input.data_dir=data/512 \
        --config.model.vocab_size=32000

Every field of the configuration is a flag: --config.optimizer.learning_rate=3e-4.
The same command on the same folder goes on where an interrupted run was.
"""

from absl import flags
from ml_collections import config_flags

from bert_tf import cli
from bert_tf.errors import UserError
from bert_tf.training import environment

_CONFIG = config_flags.DEFINE_config_file(
    "config",
    help_string="File with get_config(), such as configs/classic.py:base; "
    "--config.FIELD=VALUE overrides a field.",
)
_WORKDIR = flags.DEFINE_string(
    "workdir", None, "Folder of the run: configuration, checkpoints, events, results."
)
flags.mark_flags_as_required(["config", "workdir"])


def main(argv):
    """Pretrains, evaluates on held-out documents and prints the figures."""
    del argv
    try:
        config = _CONFIG.value
        config.validate()
    except OSError as error:
        raise UserError(str(error)) from error
    environment.set_up()
    cli.import_tensorflow()
    from bert_tf.tasks.pretraining import format_results
    from bert_tf.training.train_lib import train_and_evaluate

    results = train_and_evaluate(config, _WORKDIR.value)
    if results:
        print(format_results(results))


if __name__ == "__main__":
    cli.run(main)
