"""What models of equal size have learnt after equal time, on two processor cores.

    python -m benchmarks.pretraining --input=text.txt --sst2=SST-2

`make bench-pretrain` makes the peers' environments first. Ours, by a recipe of 2018 and
by one of today, KerasHub and transformers pretrain on the same text for as many minutes,
and predict the same masked words of documents that none has seen. Then each encoder is
fine-tuned on SST-2, in the same classifier, beside one of random weights.

`results.md` in --output is what is printed, `results.json` holds all figures. Called
again after an interruption, it does what is left to do: a system that has finished is not
run again, and ours goes on at its last checkpoint.
"""

import dataclasses
import itertools
import os
import pathlib
import re
from collections.abc import Sequence

from absl import flags, logging

from benchmarks.data import long_text
from benchmarks.pretraining import corpus, report
from benchmarks.pretraining.bench import Bench, describe_machine
from benchmarks.pretraining.contestants import CONTESTANTS
from benchmarks.pretraining.job import Job, Task
from bert_tf import cli
from bert_tf.config import bert_size

_INPUT = flags.DEFINE_list(
    "input",
    None,
    "Text files, a sentence a line, a blank line between documents; .xz is decompressed.",
)
_SST2 = flags.DEFINE_string(
    "sst2", None, "GLUE's folder, to fine-tune on it; without it, nothing is fine-tuned."
)
_OUTPUT = flags.DEFINE_string("output", "build/bench-pretrain", "Folder to write.")
_ENVIRONMENTS = flags.DEFINE_string(
    "environments", "build/bench-training", "Folder of the peers' environments."
)
_SYSTEMS = flags.DEFINE_list("systems", list(CONTESTANTS), "Who pretrains.")
_MINUTES = flags.DEFINE_float("minutes", 20, "Of each pretraining.", lower_bound=0)
_SIZE = flags.DEFINE_string("size", "mini", "Of bert_tf.config.bert_size.")
_DTYPE = flags.DEFINE_enum(
    "dtype",
    "float32",
    ["float32", "bfloat16"],
    "Of matrix products; bfloat16 where the processor has instructions for it.",
)
_VOCAB_SIZE = flags.DEFINE_integer("vocab_size", 8000, "WordPieces.", lower_bound=100)
_BATCH_SIZE = flags.DEFINE_integer("batch_size", 16, "Examples.", lower_bound=1)
_LEARNING_RATES = flags.DEFINE_list(
    "learning_rates", ["5e-4", "1e-3"], "Each system has its best of them."
)
_SST2_EXAMPLES = flags.DEFINE_integer(
    "sst2_examples", 10_000, "To fine-tune on.", lower_bound=1
)
_SST2_EPOCHS = flags.DEFINE_integer("sst2_epochs", 3, "Of them.", lower_bound=1)
_SST2_SEEDS = flags.DEFINE_integer("sst2_seeds", 3, "Fine-tunings.", lower_bound=1)
flags.mark_flags_as_required(["input"])
flags.register_validator(
    "systems",
    lambda keys: set(keys) <= set(CONTESTANTS),
    message=f"expected {', '.join(CONTESTANTS)}.",
)
flags.register_validator(
    "learning_rates",
    lambda rates: all(re.fullmatch(r"\d*\.?\d+(e-?\d+)?", rate) for rate in rates),
    message="expected numbers, separated by commas.",
)


def main(argv: Sequence[str]) -> None:
    """Does what is left to do, and prints the results."""
    del argv
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    bert_size(_SIZE.value)  # tells a wrong name before anything is done
    folder = pathlib.Path(_OUTPUT.value)
    documents = long_text.read_documents(_INPUT.value)
    settings = {
        "text": f"{len(documents):,} documents of {sum(map(len, documents)):,} sentences",
        "vocab_size": _VOCAB_SIZE.value,
        "size": _SIZE.value,
        "dtype": _DTYPE.value,
        "minutes": _MINUTES.value,
        "batch_size": _BATCH_SIZE.value,
        "sst2_examples": _SST2_EXAMPLES.value,
        "sst2_epochs": _SST2_EPOCHS.value,
        "sst2_seeds": _SST2_SEEDS.value,
    }
    bench = Bench(folder, pathlib.Path(_ENVIRONMENTS.value))
    bench.prepare(
        settings, lambda path: corpus.make(documents, path, vocab_size=_VOCAB_SIZE.value)
    )
    results = report.Results(
        describe_machine(), settings, corpus.frequencies_loss(bench.corpus)
    )
    _pretrain(bench, results)
    if _SST2.value:
        _finetune(bench, results)
    markdown = report.to_markdown(results)
    (folder / "results.json").write_text(report.to_json(results), encoding="utf-8")
    (folder / "results.md").write_text(markdown, encoding="utf-8")
    print(markdown)


def _pretrain(bench: Bench, results: report.Results) -> None:
    for key, rate in itertools.product(_SYSTEMS.value, map(float, _LEARNING_RATES.value)):
        job = Job(
            data=str(bench.corpus),
            output="",
            size=_SIZE.value,
            vocab_size=corpus.vocab_size(bench.corpus),
            dtype=_DTYPE.value,
            minutes=_MINUTES.value,
            batch_size=_BATCH_SIZE.value,
            learning_rate=rate,
        )
        pretrained = bench.pretrain(CONTESTANTS[key], job)
        logging.info("%s", pretrained)
        results.pretrained.append(pretrained)


def _finetune(bench: Bench, results: report.Results) -> None:
    task = Task(
        sst2=_SST2.value,
        vocab_file=str(bench.corpus / "vocab.txt"),
        size=_SIZE.value,
        weights="",
        library="",
        num_train_examples=_SST2_EXAMPLES.value,
        num_epochs=_SST2_EPOCHS.value,
        num_seeds=_SST2_SEEDS.value,
    )
    results.finetuned["random weights"] = bench.finetune(task, "random")
    best = report.best(results.pretrained)
    for key in _SYSTEMS.value:
        contestant = CONTESTANTS[key]
        if contestant.name in best:
            rate = best[contestant.name].learning_rate
            results.finetuned[contestant.name] = bench.finetune(
                dataclasses.replace(
                    task,
                    weights=str(bench.weights(contestant, rate)),
                    library=contestant.library,
                ),
                f"{key}-{rate:g}",
            )


if __name__ == "__main__":
    cli.run(main)
