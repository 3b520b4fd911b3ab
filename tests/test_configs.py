"""Every file in configs/ gives a configuration that holds."""

import importlib.util
import pathlib

import pytest

from bert_tf.config import PretrainConfig

CONFIGS = pathlib.Path(__file__).parent.parent / "configs"
SIZES = ["tiny", "mini", "small", "medium", "base", "large"]


def load(name):
    spec = importlib.util.spec_from_file_location(name, CONFIGS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("name", "argument"),
    [
        (path.stem, argument)
        for path in sorted(CONFIGS.glob("*.py"))
        for argument in [(), *((size,) for size in SIZES)]
    ],
)
def test_config_holds(name, argument):
    module = load(name)

    config = module.get_config(*argument)
    config.input.data_dir = "data"
    if config.num_long_steps:
        config.long_input.data_dir = "data"
    config.validate()

    assert isinstance(config, PretrainConfig)
    assert f"configs/{name}.py" in module.__doc__
