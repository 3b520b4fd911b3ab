"""Tokenizers side by side on one core: speed, and lines that differ from the original.

    pip install tokenizers
    python -m benchmarks.tokenization --input=text.txt --vocab_file=vocab.txt

Each tokenizer is given the same lines, 4,096 a call, as it comes from its makers but for
the vocabulary and the case. Rounds take turns, so that a busy machine slows all alike,
and the best of them counts. What is right is told by
tests/data/reference_tokenization.py.
"""

import dataclasses
import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from absl import flags

from bert_tf import cli
from bert_tf.data.vocab import Vocabulary, load_vocabulary
from bert_tf.errors import UserError

_INPUT = flags.DEFINE_string("input", None, "Text file; its lines are tokenized.")
_VOCAB_FILE = flags.DEFINE_string("vocab_file", None, "WordPiece vocabulary.")
_DO_LOWER_CASE = flags.DEFINE_bool("do_lower_case", True, "For uncased vocabularies.")
_MAX_LINES = flags.DEFINE_integer("max_lines", 16384, "Lines to read.", lower_bound=1)
flags.mark_flags_as_required(["input", "vocab_file"])

LINES_PER_CALL = 4096
NUM_ROUNDS = 5
Rows = list[list[int]]


def main(argv: Sequence[str]) -> None:
    """Reads the lines, runs the tokenizers in turns and prints a table."""
    del argv
    os.environ["RAYON_NUM_THREADS"] = "1"  # read by Hugging Face's tokenizers
    cli.import_tensorflow()
    import tensorflow as tf

    from tests.data import reference_tokenization

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    lines = _read_lines()
    vocabulary = load_vocabulary(_VOCAB_FILE.value)
    contestants = {
        "bert_tf BertTokenizer": _ours(vocabulary),
        "TF Text FastBertTokenizer": _tf_text(vocabulary),
        "Hugging Face tokenizers": _hugging_face(),
    }
    expected = [
        [
            vocabulary.ids[token]
            for token in reference_tokenization.tokenize(
                line, vocabulary.ids, lower_case=_DO_LOWER_CASE.value
            )
        ]
        for line in lines
    ]
    batches = [
        lines[start : start + LINES_PER_CALL]
        for start in range(0, len(lines), LINES_PER_CALL)
    ]
    # This round also compiles, and is not counted.
    results = {
        name: [row for batch in batches for row in contestant.rows(batch)]
        for name, contestant in contestants.items()
    }
    seconds = _best_seconds(contestants, batches)
    megabytes = sum(len(line.encode()) for line in lines) / 1e6
    _print_table(megabytes, seconds=seconds, results=results, expected=expected)


@dataclasses.dataclass(frozen=True)
class Contestant:
    """A tokenizer: `prepare` is not timed, `tokenize` is, `to_rows` is not."""

    prepare: Callable[[list[str]], Any]
    tokenize: Callable[[Any], Any]
    to_rows: Callable[[Any], Rows]

    def rows(self, lines: list[str]) -> Rows:
        """The ids of each line."""
        return self.to_rows(self.tokenize(self.prepare(lines)))


def _ours(vocabulary: Vocabulary) -> Contestant:
    import tensorflow as tf

    from bert_tf.data.tokenization import BertTokenizer

    tokenizer = BertTokenizer(vocabulary, lower_case=_DO_LOWER_CASE.value)
    tokenize = tf.function(tokenizer.tokenize)
    return Contestant(tf.constant, tokenize, lambda ids: ids.to_list())


def _tf_text(vocabulary: Vocabulary) -> Contestant:
    import tensorflow as tf
    import tensorflow_text as tf_text

    tokenizer = tf_text.FastBertTokenizer(
        vocab=list(vocabulary.tokens),
        token_out_type=tf.int32,
        lower_case_nfd_strip_accents=_DO_LOWER_CASE.value,
    )
    tokenize = tf.function(tokenizer.tokenize)
    return Contestant(tf.constant, tokenize, lambda ids: ids.merge_dims(1, -1).to_list())


def _hugging_face() -> Contestant:
    try:
        from tokenizers import BertWordPieceTokenizer
    except ImportError as error:
        raise UserError(
            "Expected Hugging Face's tokenizers, received an environment without them; "
            "pip install tokenizers."
        ) from error
    tokenizer = BertWordPieceTokenizer(
        _VOCAB_FILE.value, lowercase=_DO_LOWER_CASE.value
    )._tokenizer  # the class itself does not offer the fast call
    return Contestant(
        list,
        lambda lines: tokenizer.encode_batch_fast(lines, add_special_tokens=False),
        lambda encodings: [encoding.ids for encoding in encodings],
    )


def _best_seconds(
    contestants: Mapping[str, Contestant], batches: Sequence[list[str]]
) -> dict[str, float]:
    best = dict.fromkeys(contestants, float("inf"))
    prepared = {
        name: [contestant.prepare(batch) for batch in batches]
        for name, contestant in contestants.items()
    }
    for _ in range(NUM_ROUNDS):
        for name, contestant in contestants.items():
            start = time.perf_counter()
            for batch in prepared[name]:
                contestant.tokenize(batch)
            best[name] = min(best[name], time.perf_counter() - start)
    return best


def _print_table(
    megabytes: float,
    *,
    seconds: Mapping[str, float],
    results: Mapping[str, Rows],
    expected: Rows,
) -> None:
    ours = next(iter(seconds.values()))
    print(f"{megabytes:.1f} MB in {len(expected)} lines, {LINES_PER_CALL} a call, 1 core")
    print(f"{'':28}{'MB/s':>8}{'of ours':>9}{'lines that differ':>20}")
    for name, rows in results.items():
        num_different = sum(
            row != right for row, right in zip(rows, expected, strict=True)
        )
        print(
            f"{name:28}{megabytes / seconds[name]:8.1f}{ours / seconds[name]:9.2f}"
            f"{num_different:20}"
        )


def _read_lines() -> list[str]:
    try:
        with open(_INPUT.value, encoding="utf-8", errors="ignore") as file:
            lines = [line for line in file.read().split("\n") if line]
    except OSError as error:
        raise UserError(
            f"--input: expected a text file, received {_INPUT.value!r} "
            f"({error.strerror}); check the path."
        ) from error
    return lines[: _MAX_LINES.value]


if __name__ == "__main__":
    cli.run(main)
