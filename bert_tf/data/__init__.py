"""From text to batches of examples: TensorFlow and TF Text, never Keras."""
