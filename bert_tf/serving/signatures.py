"""What an exported model answers, computed in its graph.

Every signature takes tensors by name, whose first axis is the batch, and gives float32,
int32 and strings, which all have a JSON form. There are, of every task:

    serving_default  the task's answer to raw text; see the task's class
    preprocess       raw text -> `input_word_ids`, `input_mask` and `input_type_ids`,
                     int32 [B, S], or [B, C, S] where an answer takes several sequences.
                     Texts are cut off where the model's length ends; serving_default
                     looks at the rest too, through windows, if the task has any
    from_ids         these three -> what the task's `answer_ids` says of them
    encode           these three, [B, S] -> `sequence_output`, float32 [B, S, H], and
                     `pooled_output`, float32 [B, H]

and where they make sense:

    embed            `text`, string [B] -> `pooled_output` and `mean_pooled_output`,
                     float32 [B, H]; the mean is of all tokens, [CLS] and [SEP] included
    classify         `inputs`, string [B], tf.Examples with the raw inputs as features ->
                     `classes`, string [B, O], and `scores`, float32 [B, O]
    regress          `inputs` as above -> `outputs`, float32 [B]

Shapes: B batch, S tokens of the longest, C sequences of an answer, H hidden units, O
classes.
"""

import functools
from collections.abc import Callable, Iterator, Mapping

import keras
import tensorflow as tf

from bert_tf.data.packing import ENCODER_INPUTS, pack_single
from bert_tf.modeling.task_model import mean_of_tokens
from bert_tf.serving.protocol import DEFAULT_SIGNATURE, EXAMPLES
from bert_tf.tasks.classification import Classification
from bert_tf.tasks.regression import PairRegression
from bert_tf.tasks.similarity import Similarity
from bert_tf.tasks.task import Batch, Task

# Types that every client has; bfloat16 has no JSON form.
_SERVED_TYPES = {
    tf.bfloat16: tf.float32,
    tf.float16: tf.float32,
    tf.float32: tf.float32,
    tf.int32: tf.int32,
    tf.int64: tf.int32,
    tf.string: tf.string,
}

Signatures = dict[str, Callable[..., Batch]]


def make_signatures(task: Task, model: keras.Model) -> Signatures:
    """The functions of a model that a server offers by name; see the module's docstring.

    Args:
        task: tells what is answered.
        model: what its `make_model` made.

    Returns:
        Concrete functions of keyword arguments.
    """
    texts = {
        name: tf.TensorSpec([None] * rank, tf.string, name)
        for name, rank in task.raw_inputs.items()
    }
    answer = _trace(_of_rows(functools.partial(task.answer_raw, model)), texts)
    preprocess = _trace(_of_rows(task.pack), texts)
    rank = preprocess.structured_outputs["input_word_ids"].shape.rank
    longest = model.config.max_position_embeddings
    signatures = {
        DEFAULT_SIGNATURE: answer,
        "preprocess": preprocess,
        "from_ids": _trace(
            _within_limit(functools.partial(task.answer_ids, model), longest),
            _ids(rank),
        ),
        "encode": _trace(
            _within_limit(functools.partial(_encode, model), longest), _ids(rank=2)
        ),
    }
    if _reads_single_texts(task):
        signatures["embed"] = _trace(
            _of_rows(functools.partial(_embed, task, model)),
            {"text": tf.TensorSpec([None], tf.string, "text")},
        )
    if isinstance(task, Classification):
        signatures["classify"] = _of_examples(
            answer, task.raw_inputs, {"classes": "labels", "scores": "probabilities"}
        )
    if isinstance(task, PairRegression):
        signatures["regress"] = _of_examples(
            answer, task.raw_inputs, {"outputs": "score"}
        )
    return signatures


def _ids(rank: int) -> dict[str, tf.TensorSpec]:
    return {name: tf.TensorSpec([None] * rank, tf.int32, name) for name in ENCODER_INPUTS}


def _trace(
    function: Callable[[Batch], Batch], specs: Mapping[str, tf.TensorSpec]
) -> Callable[..., Batch]:
    @functools.partial(tf.function, autograph=False)
    def served(**inputs):
        return {
            name: tf.cast(values, _SERVED_TYPES[values.dtype])
            for name, values in function(inputs).items()
        }

    return served.get_concrete_function(**specs)


def _of_rows(function: Callable[[Batch], Batch]) -> Callable[[Batch], Batch]:
    """Refuses no inputs, empty ones, and unequally many of each."""

    def check(inputs):
        shapes = [tf.shape(values) for values in inputs.values()]
        yield tf.debugging.assert_positive(
            tf.concat(shapes, axis=0),
            message="Expected at least one value of each input, received none.",
        )
        num_rows = tf.stack([shape[0] for shape in shapes])
        yield tf.debugging.assert_equal(
            num_rows, num_rows[0], message="Expected as many values of each input."
        )

    return _checked(function, check)


def _within_limit(
    function: Callable[[Batch], Batch], longest: int
) -> Callable[[Batch], Batch]:
    """Refuses sequences longer than the model, empty ones, and ids without their mask."""

    def check(packed):
        shapes = [tf.shape(packed[name]) for name in ENCODER_INPUTS]
        yield tf.debugging.assert_positive(
            shapes[0], message="Expected at least one id, received none."
        )
        yield tf.debugging.assert_less_equal(
            shapes[0][-1],
            longest,
            message=f"Expected at most {longest} ids a sequence; shorten them.",
        )
        yield tf.debugging.assert_equal(
            tf.stack(shapes), shapes[0], message="Expected inputs of the same shape."
        )

    return _checked(function, check)


def _checked(
    function: Callable[[Batch], Batch], check: Callable[[Batch], Iterator[tf.Operation]]
) -> Callable[[Batch], Batch]:
    """The function after checks of its inputs, which fail with INVALID_ARGUMENT."""

    def checked(inputs):
        with tf.control_dependencies(list(check(inputs))):
            return function({name: tf.identity(each) for name, each in inputs.items()})

    return checked


def _encode(model: keras.Model, packed: Batch) -> Batch:
    outputs = model.bert(packed)
    return {name: outputs[name] for name in ("sequence_output", "pooled_output")}


def _reads_single_texts(task: Task) -> bool:
    """Whether the encoder knows what a text by itself is like."""
    return set(task.raw_inputs) == {"text"} or isinstance(task, Similarity)


def _embed(task: Task, model: keras.Model, inputs: Batch) -> Batch:
    packed = pack_single(
        task.tokenizer.tokenize(inputs["text"]),
        task.tokenizer.vocabulary,
        max_seq_length=task.config.max_seq_length,
    )
    outputs = _encode(model, packed)
    sequence_output = tf.cast(outputs["sequence_output"], tf.float32)
    return {
        "pooled_output": outputs["pooled_output"],
        "mean_pooled_output": mean_of_tokens(sequence_output, packed["input_mask"]),
    }


def _of_examples(
    answer: Callable[..., Batch], inputs: Mapping[str, int], names: Mapping[str, str]
) -> Callable[..., Batch]:
    """A signature of tf.Examples that gives some of an answer under other names."""
    features = {name: tf.io.FixedLenFeature([], tf.string) for name in inputs}

    def answer_examples(examples):
        answers = answer(**tf.io.parse_example(examples[EXAMPLES], features))
        return {name: answers[source] for name, source in names.items()}

    return _trace(answer_examples, {EXAMPLES: tf.TensorSpec([None], tf.string, EXAMPLES)})
