"""Names that clients and servers agree on."""

DEFAULT_SIGNATURE = "serving_default"
EXAMPLES = "inputs"  # what Classify and Regress requests call their examples
BYTES_SUFFIX = "_bytes"  # of outputs that are no text, and base64 in JSON
