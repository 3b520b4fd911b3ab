"""How other libraries name a BERT's weights, and the way there and back.

A library's names are a table. Shapes need none: where a library keeps the heads of
attention apart, its numbers are in the order of our matrix all the same.
"""

import dataclasses
import re
from collections.abc import Collection, Mapping

import numpy as np

from bert_tf.config import BertConfig
from bert_tf.errors import UserError
from bert_tf.modeling.checkpoints.coverage import Coverage
from bert_tf.modeling.checkpoints.shapes import (
    HEADS,
    Shape,
    check_num_layers,
    encoder_shapes,
    head_shapes,
)

Weights = Mapping[str, np.ndarray]

_LAYER = re.compile(r"\blayer_(\d+)/")


@dataclasses.dataclass(frozen=True)
class WeightNames:
    """The names of one library.

    Left in both tables are our paths; {} is the number of a layer, or, right of a path
    that has none, the number after the last layer's.
    """

    modules: Mapping[str, str]  # our paths without their last part
    last_parts: Mapping[str, str]  # with the sign before them, if any
    variables: Mapping[str, str] = dataclasses.field(default_factory=dict)  # whole paths
    suffix: str = ""  # of all names
    first_layer: int = 0  # its number
    transposed: str = r"$^"  # pattern of our matrices that are [outputs, inputs] there
    skipped: Mapping[str, str] = dataclasses.field(default_factory=dict)  # pattern: why

    def name_of(self, path: str, *, num_layers: int = 0) -> str | None:
        """The library's name for one of our variables, if it has one.

        Args:
            path: of our variable.
            num_layers: of the model.
        """
        match = _LAYER.search(path)
        number = self.first_layer + (int(match[1]) if match else num_layers)
        path = _LAYER.sub("layer_{}/", path)
        module, _, last_part = path.rpartition("/")
        if path in self.variables:
            name = self.variables[path]
        elif module in self.modules:
            name = self.modules[module] + self.last_parts[last_part]
        else:
            return None
        return name.format(number) + self.suffix

    def has_transposed(self, path: str) -> bool:
        """Whether the library has the matrix of this path as [outputs, inputs]."""
        return re.fullmatch(self.transposed, path) is not None


def to_ours(
    theirs: Weights, names: WeightNames, config: BertConfig
) -> tuple[dict[str, np.ndarray], Coverage]:
    """Finds the encoder and every head that is there.

    Args:
        theirs: arrays by the library's names.
        names: of the library.
        config: of the encoder.

    Returns:
        Float32 arrays by our paths, and what became of each weight.

    Raises:
        UserError: a weight has another number of values than `config` tells, or there
            are more layers.
    """
    check_num_layers(theirs, lambda path: _name(names, path, config), config)
    wanted = encoder_shapes(config)
    for head in HEADS:
        shapes = head_shapes(head, config)
        if any(_name(names, path, config) in theirs for path in shapes):
            wanted |= shapes
    ours, missing, used = {}, {}, set()
    for path, shape in wanted.items():
        name = _name(names, path, config)
        if name is None or name not in theirs:
            missing[path] = name or "no name"
            continue
        used.add(name)
        ours[path] = _to_our_array(theirs[name], names, path, shape, name)
    skipped, unexpected = _sort_unused(set(theirs) - used, names)
    return ours, Coverage(tuple(ours), skipped, missing, unexpected)


def to_theirs(
    ours: Weights, names: WeightNames, config: BertConfig
) -> tuple[dict[str, np.ndarray], Coverage]:
    """Names and turns our weights as a library has them.

    Args:
        ours: arrays by our paths.
        names: of the library.
        config: of the encoder.

    Returns:
        Arrays by the library's names, and what became of ours: those that it has no
        name for are `skipped`.
    """
    theirs, loaded, unnamed = {}, [], []
    for path, values in ours.items():
        name = _name(names, path, config)
        if name is None:
            unnamed.append(path)
            continue
        loaded.append(path)
        values = values.T if names.has_transposed(path) else values
        theirs[name] = np.ascontiguousarray(values)
    skipped = {"not in this format": tuple(unnamed)} if unnamed else {}
    return theirs, Coverage(tuple(loaded), skipped, {}, ())


def _name(names: WeightNames, path: str, config: BertConfig) -> str | None:
    return names.name_of(path, num_layers=config.num_hidden_layers)


def _to_our_array(
    values: np.ndarray, names: WeightNames, path: str, shape: Shape, name: str
) -> np.ndarray:
    values = np.asarray(values, np.float32)
    if names.has_transposed(path):
        values = values.T
    if None in shape:
        fits = values.ndim == len(shape) and all(
            size in (None, found) for size, found in zip(shape, values.shape, strict=True)
        )
        shape = values.shape
    else:
        fits = values.size == np.prod(shape)
    if not fits:
        raise UserError(
            f"Expected weights of the shape {shape} for {path}, received {values.shape} "
            f"under {name!r}; the configuration is another model's."
        )
    return np.ascontiguousarray(values.reshape(shape))


def _sort_unused(
    unused: Collection[str], names: WeightNames
) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
    """By the rules that skip them, and the rest."""
    skipped: dict[str, list[str]] = {}
    unexpected = []
    for name in sorted(unused):
        for pattern, why in names.skipped.items():
            if re.fullmatch(pattern, name):
                skipped.setdefault(why, []).append(name)
                break
        else:
            unexpected.append(name)
    return {why: tuple(found) for why, found in skipped.items()}, tuple(unexpected)
