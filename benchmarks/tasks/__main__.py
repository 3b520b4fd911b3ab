"""What fine-tuning reaches at many tasks, beside transformers, on two processor cores.

    python -m benchmarks.tasks --data=data --encoder=minilm

`make bench-tasks` fetches the encoder and makes the peer's environment first.
catalogue.py tells the tasks, and the files that --data is to have.

`results.md` in --output is what is printed, `results.json` holds the figures of every
epoch. Called again after an interruption, it does what is left to do; a seed of all tasks
is done before the next.
"""

import os
import pathlib
import platform
from collections.abc import Iterator, Sequence
from importlib import metadata

from absl import flags, logging

from benchmarks import environments, machine
from benchmarks.tasks.catalogue import CONTESTS
from benchmarks.tasks.contestants import CONTESTANTS
from benchmarks.training.workload import dtype_policy
from bert_tf import cli
from bert_tf.files import write_atomically

_DATA = flags.DEFINE_string("data", None, "Folder of the tasks' files.")
_ENCODER = flags.DEFINE_string(
    "encoder", None, "Folder of a BERT, as Hugging Face writes it."
)
_OUTPUT = flags.DEFINE_string("output", "build/bench-tasks", "Folder to write.")
_ENVIRONMENTS = flags.DEFINE_string(
    "environments", "build/bench-training", "Folder of the peers' environments."
)
_TASKS = flags.DEFINE_list("tasks", list(CONTESTS), "What is learnt.")
_SYSTEMS = flags.DEFINE_list("systems", list(CONTESTANTS), "Who learns.")
_NUM_SEEDS = flags.DEFINE_integer(
    "num_seeds", None, "Of each task; those of the catalogue if not given.", lower_bound=1
)
_DTYPE = flags.DEFINE_enum(
    "dtype",
    "float32",
    ["float32", "bfloat16"],
    "Of matrix products; bfloat16 where the processor has instructions for it.",
)
flags.mark_flags_as_required(["data", "encoder"])
for _name, _known in (("tasks", CONTESTS), ("systems", CONTESTANTS)):
    flags.register_validator(
        _name,
        lambda keys, known=_known: set(keys) <= set(known),
        message=f"expected {', '.join(_known)}.",
    )


def main(argv: Sequence[str]) -> None:
    """Does what is left to do, and prints the results."""
    del argv
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    cli.import_tensorflow()
    from benchmarks.tasks.bench import Bench
    from benchmarks.tasks.report import Results

    folder = pathlib.Path(_OUTPUT.value)
    bench = Bench(
        folder,
        data=pathlib.Path(_DATA.value),
        encoder=_ENCODER.value,
        environments=pathlib.Path(_ENVIRONMENTS.value),
        dtype_policy=dtype_policy(_DTYPE.value),
    )
    results = Results(
        _describe_machine(),
        {"encoder": pathlib.Path(_ENCODER.value).name, "dtype": _DTYPE.value},
    )
    for seed, task, system in _runs():
        result = bench.run(task, system, seed)
        logging.info("%s", result)
        results.results.append(result)
        markdown = results.to_markdown()
        write_atomically(folder / "results.json", results.to_json().encode())
        write_atomically(folder / "results.md", markdown.encode())
    print(markdown)


def _runs() -> Iterator[tuple[int, str, str]]:
    """Seeds, tasks and systems; after each seed, all tasks have figures."""
    num_seeds = {
        task: _NUM_SEEDS.value or CONTESTS[task].num_seeds for task in _TASKS.value
    }
    for seed in range(max(num_seeds.values())):
        for task in _TASKS.value:
            if seed < num_seeds[task]:
                for system in _SYSTEMS.value:
                    yield seed, task, system


def _describe_machine() -> str:
    versions = [
        ("tensorflow", metadata.version("tensorflow")),
        *environments.versions("transformers", "transformers", "torch"),
    ]
    return f"{machine.describe()}; Python {platform.python_version()}, " + ", ".join(
        f"{name} {version}" for name, version in versions
    )


if __name__ == "__main__":
    cli.run(main)
