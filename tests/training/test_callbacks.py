"""What callbacks do in moments that a real run rarely meets."""

import signal

import pytest

from bert_tf.errors import Stopped
from bert_tf.training.callbacks import SaveCheckpoint


class State:
    """Remembers the steps that were saved."""

    def __init__(self):
        self.step = 7
        self.saved = []

    def save(self):
        self.saved.append(self.step)


class AskedLater:
    """A signal that comes after it has been looked for once."""

    def __init__(self):
        self._found = iter([None])

    @property
    def signal(self):
        return next(self._found, signal.SIGTERM)


def test_a_signal_between_two_looks_loses_no_step():
    state = State()
    callback = SaveCheckpoint(
        state, AskedLater(), steps_per_checkpoint=10, is_writer=True
    )

    callback.on_train_batch_end(0)  # the signal comes, and the next step is soon enough
    assert state.saved == []
    state.step = 8
    with pytest.raises(Stopped, match="Received SIGTERM at step 8, which is saved"):
        callback.on_train_batch_end(1)

    assert state.saved == [8]
