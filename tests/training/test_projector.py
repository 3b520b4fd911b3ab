"""TensorBoard's own code reads what is written."""

import json

import numpy as np
import pytest
from tensorboard.plugins.base_plugin import TBContext
from tensorboard.plugins.projector.projector_plugin import ProjectorPlugin
from werkzeug.test import Client

from bert_tf.config import SPECIAL_TOKENS
from bert_tf.data.vocab import Vocabulary, save_vocabulary
from bert_tf.training.projector import MAX_TOKENS, write_projector


@pytest.mark.parametrize("num_tokens", [50, MAX_TOKENS + 5])
def test_tensorboard_shows_the_embeddings(tmp_path, num_tokens):
    tokens = [*SPECIAL_TOKENS, "\t", "a\u2028b", "zwölf"]
    tokens += [f"w{index}" for index in range(num_tokens - len(tokens))]
    save_vocabulary(Vocabulary(tuple(tokens)), tmp_path / "vocab.txt")
    (tmp_path / "events").mkdir()
    embeddings = np.random.default_rng(0).normal(size=[num_tokens, 8])

    write_projector(str(tmp_path), embeddings.astype(np.float32))

    plugin = ProjectorPlugin(TBContext(logdir=str(tmp_path / "events")))
    num_shown = min(num_tokens, MAX_TOKENS)

    def ask(route):
        app = plugin.get_plugin_apps()[f"/{route}"]
        response = Client(app).get(
            "/", query_string={"run": ".", "name": "word_embeddings"}
        )
        assert response.status_code == 200, response.data
        return response.data

    (info,) = json.loads(ask("info"))["embeddings"]
    assert info["tensorShape"] == [num_shown, 8]
    shown = np.frombuffer(ask("tensor"), np.float32).reshape([-1, 8])
    np.testing.assert_array_equal(shown, embeddings[:MAX_TOKENS].astype(np.float32))
    names = ask("metadata").decode().splitlines()
    assert len(names) == num_shown
    assert names[4:8] == ["[MASK]", "U+0009", "aU+2028b", "zwölf"]
