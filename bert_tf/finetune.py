r"""Fine-tunes a BERT for a task and keeps the best epoch.

    python -m bert_tf.finetune --task=classification --init_checkpoint=runs/mine \
        --train_file=train.tsv --eval_file=dev.tsv --workdir=runs/sentiment

--init_checkpoint is any BERT that bert_tf.convert reads. With --num_seeds=5 it is done
five times, in folders of --workdir, whose results.json has mean and spread.
"""

from absl import flags

from bert_tf import cli
from bert_tf.config import BertConfig, FeatureConfig, FinetuneConfig, TaskConfig
from bert_tf.training import environment

TASK_NAMES = (
    "classification",
    "pair_classification",
    "pair_regression",
    "similarity",
    "fill_mask",
    "tagging",
    "question_answering",
    "multiple_choice",
    "summarisation",
    "seq2seq",
)

_TASK = flags.DEFINE_enum("task", None, TASK_NAMES, "What to learn.")
_TRAIN_FILE = flags.DEFINE_string(
    "train_file", "", "Examples to learn from; none with --num_epochs=0."
)
_EVAL_FILE = flags.DEFINE_string("eval_file", None, "Examples to evaluate on.")
_INIT_CHECKPOINT = flags.DEFINE_string("init_checkpoint", None, "A BERT.")
_WORKDIR = flags.DEFINE_string("workdir", None, "Folder of the run.")
_COLUMNS = flags.DEFINE_list(
    "columns",
    [],
    "Of tables that are not known: text=review,label=stars, or by number from 0 where "
    "there is no header.",
)
_LABELS = flags.DEFINE_list(
    "labels", [], "The classes, if not those of --train_file in their order."
)
_DEFAULT = FinetuneConfig()
_MAX_SEQ_LENGTH = flags.DEFINE_integer(
    "max_seq_length", TaskConfig().max_seq_length, "Tokens the model sees at once."
)
_DOC_STRIDE = flags.DEFINE_integer(
    "doc_stride", TaskConfig().doc_stride, "Tokens between windows on a longer text."
)
_TRAIN_BATCH_SIZE = flags.DEFINE_integer(
    "train_batch_size", _DEFAULT.train_batch_size, "Examples of a step."
)
_EVAL_BATCH_SIZE = flags.DEFINE_integer(
    "eval_batch_size", _DEFAULT.eval_batch_size, "Examples evaluated together."
)
_NUM_EPOCHS = flags.DEFINE_integer(
    "num_epochs", _DEFAULT.num_epochs, "At the most; 0 evaluates."
)
_PATIENCE = flags.DEFINE_integer(
    "patience", _DEFAULT.patience, "Epochs without a better one to stop after; 0: never."
)
_LEARNING_RATE = flags.DEFINE_float(
    "learning_rate", _DEFAULT.learning_rate, "At the end of warm-up."
)
_WARMUP_SHARE = flags.DEFINE_float(
    "warmup_share", _DEFAULT.warmup_share, "Of the steps, the first ones."
)
_WEIGHT_DECAY = flags.DEFINE_float("weight_decay", _DEFAULT.weight_decay, "Of AdamW.")
_LAYER_DECAY = flags.DEFINE_float(
    "layer_decay",
    _DEFAULT.layer_decay,
    "Factor of the rate from a layer to the next below.",
)
_NUM_NEW_LAYERS = flags.DEFINE_integer(
    "num_new_layers", _DEFAULT.num_new_layers, "Last layers that begin at random."
)
_CLASS_WEIGHTS = flags.DEFINE_enum(
    "class_weights", _DEFAULT.class_weights, ["none", "balanced"], "By rarity of classes."
)
_FROZEN = flags.DEFINE_bool("frozen", False, "Leave the encoder as it is.")
_LAYERS = flags.DEFINE_list(
    "layers", [], "Of the encoder that the head sees; the last four with --frozen."
)
_COMBINATION = flags.DEFINE_enum(
    "combination", "concat", ["concat", "sum"], "Of several layers."
)
_POOLING = flags.DEFINE_enum(
    "pooling",
    None,
    ["pooler", "first", "mean"],
    "From tokens to a sequence; pooler, or mean of chosen layers and with --frozen.",
)
_DTYPE_POLICY = flags.DEFINE_enum(
    "dtype_policy", "float32", ["float32", "mixed_bfloat16", "mixed_float16"], "Of Keras."
)
_STRATEGY = flags.DEFINE_enum(
    "strategy", "none", ["none", "mirrored"], "One device, or all of this machine."
)
_SEED = flags.DEFINE_integer("seed", 0, "Of all that is random.")
_NUM_SEEDS = flags.DEFINE_integer(
    "num_seeds", 1, "Runs, each with the next seed.", lower_bound=1
)
_ALLOW_MISSING = flags.DEFINE_list(
    "allow_missing", [], "Beginnings of our names of weights that may stay at random."
)
_DO_LOWER_CASE = flags.DEFINE_bool("do_lower_case", None, "See bert_tf.convert.")
flags.mark_flags_as_required(["task", "eval_file", "init_checkpoint", "workdir"])


def main(argv):
    """Fine-tunes with each seed and prints the figures."""
    del argv
    config = _config()
    environment.set_up()
    cli.import_tensorflow()
    from bert_tf.training.finetune_lib import finetune_and_evaluate, format_figures
    from bert_tf.training.seeds import finetune_seeds, format_seeds

    workdir, num_seeds = _WORKDIR.value, _NUM_SEEDS.value
    options = {
        "allow_missing": _ALLOW_MISSING.value,
        "do_lower_case": _DO_LOWER_CASE.value,
    }
    if num_seeds == 1:
        print(format_figures(finetune_and_evaluate(config, workdir, **options)))
    else:
        print(
            format_seeds(finetune_seeds(config, workdir, num_seeds=num_seeds, **options))
        )


def _config() -> FinetuneConfig:
    layers = cli.layer_numbers(_LAYERS.value)
    return FinetuneConfig(
        task=TaskConfig(
            name=_TASK.value,
            labels=tuple(_LABELS.value),
            max_seq_length=_MAX_SEQ_LENGTH.value,
            doc_stride=_DOC_STRIDE.value,
        ),
        model=BertConfig(dtype_policy=_DTYPE_POLICY.value),
        features=FeatureConfig(
            frozen=_FROZEN.value,
            layers=layers,
            combination=_COMBINATION.value,
            pooling=_POOLING.value or ("mean" if layers or _FROZEN.value else "pooler"),
        ),
        columns=cli.named_columns(_COLUMNS.value),
        **{
            flag.name: flag.value
            for flag in (
                _TRAIN_FILE,
                _EVAL_FILE,
                _INIT_CHECKPOINT,
                _TRAIN_BATCH_SIZE,
                _EVAL_BATCH_SIZE,
                _NUM_EPOCHS,
                _PATIENCE,
                _LEARNING_RATE,
                _WARMUP_SHARE,
                _WEIGHT_DECAY,
                _LAYER_DECAY,
                _NUM_NEW_LAYERS,
                _CLASS_WEIGHTS,
                _STRATEGY,
                _SEED,
            )
        },
    )


if __name__ == "__main__":
    cli.run(main)
