"""Classifiers that have learnt nothing, whose weights all systems have.

run/             a fine-tuning of ours, of no epoch
hugging_face/    the same for other libraries
"""

import dataclasses
import pathlib

import keras
import numpy as np

from bert_tf.config import BertConfig, FeatureConfig, FinetuneConfig, TaskConfig
from bert_tf.data.vocab import Vocabulary
from bert_tf.modeling.checkpoints.coverage import Coverage
from bert_tf.modeling.checkpoints.formats import write_pretrained
from bert_tf.modeling.checkpoints.pretrained import Pretrained
from bert_tf.modeling.task_model import HeadConfig, TaskModel
from bert_tf.training.finetune_lib import finetune_and_evaluate

LABELS = ("bad", "good")
_HEAD = "sequence_classifier"
# Of a kernel's columns. With BERT's 0.02 in each weight, random layers lose what texts
# differ in, and all have the same probabilities.
_COLUMN_NORM = 2.0
# Of what is added to biases and to the weights of layer normalisation. Of zeros and ones,
# which only untrained models have, TensorFlow makes another, slower graph.
_VECTOR_STDDEV = 0.1


def write(folder: pathlib.Path, config: BertConfig, vocabulary: Vocabulary) -> None:
    """Writes both folders, with the same weights whenever it is called.

    Args:
        folder: must not exist.
        config: of the encoder; its `vocab_size` is filled in.
        vocabulary: an uncased one.
    """
    config = dataclasses.replace(
        config,
        vocab_size=len(vocabulary),
        initializer_range=_COLUMN_NORM / config.hidden_size**0.5,
    )
    folder.mkdir(parents=True)
    hugging_face = str(folder / "hugging_face")
    pretrained = _untrained(config, vocabulary)
    write_pretrained(pretrained, hugging_face, format="hugging_face")
    held_out = folder / "held_out.tsv"  # which no fine-tuning is without
    held_out.write_text("".join(f"{label}\t{label}\n" for label in LABELS))
    finetune_and_evaluate(
        FinetuneConfig(
            task=TaskConfig(
                "classification",
                labels=LABELS,
                max_seq_length=config.max_position_embeddings,
            ),
            eval_file=str(held_out),
            init_checkpoint=hugging_face,
            num_epochs=0,
        ),
        str(folder / "run"),
    )


def _untrained(config: BertConfig, vocabulary: Vocabulary) -> Pretrained:
    keras.utils.set_random_seed(0)
    model = TaskModel(config, HeadConfig(_HEAD, len(LABELS)), FeatureConfig())
    generator = np.random.default_rng(0)
    for variable in model.variables:
        if len(variable.shape) == 1:
            noise = generator.normal(0, _VECTOR_STDDEV, variable.shape)
            variable.assign_add(noise.astype(np.float32))
    weights = {
        variable.path.removeprefix(f"{model.name}/"): variable.numpy()
        for variable in model.variables
    }
    coverage = Coverage(tuple(weights), {}, {}, ())
    return Pretrained(config, weights, vocabulary, coverage, labels=LABELS)
