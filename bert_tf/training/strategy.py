"""Where a run computes."""

import tensorflow as tf


def make_strategy(name: str) -> tf.distribute.Strategy:
    """The distribution strategy behind `PretrainConfig.strategy`.

    Args:
        name: `none` for one device, `mirrored` for every GPU of this machine, or
            every logical CPU where there is no GPU.

    Returns:
        A strategy to build the model in.
    """
    if name == "none":
        return tf.distribute.get_strategy()
    gpus = tf.config.list_logical_devices("GPU")
    devices = gpus or tf.config.list_logical_devices("CPU")
    return tf.distribute.MirroredStrategy(
        [device.name for device in devices],
        # NCCL reduces between GPUs only.
        cross_device_ops=None if gpus else tf.distribute.ReductionToOneDevice(),
    )
