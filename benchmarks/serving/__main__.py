"""Classes of raw texts side by side: latency, throughput and size on two processor cores.

    python -m benchmarks.serving

`make bench-serving` makes the peers' environments first. All systems have the same
weights, which are random, and are asked for the same texts. They take turns, so that a
busy machine slows all alike, and medians count. Each run is in a process of its own.

`results.md` in --output is what is printed, `results.json` holds every single run. A run
takes --seconds, those before, and a start of ten seconds or so; with all settings, three
turns are some three hours. The models take 5 GB in --output.
"""

import itertools
import os
import pathlib
from collections.abc import Sequence

from absl import flags, logging

from benchmarks.serving.contestants import KEYS, contestants
from benchmarks.serving.job import Setting
from benchmarks.serving.sizes import SIZES
from benchmarks.serving.texts import BATCH_SIZES, make_vocabulary
from bert_tf import cli
from bert_tf.data.vocab import load_vocabulary

_VOCAB_FILE = flags.DEFINE_string(
    "vocab_file", None, "Uncased WordPiece vocabulary; one of made words if not given."
)
_OUTPUT = flags.DEFINE_string("output", "build/bench-serving", "Folder to write.")
_ENVIRONMENTS = flags.DEFINE_string(
    "environments", "build/bench-training", "Folder of the peers' environments."
)
_SYSTEMS = flags.DEFINE_list("systems", list(KEYS), "Who answers.")
_SIZES = flags.DEFINE_list("sizes", ["minilm", "base"], f"Of {', '.join(SIZES)}.")
_LENGTHS = flags.DEFINE_list("lengths", ["16", "64", "128"], "Tokens of a text.")
_BATCH_SIZES = flags.DEFINE_list("batch_sizes", ["1", "8", "32"], "Texts of a call.")
_DTYPES = flags.DEFINE_list("dtypes", ["float32", "bfloat16"], "Of matrix products.")
_ROUNDS = flags.DEFINE_integer("rounds", 3, "Turns of each system.", lower_bound=1)
_WARMUP_SECONDS = flags.DEFINE_float(
    "warmup_seconds", 3, "Of calls that are not counted.", lower_bound=0
)
_SECONDS = flags.DEFINE_float("seconds", 10, "Of calls that are.", lower_bound=0)
for _name, _known in (
    ("systems", KEYS),
    ("sizes", SIZES),
    ("batch_sizes", tuple(map(str, BATCH_SIZES))),
    ("dtypes", ("float32", "bfloat16")),
):
    flags.register_validator(
        _name,
        lambda values, known=_known: set(values) <= set(known),
        message=f"expected some of {', '.join(_known)}.",
    )
flags.register_validator(
    "lengths",
    lambda lengths: all(each.isdigit() and 3 <= int(each) <= 512 for each in lengths),
    message="expected whole numbers from 3 to 512.",
)


def main(argv: Sequence[str]) -> None:
    """Makes texts and models, asks all systems in turns, prints the results."""
    del argv
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    systems = contestants(_SYSTEMS.value, pathlib.Path(_ENVIRONMENTS.value))
    cli.import_tensorflow()
    from benchmarks.serving.bench import Bench, describe_machine
    from benchmarks.serving.report import Results

    vocab_file = _VOCAB_FILE.value
    vocabulary = load_vocabulary(vocab_file) if vocab_file else make_vocabulary()
    lengths = list(map(int, _LENGTHS.value))
    results = Results(
        machine=describe_machine(),
        vocabulary=vocab_file or "a made vocabulary",
        num_turns=_ROUNDS.value,
    )
    bench = Bench(
        pathlib.Path(_OUTPUT.value),
        results,
        warmup_seconds=_WARMUP_SECONDS.value,
        seconds=_SECONDS.value,
    )
    bench.prepare(_SIZES.value, lengths, vocabulary)
    settings = [
        Setting(size, length, dtype, int(batch_size))
        for size, dtype, length, batch_size in itertools.product(
            _SIZES.value, _DTYPES.value, lengths, _BATCH_SIZES.value
        )
    ]
    for turn in range(1, _ROUNDS.value + 1):
        logging.info("Turn %d of %d.", turn, _ROUNDS.value)
        for setting, system in itertools.product(settings, systems):
            bench.run(system, setting, turn=turn)
    print(bench.write_report())


if __name__ == "__main__":
    cli.run(main)
