"""`bert_tf.pretrain` with two logical processors, as if they were two GPUs."""

import tensorflow as tf

from bert_tf import cli, pretrain

if __name__ == "__main__":
    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0],
        [tf.config.LogicalDeviceConfiguration()] * 2,
    )
    cli.run(pretrain.main)
