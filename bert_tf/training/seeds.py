"""The same fine-tuning with several seeds: how far chance alone moves the figures."""

import dataclasses
import os
import statistics
from collections.abc import Iterator, Sequence

from bert_tf.config import FinetuneConfig
from bert_tf.training.finetune_lib import finetune_and_evaluate, format_figures


def finetune_seeds(
    config: FinetuneConfig,
    workdir: str,
    *,
    num_seeds: int,
    allow_missing: Sequence[str] = (),
) -> Iterator[str]:
    """Fine-tunes with each seed, in folders seed-0, seed-1 and so on of `workdir`.

    Args:
        config: of the run; its seed is the first.
        workdir: made if need be.
        num_seeds: runs.
        allow_missing: see `read_pretrained`.

    Yields:
        For people, a line for each seed, one for each metric's mean and standard
        deviation, and one that names the best run's folder.
    """
    runs = {}
    for number in range(num_seeds):
        folder = os.path.join(workdir, f"seed-{number}")
        seeded = dataclasses.replace(config, seed=config.seed + number)
        runs[folder] = finetune_and_evaluate(seeded, folder, allow_missing=allow_missing)
        yield f"seed {seeded.seed}  {format_figures(runs[folder])}"
    for name in next(iter(runs.values())):
        values = [figures[name] for figures in runs.values()]
        if isinstance(values[0], float):
            spread = statistics.stdev(values) if num_seeds > 1 else 0.0
            yield f"{name}  mean {statistics.mean(values):.4f}  spread {spread:.4f}"
    metric = next(iter(runs.values()))["main_metric"]
    best = max(runs, key=lambda folder: runs[folder][metric])
    yield f"best {metric} in {best}"
