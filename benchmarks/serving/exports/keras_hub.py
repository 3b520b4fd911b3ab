"""KerasHub's classifier as `export` writes it, and its tokenizer's vocabulary.

    python -m benchmarks.serving.exports.keras_hub EXPORT

EXPORT is an `Export` as JSON.
"""

import pathlib
import sys
import tempfile

import keras_hub

from benchmarks.serving.job import Export
from bert_tf.config import from_json
from bert_tf.modeling.checkpoints import keras_hub as presets
from bert_tf.modeling.checkpoints import run_dir


def main() -> None:
    """Writes both."""
    job = from_json(Export, sys.argv[1])
    output = pathlib.Path(job.output)
    model = classifier(job)
    model.export(str(output / "saved_model"), format="tf_saved_model")
    model.preprocessor.tokenizer.save_assets(job.output)


def classifier(job: Export) -> keras_hub.models.BertTextClassifier:
    """The library's own, with our weights, in the type that it is to compute in."""
    pretrained = run_dir.read(job.run)
    with tempfile.TemporaryDirectory() as preset:
        presets.write(pretrained, preset)
        model = keras_hub.models.BertTextClassifier.from_preset(
            preset,
            num_classes=len(pretrained.labels),
            activation="softmax",
            dtype=job.dtype,
        )
    for variable in model.output_dense.variables:
        variable.assign(pretrained.weights[f"sequence_classifier/{variable.name}"])
    return model


if __name__ == "__main__":
    main()
