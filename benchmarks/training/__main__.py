"""Pretraining side by side: tokens a second on two processor cores.

    python -m benchmarks.training --input=text.txt --vocab_file=vocab.txt

`make bench-training` makes the peers' environments first. All train the same models on
the same batches of a text's examples. They take turns, so that a busy machine slows all
alike, and medians count. In the first turn each tries all sizes of batches, later the one
that was best.

`results.md` in --output is what is printed, `results.json` holds every single run. A run
takes --seconds, the steps before, and a start of ten seconds; torch.compile takes a
minute or two for a model that it has not seen. With all settings that is some hours.
"""

import itertools
import os
import pathlib
from collections.abc import Sequence

from absl import flags, logging

from benchmarks.training import examples, report
from benchmarks.training.bench import Bench, describe_machine
from benchmarks.training.contestants import KEYS, Contestant, contestants
from benchmarks.training.workload import Setting, Workload
from bert_tf import cli
from bert_tf.config import bert_size

_INPUT = flags.DEFINE_list(
    "input",
    None,
    "Text files, a sentence a line, a blank line between documents; .xz is decompressed.",
)
_VOCAB_FILE = flags.DEFINE_string("vocab_file", None, "Uncased WordPiece vocabulary.")
_OUTPUT = flags.DEFINE_string(
    "output",
    "build/bench-training",
    "Folder to write, with the peers' environments in it.",
)
_SYSTEMS = flags.DEFINE_list("systems", list(KEYS), f"Of {', '.join(KEYS)}.")
_SIZES = flags.DEFINE_list("sizes", ["mini", "base"], "Of bert_tf.config.bert_size.")
_LENGTHS = flags.DEFINE_list("lengths", ["128", "512"], "Places of an example.")
_DTYPES = flags.DEFINE_list("dtypes", ["float32", "bfloat16"], "Of matrix products.")
_BATCH_TOKENS = flags.DEFINE_list(
    "batch_tokens",
    ["1024", "4096"],
    "Places of a batch, padding included: all are tried.",
)
_MODEL_VOCAB_SIZE = flags.DEFINE_integer(
    "model_vocab_size", 30522, "Of the models; --vocab_file may have fewer."
)
_DEVICE = flags.DEFINE_enum(
    "device", "cpu", ["cpu", "gpu"], "Where to train; not measured on GPUs yet."
)
_ROUNDS = flags.DEFINE_integer("rounds", 3, "Turns of each system.", lower_bound=1)
_WARMUP_SECONDS = flags.DEFINE_float(
    "warmup_seconds",
    15,
    "Of steps that are not counted, after the first.",
    lower_bound=0,
)
_SECONDS = flags.DEFINE_float("seconds", 30, "Of steps that are.", lower_bound=0)
flags.mark_flags_as_required(["input", "vocab_file"])
flags.register_validator(
    "systems", lambda keys: set(keys) <= set(KEYS), message=f"expected {', '.join(KEYS)}."
)
flags.register_validator(
    "lengths",
    lambda lengths: set(lengths) <= set(map(str, examples.NUM_PREDICTIONS)),
    message="expected 128, 512 or both.",
)
flags.register_validator(
    "dtypes",
    lambda dtypes: set(dtypes) <= {"float32", "bfloat16"},
    message="expected float32, bfloat16 or both.",
)
flags.register_validator(
    "batch_tokens",
    lambda sizes: all(size.isdigit() and int(size) >= 512 for size in sizes),
    message="expected whole numbers of at least 512.",
)


def main(argv: Sequence[str]) -> None:
    """Makes the examples, trains with all systems in turns, prints the results."""
    del argv
    if _DEVICE.value == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    folder = pathlib.Path(_OUTPUT.value)
    systems = contestants(_SYSTEMS.value, folder)
    settings = [
        Setting(size, int(length), dtype)
        for size, length, dtype in itertools.product(
            _SIZES.value, _LENGTHS.value, _DTYPES.value
        )
    ]
    for setting in settings:
        bert_size(setting.size)  # tells a wrong name before anything is run
    folder.mkdir(parents=True, exist_ok=True)
    made = examples.make(_INPUT.value, _VOCAB_FILE.value, folder)
    results = report.Results(
        machine=describe_machine(),
        examples=[examples.describe(arrays) for arrays in made.values()],
        num_turns=_ROUNDS.value,
    )
    bench = Bench(folder, results)
    for turn in range(1, _ROUNDS.value + 1):
        logging.info("Turn %d of %d.", turn, _ROUNDS.value)
        for setting, system in itertools.product(settings, systems):
            for batch_size in _batch_sizes(results, system, setting, turn=turn):
                workload = Workload(
                    setting=setting,
                    vocab_size=_MODEL_VOCAB_SIZE.value,
                    examples=str(examples.path(folder, setting.length)),
                    batch_size=batch_size,
                    warmup_seconds=_WARMUP_SECONDS.value,
                    seconds=_SECONDS.value,
                )
                bench.train(system, workload, turn=turn)
    print(bench.write_report())


def _batch_sizes(
    results: report.Results, system: Contestant, setting: Setting, *, turn: int
) -> list[int]:
    if turn == 1:
        return [int(tokens) // setting.length for tokens in _BATCH_TOKENS.value]
    best = report.best_batch_size(results.runs, system.name, setting)
    return [best] if best else []


if __name__ == "__main__":
    cli.run(main)
