"""What the programs of a system are told to do.

They run in processes of their own, in environments of their own: nothing but Python's own
is imported here. Both are `bert_tf.config.to_json` on the command line.
"""

import dataclasses
import pathlib


@dataclasses.dataclass(frozen=True)
class Setting:
    """What systems are compared at."""

    size: str  # of sizes.SIZES
    length: int  # tokens of each text, [CLS] and [SEP] included
    dtype: str  # float32 or bfloat16, of matrix products
    batch_size: int  # texts of a call

    def __str__(self) -> str:
        texts = "text" if self.batch_size == 1 else "texts"
        return f"{self.without_batch}, {self.batch_size} {texts}"

    @property
    def without_batch(self) -> str:
        """What settings have in common that differ in `batch_size` alone."""
        return f"{self.size}, {self.length} tokens, {self.dtype}"


@dataclasses.dataclass(frozen=True)
class Export:
    """A model to be written as a system is to load it."""

    run: str  # folder of a fine-tuning of ours
    hugging_face: str  # the same weights and vocabulary in Hugging Face's format
    dtype: str  # of Setting
    output: str  # folder, empty at the start


@dataclasses.dataclass(frozen=True)
class Job:
    """A model to be loaded, and to be asked for as long as that takes."""

    setting: Setting
    model: str  # folder that the system's export has written
    texts: str  # file, a text a line
    warmup_seconds: float  # of calls that are not counted
    seconds: float  # of calls that are

    def batches(self) -> list[list[str]]:
        """All texts, in whole batches; see texts.BATCH_SIZES."""
        texts = pathlib.Path(self.texts).read_text(encoding="utf-8").splitlines()
        size = self.setting.batch_size
        return [texts[start : start + size] for start in range(0, len(texts), size)]
