"""The same fine-tuning with several seeds: how far chance alone moves the figures.

WORKDIR/seed-0/, seed-1/ and so on   a run each; see finetune_lib.py
        results.json                 figures of each seed, their mean and spread
"""

import dataclasses
import json
import os
import statistics
from collections.abc import Sequence
from typing import Any

import tensorflow as tf
from absl import logging

from bert_tf.config import FinetuneConfig
from bert_tf.errors import UserError
from bert_tf.files import write_atomically
from bert_tf.modeling.checkpoints.run_dir import CONFIG_FILE, RESULTS_FILE, seed_folder
from bert_tf.training.finetune_lib import finetune_and_evaluate, format_figures


def finetune_seeds(
    config: FinetuneConfig,
    workdir: str,
    *,
    num_seeds: int,
    allow_missing: Sequence[str] = (),
    do_lower_case: bool | None = None,
) -> dict[str, Any]:
    """Fine-tunes with each seed, in folders of `workdir`.

    Args:
        config: of the run; its seed is the first.
        workdir: made if need be.
        num_seeds: runs.
        allow_missing: see `read_pretrained`.
        do_lower_case: see `read_pretrained`.

    Returns:
        `seeds`, the figures by the names of the folders; `mean` and `spread`, the
        standard deviation, of each; `best`, the folder with the best `main_metric`.

    Raises:
        UserError: see `finetune_and_evaluate`; or the folder is that of a single run.
    """
    if tf.io.gfile.exists(os.path.join(workdir, CONFIG_FILE)):
        raise UserError(
            f"Expected a folder for the runs of several seeds, received {workdir}, which "
            "is that of one run; use another --workdir."
        )
    runs = {}
    for number in range(num_seeds):
        name = seed_folder(number)
        seeded = dataclasses.replace(config, seed=config.seed + number)
        runs[name] = finetune_and_evaluate(
            seeded,
            os.path.join(workdir, name),
            allow_missing=allow_missing,
            do_lower_case=do_lower_case,
        )
        logging.info("seed %d  %s", seeded.seed, format_figures(runs[name]))
    first = runs[seed_folder(0)]
    values = {
        name: [figures[name] for figures in runs.values()]
        for name, figure in first.items()
        if isinstance(figure, float)
    }
    results = {
        "seeds": runs,
        "mean": {name: statistics.fmean(each) for name, each in values.items()},
        "spread": {
            name: statistics.stdev(each) if num_seeds > 1 else 0.0
            for name, each in values.items()
        },
        "best": max(runs, key=lambda name: runs[name][first["main_metric"]]),
    }
    content = json.dumps(results, indent=2)
    write_atomically(os.path.join(workdir, RESULTS_FILE), f"{content}\n".encode())
    return results


def format_seeds(results: dict[str, Any]) -> str:
    """For people: a line for each seed, one for each figure, and the best seed."""
    runs, best = results["seeds"], results["best"]
    return "\n".join(
        [
            *(f"{name}  {format_figures(figures)}" for name, figures in runs.items()),
            *(
                f"{name}  mean {mean:.4f}  spread {results['spread'][name]:.4f}"
                for name, mean in results["mean"].items()
            ),
            f"best {runs[best]['main_metric']} in {best}",
        ]
    )
