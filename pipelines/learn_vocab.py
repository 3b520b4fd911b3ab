r"""Learns a WordPiece vocabulary from text.

    python -m pipelines.learn_vocab --input=corpus.txt --output=vocab.txt \
        --vocab_size=8000

It reads what create_pretraining_data does, by the same --input_format and --text_field.
Of plain text the lines have no meaning here: sentences, prose and prose_files are read
alike, and any UTF-8 text will do whose lines have at most 16 MiB. The same text gives the
same file, however it is cut into files, whatever format they have and whatever runs the
job. Use --do_lower_case=false for a cased vocabulary, here and in
create_pretraining_data.

Apache Beam's flags can be added: `--direct_running_mode=multi_processing
--direct_num_workers=4` uses four processor cores, `--runner=DataflowRunner` and its flags
a cluster.
"""

import os
import time
from collections.abc import Sequence

from absl import flags, logging

from bert_tf import cli
from pipelines import beam_options, format_flags

_INPUT = flags.DEFINE_list("input", None, "Text files or globs, separated by commas.")
_OUTPUT = flags.DEFINE_string("output", None, "Vocabulary file to write.")
_INPUT_FORMAT, _TEXT_FIELD = format_flags.define()
_VOCAB_SIZE = flags.DEFINE_integer(
    "vocab_size", 30522, "Tokens, special ones included.", lower_bound=1
)
_DO_LOWER_CASE = flags.DEFINE_bool(
    "do_lower_case", True, "Lower-case the text and strip its accents."
)
_MIN_CHARACTER_COUNT = flags.DEFINE_integer(
    "min_character_count",
    5,
    "Words with a character that occurs less often become [UNK].",
    lower_bound=1,
)
flags.mark_flags_as_required(["input", "output"])


def main(argv: Sequence[str]) -> None:
    """Reads the flags and learns the vocabulary."""
    options = beam_options.pipeline_options(argv)
    # Counting needs no GPU, and every worker would take all of its memory.
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    # Here rather than above, so that --help need not wait for Beam and TensorFlow.
    cli.import_tensorflow()
    from apache_beam.io.filesystems import FileSystems

    from bert_tf.data import vocab_learning
    from pipelines import progress, sources, word_counts

    start = time.monotonic()
    files = sources.find_inputs(
        _INPUT.value, input_format=_INPUT_FORMAT.value, text_field=_TEXT_FIELD.value
    )
    with word_counts.work_folder(_OUTPUT.value) as folder:
        num_bytes = sources.estimate_text_bytes(files)
        logging.info(
            "Counting the words of %d files, %.1f MB.", len(files), num_bytes / 1e6
        )
        is_local = "://" not in folder
        with progress.logged(folder if is_local else None, num_bytes):
            counts = word_counts.count_words(
                files,
                input_format=_INPUT_FORMAT.value,
                text_field=_TEXT_FIELD.value,
                lower_case=_DO_LOWER_CASE.value,
                work_dir=folder,
                options=options,
            )
        logging.info(
            "Counted %d words, %d distinct, in %.1f seconds. Learning %d tokens.",
            sum(counts.values()),
            len(counts),
            time.monotonic() - start,
            _VOCAB_SIZE.value,
        )
        vocabulary = vocab_learning.learn_vocabulary(
            counts,
            vocab_size=_VOCAB_SIZE.value,
            min_character_count=_MIN_CHARACTER_COUNT.value,
        )
        if len(vocabulary) < _VOCAB_SIZE.value:
            logging.warning(
                "The text gives %d tokens, not %d: no other pieces occur twice.",
                len(vocabulary),
                _VOCAB_SIZE.value,
            )
        unfinished = f"{folder}/vocab.txt"
        with FileSystems.create(unfinished) as file:
            file.write(vocabulary.file_bytes)
        FileSystems.rename([unfinished], [sources.absolute_path(_OUTPUT.value)])
    logging.info(
        "Wrote %s: %d tokens, in %.1f seconds in all.",
        _OUTPUT.value,
        len(vocabulary),
        time.monotonic() - start,
    )


if __name__ == "__main__":
    cli.run(main, flags_parser=beam_options.parse_known_flags)
