"""From raw text to your own BERT, answering raw text in TF Serving.

Importing this package loads nothing heavy: each module imports what it needs.
"""

__version__ = "0.1.0"
