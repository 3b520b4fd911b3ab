"""`bert_tf.pretrain` that waits for other workers for five seconds only."""

from bert_tf import cli, pretrain
from bert_tf.training import strategy

if __name__ == "__main__":
    strategy.SECONDS_TO_WAIT_FOR_WORKERS = 5
    cli.run(pretrain.main)
