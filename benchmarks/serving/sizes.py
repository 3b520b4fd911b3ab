"""The shapes of the models."""

from bert_tf.config import BertConfig, bert_size

SIZES = {
    "tiny": bert_size("tiny"),  # to try the benchmark with
    # That of all-MiniLM-L6-v2, the most used model for sentences.
    "minilm": BertConfig(
        num_hidden_layers=6,
        hidden_size=384,
        num_attention_heads=12,
        intermediate_size=1536,
    ),
    "base": bert_size("base"),
}
