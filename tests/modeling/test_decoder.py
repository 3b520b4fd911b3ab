"""The decoder: what it may see, its memory, its beginning, and how it writes."""

import dataclasses

import keras
import keras_nlp
import numpy as np
import pytest
import tensorflow as tf

from bert_tf.config import BertConfig, FeatureConfig, Sampling
from bert_tf.errors import UserError
from bert_tf.modeling.checkpoints.coverage import Coverage
from bert_tf.modeling.checkpoints.pretrained import Pretrained, assign
from bert_tf.modeling.checkpoints.shapes import encoder_shapes, head_shapes
from bert_tf.modeling.decoder import decoder_weights
from bert_tf.modeling.generation import search
from bert_tf.modeling.seq2seq_model import Seq2SeqModel

CLS, END, LENGTH = 2, 3, 9
CONFIG = BertConfig(
    vocab_size=20,
    hidden_size=16,
    num_hidden_layers=2,
    num_attention_heads=2,
    intermediate_size=32,
    max_position_embeddings=12,
    initializer_range=0.4,  # so that inputs matter
)


@pytest.fixture(scope="module", params=["post", "pre", "layers"])
def model(request):
    if request.param == "layers":
        return Seq2SeqModel(CONFIG, FeatureConfig(layers=(-1, -2), pooling="mean"))
    config = dataclasses.replace(CONFIG, layer_norm=request.param)
    return Seq2SeqModel(config, FeatureConfig())


@pytest.fixture(scope="module")
def post_model():
    keras.utils.set_random_seed(0)  # whatever was made before
    model = Seq2SeqModel(CONFIG, FeatureConfig())
    bias = np.random.default_rng(3).normal(size=20)
    bias[END] = 2.5  # so that some texts end and others do not
    model.decoder.head.output_bias.assign(bias)
    return model


def made_inputs(*, num_rows=5, source_length=6, seed=0):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(2, source_length + 1, num_rows)
    lengths[0] = source_length
    mask = (np.arange(source_length) < lengths[:, None]).astype("int32")
    word_ids = rng.integers(4, 20, mask.shape).astype("int32") * mask
    word_ids[:, 0] = CLS
    return {
        "input_word_ids": tf.constant(word_ids),
        "input_mask": tf.constant(mask),
        "input_type_ids": tf.zeros_like(mask),
        "target_ids": tf.constant(rng.integers(4, 20, [num_rows, 7]).astype("int32")),
    }


def test_a_word_is_predicted_from_those_before_it_alone(model):
    inputs = made_inputs()
    logits = model(inputs)["logits"].numpy()
    for position in range(7):
        changed = inputs["target_ids"].numpy()
        changed[:, position] = (changed[:, position] + 1) % 20

        others = model(inputs | {"target_ids": tf.constant(changed)})["logits"].numpy()

        np.testing.assert_allclose(
            others[:, : position + 1], logits[:, : position + 1], atol=1e-5
        )
        if position < 6:
            difference = np.abs(others - logits)[:, position + 1 :].max(axis=(1, 2))
            assert difference.min() > 1e-3


def test_every_token_of_the_source_matters_and_no_padding(model):
    inputs = made_inputs()
    logits = model(inputs)["logits"].numpy()
    mask = inputs["input_mask"].numpy()
    for position in range(1, 6):
        changed = inputs["input_word_ids"].numpy()
        changed[:, position] = (changed[:, position] + 1) % 20

        others = model(inputs | {"input_word_ids": tf.constant(changed)})["logits"]

        difference = np.abs(others - logits).max(axis=(1, 2))
        np.testing.assert_array_equal(difference > 1e-4, mask[:, position] == 1)


def test_rows_do_not_depend_on_their_batch(model):
    inputs = made_inputs()
    together = model(inputs)["logits"].numpy()
    for row, length in enumerate(inputs["input_mask"].numpy().sum(axis=1)):
        alone = {
            name: values[row : row + 1, : None if name == "target_ids" else length]
            for name, values in inputs.items()
        }

        np.testing.assert_allclose(model(alone)["logits"][0], together[row], atol=1e-5)


def test_steps_with_a_memory_equal_the_whole(model):
    inputs = made_inputs()
    whole = model(inputs)["logits"].numpy()
    ids = tf.concat([inputs["input_word_ids"][:, :1], inputs["target_ids"]], axis=1)

    step, memory = model.begin(inputs, length=LENGTH, num_beams=1)

    for index in range(7):
        logits, memory = step(ids[:, index], memory, tf.constant(index))
        np.testing.assert_allclose(logits, whole[:, index], atol=1e-5)
    key, value = memory[0]
    assert key.shape == value.shape == (5, 2, LENGTH, 8)


