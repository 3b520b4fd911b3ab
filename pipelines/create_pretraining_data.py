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

from absl import flags

from bert_tf import cli, config
from pipelines import beam_options

_DEFAULTS = config.PretrainingDataConfig()

_INPUT = flags.DEFINE_list("input", None, "Text files or globs, separated by commas.")
_OUTPUT = flags.DEFINE_string("output", None, "Folder to write.")
_VOCAB_FILE = flags.DEFINE_string("vocab_file", None, "WordPiece vocabulary.")
flags.DEFINE_enum(
    "input_format",
    _DEFAULTS.input_format,
    config.INPUT_FORMATS,
    "sentences: one a line; a blank line ends a document. prose: hard-wrapped lines; a "
    "blank line ends a document. prose_files: a document a file; a blank line ends a "
    "paragraph. jsonl: a JSON object a line. parquet: a row is a document. "
    "wikiextractor: <doc ...>, lines, </doc>. All but the first are to be split into "
    "sentences.",
)
flags.DEFINE_string(
    "text_field", _DEFAULTS.text_field, "Field of jsonl, or column of parquet, to read."
)
flags.DEFINE_string(
    "language",
    _DEFAULTS.language,
    "ISO 639 code of the text: which abbreviations end no sentence.",
)
flags.DEFINE_bool(
    "do_lower_case", _DEFAULTS.do_lower_case, "For uncased vocabularies; strips accents."
)
flags.DEFINE_integer("max_seq_length", _DEFAULTS.max_seq_length, "Tokens of an example.")
flags.DEFINE_integer(
    "max_predictions_per_seq",
    _DEFAULTS.max_predictions_per_seq,
    "Tokens of an example to predict, at most.",
)
flags.DEFINE_float(
    "masked_lm_prob", _DEFAULTS.masked_lm_prob, "Share of tokens to predict."
)
flags.DEFINE_float(
    "short_seq_prob", _DEFAULTS.short_seq_prob, "Share of documents cut shorter."
)
flags.DEFINE_integer(
    "dupe_factor",
    _DEFAULTS.dupe_factor,
    "How often each document is used for training, with other pairs and masks.",
)
flags.DEFINE_bool(
    "do_whole_word_mask", _DEFAULTS.do_whole_word_mask, "Mask all pieces of a word."
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
_NUM_SHARDS = flags.DEFINE_integer(
    "num_shards", None, "Files to train on; by default about 64 MB each.", lower_bound=1
)
_MAX_BAD_DOCUMENTS = flags.DEFINE_integer(
    "max_bad_documents",
    100,
    "More documents than this that cannot be used, and no data set is written.",
    lower_bound=0,
)
_OVERWRITE = flags.DEFINE_bool(
    "overwrite", False, "Replace another data set in --output."
)
flags.mark_flags_as_required(["input", "output", "vocab_file"])


def main(argv: Sequence[str]) -> None:
    """Reads the flags and creates the data set."""
    data_config = config.PretrainingDataConfig(
        **{
            field.name: flags.FLAGS[field.name].value
            for field in dataclasses.fields(config.PretrainingDataConfig)
        }
    )
    data_config.validate()
    options = beam_options.pipeline_options(argv)
    # Tokenizing needs no GPU, and every worker would take all of its memory.
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    # Here rather than above, so that --help need not wait for Beam and TensorFlow.
    cli.import_tensorflow()
    from pipelines import pretraining_job

    pretraining_job.create(
        data_config,
        _INPUT.value,
        output=_OUTPUT.value,
        vocab_file=_VOCAB_FILE.value,
        num_train_shards=_NUM_SHARDS.value,
        max_bad_documents=_MAX_BAD_DOCUMENTS.value,
        overwrite=_OVERWRITE.value,
        options=options,
    )


if __name__ == "__main__":
    cli.run(main, flags_parser=beam_options.parse_known_flags)
