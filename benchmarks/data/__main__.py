"""Generators of pretraining data side by side: how fast, in how much memory.

    python -m benchmarks.data --input=text.txt --vocab_file=vocab.txt

`make bench-data` makes the peers' environments first. All do the same work: 128 tokens,
at most 20 predictions, static masks. They take turns, so that a busy machine slows all
alike, and medians count; what runs on one processor core is pinned to it. Each also runs
on hardly any text: that is what starting and importing take. In the end ours gets longer
and longer texts, with one worker process and with two: time and memory.

`results.md` in --output is what is printed, `results.json` holds every single run.
"""

import os
import pathlib
from collections.abc import Sequence

from absl import flags, logging

from benchmarks.data import generators, long_text, report
from benchmarks.data.bench import Bench, describe_machine
from bert_tf import cli
from bert_tf.errors import UserError

_INPUT = flags.DEFINE_list(
    "input",
    None,
    "Text files, a sentence a line, a blank line between documents; .xz is decompressed. "
    "They are repeated as often as needed.",
)
_VOCAB_FILE = flags.DEFINE_string("vocab_file", None, "Uncased WordPiece vocabulary.")
_OUTPUT = flags.DEFINE_string(
    "output", "build/bench-data", "Folder to write, with the peers' environments in it."
)
_ROUNDS = flags.DEFINE_integer("rounds", 3, "Turns of each generator.", lower_bound=1)
_TEXT_MB = flags.DEFINE_float("text_mb", 300, "Text of a run of ours.", lower_bound=1)
_HUGGING_FACE_MB = flags.DEFINE_float(
    "hugging_face_mb", 50, "Text of a run of Hugging Face's.", lower_bound=1
)
_MODEL_GARDEN_MB = flags.DEFINE_float(
    "model_garden_mb", 10, "Text of a run of Model Garden's.", lower_bound=1
)
_GROWING_MB = flags.DEFINE_list(
    "growing_mb", ["60", "600", "2000"], "Texts to measure memory and workers with."
)
flags.mark_flags_as_required(["input", "vocab_file"])
flags.register_validator(
    "growing_mb",
    lambda sizes: len(sizes) > 1 and all(size.isdigit() and int(size) for size in sizes),
    message="expected two or more whole numbers above 0, separated by commas.",
)

_STARTUP_MB = 0.1


def main(argv: Sequence[str]) -> None:
    """Runs all generators in turns, then ours on longer texts; prints the results."""
    del argv
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    folder = pathlib.Path(_OUTPUT.value)
    contestants = generators.contestants(
        vocab_file=_VOCAB_FILE.value,
        folder=folder,
        text_megabytes=_TEXT_MB.value,
        hugging_face_megabytes=_HUGGING_FACE_MB.value,
        model_garden_megabytes=_MODEL_GARDEN_MB.value,
    )
    documents = long_text.read_documents(_INPUT.value)
    results = report.Results(
        machine=describe_machine(),
        text=f"{long_text.describe(documents)}; {_vocab_size():,} WordPieces",
        num_rounds=_ROUNDS.value,
    )
    bench = Bench(folder, documents, results)
    for number in range(1, _ROUNDS.value + 1):
        logging.info("Round %d of %d.", number, _ROUNDS.value)
        for contestant in contestants:
            bench.generate(contestant, _STARTUP_MB, results.startup_runs)
            bench.generate(contestant, contestant.text_megabytes, results.runs)
            if contestant.is_read:
                bench.read(contestant)
    for megabytes in sorted(map(float, _GROWING_MB.value)):
        for ours in generators.one_and_two_workers(
            _VOCAB_FILE.value, text_megabytes=megabytes
        ):
            bench.generate(ours, ours.text_megabytes, results.growing_runs)
    bench.remove_work()
    print(bench.write_report())


def _vocab_size() -> int:
    try:
        return pathlib.Path(_VOCAB_FILE.value).read_bytes().count(b"\n")
    except OSError as error:
        raise UserError(
            f"--vocab_file: expected a WordPiece vocabulary, received "
            f"{_VOCAB_FILE.value!r} ({error.strerror}); check the path."
        ) from error


if __name__ == "__main__":
    cli.run(main)
