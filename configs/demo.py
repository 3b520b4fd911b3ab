"""demo."""
from bert_tf.config import *
def get_config():
    return PretrainConfig()
