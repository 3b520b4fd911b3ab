"""Two logical CPUs, so that tests can compare one replica with two."""

import os
import pathlib

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"

import hypothesis
import pytest
import tensorflow as tf

# Programs that tests start are quiet by themselves.
del os.environ["TF_CPP_MIN_LOG_LEVEL"]

# Other tests run beside these: how long an example takes says nothing.
hypothesis.settings.register_profile("busy machine", deadline=None)
hypothesis.settings.load_profile("busy machine")

tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0],
    [tf.config.LogicalDeviceConfiguration()] * 2,
)


def pytest_collection_modifyitems(items):
    """What takes longest comes first, so that other tests run beside it."""
    items.sort(key=lambda item: item.path.name != "test_interruptions.py")


@pytest.fixture(autouse=True, scope="module")
def _same_random_weights():
    """A test that fails fails again."""
    import keras

    keras.utils.set_random_seed(0)


SHARED = pathlib.Path(__file__).parent.parent.parent / "shared"


@pytest.fixture(scope="session")
def shared():
    """The folder of real data beside the checkout."""
    if not SHARED.is_dir():
        pytest.skip("needs ../shared")
    return SHARED