@pytest.mark.parametrize("layer_norm", ["post", "pre"])
def test_it_begins_as_the_encoder(layer_norm):
    config = dataclasses.replace(CONFIG, layer_norm=layer_norm)
    model = Seq2SeqModel(config, FeatureConfig())
    rng = np.random.default_rng(0)
    shapes = encoder_shapes(config) | head_shapes("masked_lm", config)
    weights = {path: rng.normal(size=shape) for path, shape in shapes.items()}

    begun = decoder_weights(weights)

    pretrained = Pretrained(
        config, weights | begun, None, Coverage(tuple(weights), {}, {}, ())
    )
    assert assign(model, pretrained) == ()
    layer = model.decoder.decoder_layers[1]
    expected = weights["bert/layer_1/attention/query/kernel"].astype("float32")
    for attention in (layer.self_attention, layer.cross_attention):
        np.testing.assert_array_equal(attention.query.kernel, expected)
    np.testing.assert_array_equal(
        layer.ffn_output.kernel, weights["bert/layer_1/output/kernel"].astype("float32")
    )
    np.testing.assert_array_equal(
        begun["decoder/head/output_bias"], weights["masked_lm/output_bias"]
    )
    paths = {variable.path.removeprefix("seq2seq/") for variable in model.variables}
    assert paths == set(begun) | {path for path in weights if path.startswith("bert/")}


@pytest.mark.parametrize("frozen", [False, True])
def test_gradients_reach_every_weight(frozen):
    model = Seq2SeqModel(CONFIG, FeatureConfig(frozen=frozen))
    with tf.GradientTape() as tape:
        logits = model(made_inputs(), training=True, dropout_seed=[1, 2])["logits"]
        loss = tf.reduce_mean(tf.square(logits))
    variables = model.trainable_variables

    gradients = tape.gradient(loss, variables)

    without = {
        variable.path
        for variable, gradient in zip(variables, gradients, strict=True)
        if gradient is None or not np.any(tf.convert_to_tensor(gradient))
    }
    # The pooler has no part in it, and a bias of all keys changes no softmax.
    assert all("pooler" in path or path.endswith("key/bias") for path in without)
    assert any("bert/" in variable.path for variable in variables) != frozen


def written(model, inputs, sampling=None, *, length=LENGTH):
    sampling = sampling or Sampling()
    function = tf.function(
        lambda inputs: search(
            *model.begin(inputs, length=length, num_beams=sampling.width),
            inputs["input_word_ids"][:, 0],
            length=length,
            end_id=END,
            sampling=sampling,
        ),
        autograph=False,
    )
    return [values.numpy() for values in function(inputs)]


def log_probabilities(model, inputs, ids):
    """Of each text up to its end, by the whole pass."""
    logits = model(inputs | {"target_ids": tf.constant(ids)})["logits"]
    all_of_them = tf.nn.log_softmax(logits).numpy()
    is_text = np.cumsum(ids == END, axis=1) - (ids == END) == 0
    of_tokens = np.take_along_axis(all_of_them, ids[:, :, None], axis=2)[:, :, 0]
    return (of_tokens * is_text).sum(axis=1)


def test_greedy_writing_is_the_plain_loop(post_model):
    inputs = made_inputs(num_rows=20)
    received, scores = written(post_model, inputs)

    expected = np.full([20, LENGTH], END, "int32")
    for index in range(LENGTH):
        logits = post_model(inputs | {"target_ids": tf.constant(expected)})["logits"]
        best = np.argmax(logits[:, index], axis=-1)
        is_done = (expected[:, :index] == END).any(axis=1)
        expected[:, index] = np.where(is_done, END, best)
    np.testing.assert_array_equal(received, expected)
    np.testing.assert_allclose(
        scores, log_probabilities(post_model, inputs, received), rtol=1e-4
    )
    num_tokens = (received != END).sum(axis=1)
    assert num_tokens.min() < num_tokens.max()  # some end and some are cut off


def test_beams_find_likelier_texts(post_model):
    inputs = made_inputs(num_rows=20)
    _, greedy = written(post_model, inputs)

    received, scores = written(
        post_model, inputs, Sampling("beam", num_beams=4, length_penalty=0)
    )

    np.testing.assert_allclose(
        scores, log_probabilities(post_model, inputs, received), rtol=1e-4
    )
    assert (scores >= greedy - 1e-4).all()
    assert (scores > greedy + 1e-2).any()


@pytest.mark.parametrize("length_penalty", [0, 0.6, 3])
def test_enough_beams_find_the_best_text(post_model, length_penalty):
    inputs = made_inputs(num_rows=4)
    texts = [[first, second] for first in range(20) for second in range(20)]
    texts = [text if text[0] != END else [END, END] for text in texts]
    of_all = {name: np.repeat(values, 400, axis=0) for name, values in inputs.items()}
    all_scores = log_probabilities(
        post_model, of_all, np.array(texts * 4, "int32")
    ).reshape(4, 400)
    lengths = np.array([1 if text[0] == END else 2 for text in texts])
    best = np.argmax(all_scores / ((5 + lengths) / 6) ** length_penalty, axis=1)

    received, scores = written(
        post_model,
        inputs,
        Sampling("beam", num_beams=20, length_penalty=length_penalty),
        length=2,
    )

    assert [texts[number] for number in best] == received.tolist()
    np.testing.assert_allclose(scores, all_scores[range(4), best], rtol=1e-4)


