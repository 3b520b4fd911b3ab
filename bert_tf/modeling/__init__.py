"""The Keras model: encoder, heads and their weights on disk."""
