"""Our training step under `fit`, as bert_tf.pretrain runs it.

    python -m benchmarks.training.systems.ours WORKLOAD [packed]

WORKLOAD is a `Workload` as JSON. `packed`: short examples share rows, as with
`--config.input.packing`. The last line is a measurement as JSON.
"""

import sys

from benchmarks.training.workload import Batches, Stopwatch, Workload
from bert_tf import cli
from bert_tf.config import OptimizerConfig
from bert_tf.training import environment


def main() -> None:
    """Trains and tells how fast."""
    workload = Workload.from_json(sys.argv[1])
    environment.set_up()
    cli.import_tensorflow()
    from benchmarks.training.systems import keras_fit
    from bert_tf.data.row_packing import pack_batch
    from bert_tf.modeling.models import BertPretrainer
    from bert_tf.tasks import pretraining
    from bert_tf.training.optimizer import make_optimizer
    from bert_tf.training.schedules import make_schedule
    from bert_tf.training.speedometer import measure_peak_flops
    from bert_tf.training.trainer import Trainer

    batches = Batches(workload)
    config = OptimizerConfig()
    trainer = Trainer(BertPretrainer(workload.model()), pretraining, seed=0)
    trainer.compile(
        make_optimizer(
            config,
            make_schedule(config, num_train_steps=1_000_000),
            dynamic_loss_scale=False,
        )
    )
    data = keras_fit.dataset(workload, batches)
    if "packed" in sys.argv:
        data = data.map(pack_batch)
    stopwatch = Stopwatch(workload, batches)
    keras_fit.fit(trainer, data, stopwatch)
    stopwatch.print_measurement(peak_flops=measure_peak_flops(workload.setting.dtype))


if __name__ == "__main__":
    main()
