"""What pretraining examples are made of."""

import dataclasses
import re

from bert_tf.config.checks import (
    require,
    require_choice,
    require_positive,
    require_share,
)

SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
FEATURE_NAMES = ("original", "model_garden")
MASKING = ("static", "dynamic")
INPUT_FORMATS = (
    "sentences",
    "prose",
    "prose_files",
    "jsonl",
    "parquet",
    "wikiextractor",
)


@dataclasses.dataclass
class PretrainingDataConfig:
    """What the pretraining examples are made of; all of it is in their manifest."""

    input_format: str = "sentences"  # see bert_tf.data.readers.read_documents
    text_field: str = "text"  # of jsonl and parquet
    language: str = "en"  # ISO 639 code, for splitting prose into sentences
    do_lower_case: bool = True  # also strips accents, like the original
    max_seq_length: int = 128  # tokens, [CLS] and two [SEP] included
    masking: str = "static"  # in the shards; dynamic: drawn anew in each epoch
    max_predictions_per_seq: int = 20  # masked tokens at most
    masked_lm_prob: float = 0.15  # share of tokens to predict
    do_whole_word_mask: bool = False  # mask all pieces of a word or none
    max_ngram_size: int = 1  # mask up to so many neighbouring words together
    next_sentence: bool = True  # pairs; False: one segment of a single document
    short_seq_prob: float = 0.1  # share of documents with a random target length
    dupe_factor: int = 10  # passes over the corpus, each with other pairs and masks
    keep_duplicates: bool = False  # use documents as often as they come
    gzip_compress: bool = False  # the shards
    feature_names: str = "model_garden"  # or original: input_ids, segment_ids
    held_out_fraction: float = 0.02  # share of documents kept from training
    random_seed: int = 12345

    def validate(self) -> None:
        """Raises UserError on the first field that cannot be."""
        require_choice("input_format", self.input_format, INPUT_FORMATS)
        require(
            bool(self.text_field),
            "text_field",
            "the name of a field",
            self.text_field,
            "give one",
        )
        require(
            re.fullmatch("[a-z]{2,3}(-[A-Za-z]+)?", self.language) is not None,
            "language",
            "an ISO 639 code such as en",
            self.language,
            "give one",
        )
        require_choice("feature_names", self.feature_names, FEATURE_NAMES)
        require_choice("masking", self.masking, MASKING)
        require_positive(self, "max_predictions_per_seq", "dupe_factor", "max_ngram_size")
        require(
            self.max_seq_length >= 8,
            "max_seq_length",
            "at least 8 tokens",
            self.max_seq_length,
            "raise it",
        )
        require_share(self, "masked_lm_prob", "short_seq_prob", "held_out_fraction")
        require(
            self.masked_lm_prob > 0,
            "masked_lm_prob",
            "a share above 0",
            self.masked_lm_prob,
            "raise it",
        )
