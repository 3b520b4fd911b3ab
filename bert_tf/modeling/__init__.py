"""The Keras model, on TensorFlow whatever the environment's default backend is."""

import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
