"""How fast one processor core reads pretraining examples for training.

    python -m benchmarks.data.reading --data_dir=data

Shuffled batches of `bert_tf.data.input_pipeline.train_dataset`, by one thread; the first
batch, for which the shuffle buffer is filled, is not counted. The last line is JSON.
"""

import json
import time
from collections.abc import Sequence

from absl import flags

from bert_tf import cli, config

_DATA_DIR = flags.DEFINE_string("data_dir", None, "What create_pretraining_data wrote.")
_BATCH_SIZE = flags.DEFINE_integer("batch_size", 256, "Examples.", lower_bound=1)
_SECONDS = flags.DEFINE_float("seconds", 10, "How long to read.", lower_bound=0)
flags.mark_flag_as_required("data_dir")


def main(argv: Sequence[str]) -> None:
    """Reads for some seconds and prints examples a second."""
    del argv
    cli.import_tensorflow()
    import tensorflow as tf

    from bert_tf.data import input_pipeline, manifest

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    options = tf.data.Options()
    options.threading.private_threadpool_size = 1
    dataset = input_pipeline.train_dataset(
        manifest.load_manifest(_DATA_DIR.value),
        config.InputConfig(train_batch_size=_BATCH_SIZE.value),
        seed=0,
    )
    batches = iter(dataset.with_options(options))
    next(batches)
    num_batches = 0
    start = now = time.perf_counter()
    while now < start + _SECONDS.value:
        next(batches)
        num_batches += 1
        now = time.perf_counter()
    rate = num_batches * _BATCH_SIZE.value / (now - start)
    print(json.dumps({"examples_per_second": rate}))


if __name__ == "__main__":
    cli.run(main)
