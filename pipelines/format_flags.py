"""The flags that say how text is written, alike in all programs that read it."""

from absl import flags

from bert_tf import config

_DEFAULTS = config.PretrainingDataConfig()

# So that --help of the program that calls `define` shows them.
flags.disclaim_key_flags()


def define() -> tuple[flags.FlagHolder[str], flags.FlagHolder[str]]:
    """Defines --input_format and --text_field in the module that calls this."""
    return (
        flags.DEFINE_enum(
            "input_format",
            _DEFAULTS.input_format,
            config.INPUT_FORMATS,
            "sentences: one a line; a blank line ends a document. prose: hard-wrapped "
            "lines; a blank line ends a document. prose_files: a document a file; a "
            "blank line ends a paragraph. jsonl: a JSON object a line. parquet: a row is "
            "a document. wikiextractor: <doc ...>, lines, </doc>. All but the first are "
            "to be split into sentences.",
        ),
        flags.DEFINE_string(
            "text_field",
            _DEFAULTS.text_field,
            "Field of jsonl, or column of parquet, to read.",
        ),
    )
