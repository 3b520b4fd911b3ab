"""From raw text to your own BERT, answering raw text in TF Serving.

Importing this package loads nothing heavy: each module imports what it needs.
"""

import os

# Keras reads it on its first import, whoever imports it first.
os.environ["KERAS_BACKEND"] = "tensorflow"

__version__ = "0.1.0"
