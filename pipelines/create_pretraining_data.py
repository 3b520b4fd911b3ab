r"""Turns text into pretraining examples for masked words and next sentences.

    python -m pipelines.create_pretraining_data --input='corpus/*.txt' \
        --vocab_file=vocab.txt --output=data

The folder then holds TFRecord shards to train on and to evaluate on, the vocabulary,
`manifest.json`, which training needs, and `dead_letter.jsonl` where some documents could
not be used. The bytes of the shards follow from the documents and the flags alone: not
from file names, their order, the runner or its workers.

Apache Beam's flags can be added: `--direct_running_mode=multi_processing
--direct_num_workers=4` uses four processor cores, `--runner=DataflowRunner` and its flags
a cluster.
"""

import dataclasses
import os
from collections.abc import Sequence

from absl import flags, logging

from bert_tf import cli, config
from bert_tf.errors import UserError
from pipelines import beam_options, format_flags

_DEFAULTS = config.PretrainingDataConfig()

_INPUT = flags.DEFINE_list("input", None, "Text files or globs, separated by commas.")
_OUTPUT = flags.DEFINE_string("output", None, "Folder to write.")
_VOCAB_FILE = flags.DEFINE_string("vocab_file", None, "WordPiece vocabulary.")
_INPUT_FORMAT, _TEXT_FIELD = format_flags.define()
flags.DEFINE_string(
    "language",
    _DEFAULTS.language,
    "ISO 639 code of the text: which abbreviations end no sentence.",
)
flags.DEFINE_bool(
    "do_lower_case", _DEFAULTS.do_lower_case, "For uncased vocabularies; strips accents."
)
_MAX_SEQ_LENGTH = flags.DEFINE_list(
    "max_seq_length",
    [_DEFAULTS.max_seq_length],
    "Tokens of an example. Several numbers, as 128,512, make a data set each, in folders "
    "of --output that are called by them.",
)
_MAX_PREDICTIONS_PER_SEQ = flags.DEFINE_list(
    "max_predictions_per_seq",
    [_DEFAULTS.max_predictions_per_seq],
    "Tokens of an example to predict, at most; a number for each --max_seq_length.",
)
flags.DEFINE_enum(
    "masking",
    _DEFAULTS.masking,
    config.MASKING,
    "static: masks are in the shards. dynamic: they are drawn in training, anew in each "
    "epoch.",
)
flags.DEFINE_float(
    "masked_lm_prob", _DEFAULTS.masked_lm_prob, "Share of tokens to predict."
)
flags.DEFINE_bool(
    "do_whole_word_mask", _DEFAULTS.do_whole_word_mask, "Mask all pieces of a word."
)
flags.DEFINE_integer(
    "max_ngram_size",
    _DEFAULTS.max_ngram_size,
    "Mask up to so many neighbouring words together, fewer more often.",
)
flags.DEFINE_bool(
    "next_sentence",
    _DEFAULTS.next_sentence,
    "Make next-sentence pairs; else fill examples with one document's tokens.",
)
flags.DEFINE_float(
    "short_seq_prob", _DEFAULTS.short_seq_prob, "Share of documents cut shorter."
)
_DUPE_FACTOR = flags.DEFINE_integer(
    "dupe_factor",
    None,
    "How often each document is used for training, with other pairs and masks; by "
    f"default {_DEFAULTS.dupe_factor}, with --masking=dynamic 1.",
)
flags.DEFINE_bool(
    "keep_duplicates",
    _DEFAULTS.keep_duplicates,
    "Use repeated documents as often as they come, rather than once.",
)
flags.DEFINE_enum(
    "feature_names",
    _DEFAULTS.feature_names,
    config.FEATURE_NAMES,
    "Names in the records: Model Garden's or google-research/bert's.",
)
flags.DEFINE_float(
    "held_out_fraction",
    _DEFAULTS.held_out_fraction,
    "Share of documents kept from training, to evaluate on.",
)
flags.DEFINE_integer("random_seed", _DEFAULTS.random_seed, "Seed of pairs and masks.")
flags.DEFINE_bool("gzip_compress", _DEFAULTS.gzip_compress, "Compress the shards.")
_NUM_BUCKETS = flags.DEFINE_integer(
    "num_buckets",
    None,
    "Parts of the training documents; a worker holds one at a time and makes a file of "
    "it in each pass. By default about 16 MB of English text each.",
    lower_bound=1,
)
_SHUFFLE = flags.DEFINE_enum(
    "shuffle",
    None,
    ["files", "engine"],
    "How documents get to their buckets: by files in --output, which all workers must "
    "share, or by Beam. By default files with a local runner and a local --output.",
)
_MAX_BAD_DOCUMENTS = flags.DEFINE_integer(
    "max_bad_documents",
    100,
    "More documents than this that cannot be used, and no data set is written.",
    lower_bound=0,
)
_DRY_RUN = flags.DEFINE_bool(
    "dry_run",
    False,
    "Only tell, from a sample, how large the data get and how long it takes.",
)
_OVERWRITE = flags.DEFINE_bool(
    "overwrite", False, "Replace another data set in --output."
)
flags.mark_flags_as_required(["input", "output", "vocab_file"])