@pytest.mark.parametrize(
    ("length_penalty", "expected", "probability"),
    [(0, [1, 0, 0, 0, 0, 0], 0.5), (0.6, [1, 2, 3, 4, 0, 0], 0.45)],
)
def test_the_length_penalty_lets_a_longer_text_win(length_penalty, expected, probability):
    following = np.full([6, 6], 1e-9, "float32")  # of each token, the next one's chances
    following[1, [0, 2, 3]] = 0.5, 0.45, 0.05
    following[[5, 2, 3, 4, 0], [1, 3, 4, 0, 0]] = 1

    received, scores = search(
        lambda ids, memory, index: (tf.gather(np.log(following), ids), memory),
        (),
        tf.constant([5]),
        length=6,
        end_id=0,
        sampling=Sampling("beam", num_beams=3, length_penalty=length_penalty),
    )

    assert received.numpy().tolist() == [expected]
    np.testing.assert_allclose(scores, [np.log(probability)], rtol=1e-4)


@pytest.mark.parametrize("name", ["greedy", "beam"])
def test_keras_hubs_samplers_write_the_same(post_model, name):
    """With an end that never comes, at which theirs differ."""
    inputs = made_inputs(num_rows=6)
    sampling = Sampling(name, num_beams=3)
    step, memory = post_model.begin(inputs, length=LENGTH, num_beams=sampling.width)
    sampler = (
        keras_nlp.samplers.BeamSampler(num_beams=3)
        if name == "beam"
        else keras_nlp.samplers.GreedySampler()
    )
    if name == "beam":  # it repeats the memory itself
        memory = tf.nest.map_structure(lambda values: values[::3], memory)

    def following(prompt, memory, index):
        logits, memory = step(prompt[:, index - 1], memory, index - 1)
        return logits, None, memory

    prompt = tf.pad(inputs["input_word_ids"][:, :1], [[0, 0], [0, LENGTH]])
    expected = sampler(following, prompt, cache=memory, index=1)

    received, _ = search(
        *post_model.begin(inputs, length=LENGTH, num_beams=sampling.width),
        inputs["input_word_ids"][:, 0],
        length=LENGTH,
        end_id=-1,
        sampling=sampling,
    )

    np.testing.assert_array_equal(received, expected[:, 1:])


def test_draws_follow_from_the_seed_and_not_from_the_batch(post_model):
    inputs = made_inputs(num_rows=10)
    sampling = Sampling("top_p", top_p=0.95, seed=5)
    received, scores = written(post_model, inputs, sampling)

    again, _ = written(post_model, inputs, sampling)
    some, _ = written(
        post_model, {name: values[4:7] for name, values in inputs.items()}, sampling
    )
    other, _ = written(post_model, inputs, dataclasses.replace(sampling, seed=6))

    np.testing.assert_array_equal(again, received)
    np.testing.assert_array_equal(some, received[4:7])
    assert (other != received).any()
    np.testing.assert_allclose(
        scores, log_probabilities(post_model, inputs, received), rtol=1e-4
    )


def test_draws_have_the_probabilities_of_the_likeliest_tokens():
    probabilities = np.array([0.4, 0.3, 0.2, 0.1], "float32")
    logits = tf.constant(np.log(probabilities)[None])
    length = 4000

    @tf.function(autograph=False)
    def draw():
        return search(
            lambda ids, memory, index: (logits, memory),
            (),
            tf.constant([0]),
            length=length,
            end_id=-1,
            sampling=Sampling("top_p", top_p=0.8),
        )

    received, _ = draw()

    shares = np.bincount(received[0], minlength=4) / length
    # 0.4 + 0.3 is below 0.8, so 0.2 is among them. Four standard deviations.
    np.testing.assert_allclose(shares, [4 / 9, 3 / 9, 2 / 9, 0], atol=0.032)


def test_a_tiny_share_is_the_likeliest_token(post_model):
    inputs = made_inputs(num_rows=10)

    received, _ = written(post_model, inputs, Sampling("top_p", top_p=1e-6))

    np.testing.assert_array_equal(received, written(post_model, inputs)[0])


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"sampler": "best"}, "sampler: expected one of greedy, beam, top_p, received"),
        ({"num_beams": 0}, "num_beams: expected a finite number above 0, received 0"),
        ({"length_penalty": -1}, "length_penalty: expected a number of at least 0, rec"),
        ({"top_p": 1.5}, "top_p: expected a probability above 0, received 1.5"),
        ({"seed": -1}, "seed: expected 0 to 2147483647, received -1"),
    ],
)
def test_a_sampling_that_cannot_be_is_refused(fields, message):
    with pytest.raises(UserError, match=message):
        Sampling(**fields)


def test_a_model_is_made_again_from_its_configuration():
    features = FeatureConfig(frozen=True, layers=(-1, 0), pooling="mean")
    model = Seq2SeqModel(CONFIG, features)

    again = Seq2SeqModel.from_config(model.get_config())

    assert again.config == CONFIG
    assert again.features == features
