"""The package; Beam's remote workers install it by `--setup_file=./setup.py` too."""

import pathlib
import re

from setuptools import find_packages, setup

ROOT = pathlib.Path(__file__).parent
VERSION = re.search(
    r'__version__ = "(.+)"', (ROOT / "bert_tf/__init__.py").read_text(encoding="utf-8")
).group(1)

SERVING = [
    "httpx2",
    "orjson",
    "starlette",
    "uvicorn",
]

TEST = [
    *SERVING,
    "apache-beam[aws,gcp]",
    "flask",  # with flask-cors for moto's server
    "flask-cors",
    "gcp-storage-emulator",
    "hypothesis",
    "import-linter",
    "moto",
    "playwright",  # drives the Chromium of the system
    "pre-commit",
    "pytest",
    "pytest-xdist",
    "pyyaml",
    "ruff",
]

setup(
    name="bert_tf",
    version=VERSION,
    description="From raw text to your own BERT, answering raw text in TF Serving",
    long_description=(ROOT / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.11,<3.13",
    packages=find_packages(include=["bert_tf", "bert_tf.*", "pipelines", "pipelines.*"]),
    package_data={
        "bert_tf.data": ["code_points.npz"],
        "bert_tf.html": ["report.css"],
        "bert_tf.serving": ["c_runtime.c"],
        "bert_tf.serving.local": ["page/*"],
        "bert_tf.training.report": ["training.css"],
    },
    install_requires=[
        "absl-py",
        "apache-beam>=2.77,<3",
        "google-crc32c",  # without a crc library Beam and we cannot write TFRecords
        # Training overrides private hooks of Keras that change between releases, so
        # its version is exact; tests/training guards the hooks.
        "keras==3.15.1",
        "keras-nlp>=0.32",
        "ml_collections",
        "numba",
        "numpy",
        "pyarrow",
        "rouge-score",
        "sacrebleu",
        "safetensors",
        "scikit-learn",
        "seqeval",
        "sentencex==1.0.32",  # exact: the bytes of the data depend on its splits
        "tensorboard",
        "tensorflow>=2.21,<2.22",
        "tensorflow-serving-api>=2.21,<2.22",
        "tensorflow-text>=2.21,<2.22",
        "zstandard",
    ],
    extras_require={
        "aws": ["apache-beam[aws]"],
        "gcp": ["apache-beam[gcp]"],
        "serving": SERVING,
        "test": TEST,
        "bench": ["blingfire", "pysbd", "syntok", "tokenizers"],
    },
)
