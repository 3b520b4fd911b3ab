"""From one or two texts to the sequence that an encoder sees whole."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from bert_tf.data.packing import ENCODER_INPUTS, pack_pair, pack_single
from bert_tf.tasks.batches import string_tensor

if TYPE_CHECKING:
    from bert_tf.tasks.task import Batch, Example, Task

_CHUNK = 256  # examples that are tokenized together


def pack_texts(task: "Task", inputs: "Batch") -> "Batch":
    """Tokenizes and frames `text`, and `text_pair` if the task has pairs.

    Args:
        task: has the tokenizer and the length.
        inputs: string [B] each.

    Returns:
        The encoder's inputs, int32 [B, S].
    """
    vocabulary = task.tokenizer.vocabulary
    length = task.config.max_seq_length
    segments = _tokenize(task, inputs)
    pack = pack_single if len(segments) == 1 else pack_pair
    return pack(*segments, vocabulary, max_seq_length=length)


def num_cut(task: "Task", examples: "Sequence[Example]") -> int:
    """How many of the examples are longer than the model may see."""

    def is_cut(inputs):
        segments = _tokenize(task, inputs)
        num_tokens = tf.add_n([ids.row_lengths() for ids in segments])
        num_special = 1 + len(segments)  # [CLS], and [SEP] after each
        return num_tokens + num_special > task.config.max_seq_length

    return count(task, examples, is_cut, size=_CHUNK)


def count(
    task: "Task",
    examples: "Sequence[Example]",
    condition: "Callable[[Batch], tf.Tensor]",
    *,
    size: int,
) -> int:
    """How many of the examples a condition holds for.

    Args:
        task: of the examples.
        examples: in any number.
        condition: from raw inputs, string [B] or [B, N] each, to bool [B]; in the graph.
        size: examples at a time.
    """
    holds = tf.function(condition, reduce_retracing=True)
    chunks = raw_chunks(task, examples, size=size)
    return sum(int(np.count_nonzero(holds(inputs))) for _, inputs in chunks)


def _tokenize(task: "Task", inputs: "Batch") -> list[tf.RaggedTensor]:
    names = ("text", "text_pair")
    return [task.tokenizer.tokenize(inputs[name]) for name in names if name in inputs]


def encode_sequences(
    task: "Task", examples: "Sequence[Example]"
) -> "Iterator[tuple[Example, dict[str, np.ndarray]]]":
    """The encoder's inputs of each example, without padding.

    Args:
        task: see `pack_texts`.
        examples: in any number.

    Yields:
        An example and its arrays, int32 [S], with a `weight` of 1.
    """
    pack = tf.function(lambda inputs: pack_texts(task, inputs), reduce_retracing=True)
    for chunk, inputs in raw_chunks(task, examples, size=_CHUNK):
        packed = {name: values.numpy() for name, values in pack(inputs).items()}
        for row, example in enumerate(chunk):
            yield example, without_padding(packed, row)


def without_padding(
    arrays: Mapping[str, np.ndarray], row: int, names: Sequence[str] = ENCODER_INPUTS
) -> dict[str, np.ndarray]:
    """A row to train on, with a `weight` of 1.

    Args:
        arrays: [B, S, ...] each, with `input_mask`.
        row: its number.
        names: of the arrays to take, as far as the row has tokens.
    """
    length = arrays["input_mask"][row].sum()
    return {name: arrays[name][row, :length].copy() for name in names} | {
        "weight": np.float32(1)
    }


def raw_chunks(
    task: "Task", examples: "Sequence[Example]", *, size: int
) -> "Iterator[tuple[Sequence[Example], Batch]]":
    """Examples and their raw inputs as tensors, so many at a time.

    Inputs of rank 2 are filled up with empty strings.
    """
    for start in range(0, len(examples), size):
        chunk = examples[start : start + size]
        yield (
            chunk,
            {
                name: string_tensor([each.inputs[name] for each in chunk], rank)
                for name, rank in task.inputs.items()
                if name in chunk[0].inputs
            },
        )