def main(argv: Sequence[str]) -> None:
    """Reads the flags and creates the data set."""
    data_sets = _data_sets()
    options = beam_options.pipeline_options(argv)
    # Tokenizing needs no GPU, and every worker would take all of its memory.
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    # Here rather than above, so that --help need not wait for Beam and TensorFlow.
    cli.import_tensorflow()
    from apache_beam.options.pipeline_options import DirectOptions

    from pipelines import estimate, pretraining_job, sources, transforms
    from pipelines.pretraining_graph import PretrainingJob

    job = PretrainingJob(
        data_sets=tuple(
            transforms.DataSet(config, sources.absolute_path(output))
            for output, config in data_sets.items()
        ),
        vocabulary=sources.load_vocabulary(_VOCAB_FILE.value),
        files=tuple(
            sources.find_inputs(
                _INPUT.value,
                input_format=_INPUT_FORMAT.value,
                text_field=_TEXT_FIELD.value,
            )
        ),
        num_train_buckets=_NUM_BUCKETS.value,
        max_bad_documents=_MAX_BAD_DOCUMENTS.value,
    )
    if _DRY_RUN.value:
        num_workers = options.view_as(DirectOptions).direct_num_workers
        for line in estimate.describe(job, num_workers=num_workers or os.cpu_count()):
            logging.info("%s", line)
        return
    pretraining_job.create(
        job, shuffle=_SHUFFLE.value, overwrite=_OVERWRITE.value, options=options
    )


def _data_sets() -> dict[str, config.PretrainingDataConfig]:
    """The configuration of each folder to write.

    Raises:
        UserError: a flag has a value that cannot be.
    """
    lengths = _integers(_MAX_SEQ_LENGTH)
    predictions = _integers(_MAX_PREDICTIONS_PER_SEQ)
    if len(lengths) != len(predictions) or len(set(lengths)) < len(lengths):
        raise UserError(
            "--max_predictions_per_seq: expected a number for each of different "
            f"--max_seq_length={lengths}, received {predictions}; give as many."
        )
    own = {"max_seq_length", "max_predictions_per_seq", "dupe_factor"}
    common = {
        field.name: flags.FLAGS[field.name].value
        for field in dataclasses.fields(config.PretrainingDataConfig)
        if field.name not in own
    }
    dupe_factor = _DUPE_FACTOR.value
    if dupe_factor is None:
        dupe_factor = 1 if common["masking"] == "dynamic" else _DEFAULTS.dupe_factor
    data_sets = {}
    for length, num_predictions in zip(lengths, predictions, strict=True):
        output = f"{_OUTPUT.value}/{length}" if len(lengths) > 1 else _OUTPUT.value
        data_sets[output] = config.PretrainingDataConfig(
            max_seq_length=length,
            max_predictions_per_seq=num_predictions,
            dupe_factor=dupe_factor,
            **common,
        )
        data_sets[output].validate()
    return data_sets


def _integers(flag: flags.FlagHolder) -> list[int]:
    try:
        return [int(value) for value in flag.value]
    except ValueError as error:
        raise UserError(
            f"--{flag.name}: expected integers, separated by commas, received "
            f"{','.join(flag.value)!r}; correct it."
        ) from error


if __name__ == "__main__":
    cli.run(main, flags_parser=beam_options.parse_known_flags)
