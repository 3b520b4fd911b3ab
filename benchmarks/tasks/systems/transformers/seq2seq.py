"""A text from a text."""

from collections.abc import Sequence

import numpy as np
import torch
import transformers

from benchmarks.tasks.systems.transformers.batches import Row
from benchmarks.tasks.systems.transformers.peer_task import Answer, Example, PeerTask


class Seq2Seq(PeerTask):
    """An encoder and a decoder that begin as the BERT; texts are written greedily."""

    def make_model(self):
        """See PeerTask."""
        path = self.config.init_checkpoint
        model = transformers.EncoderDecoderModel.from_encoder_decoder_pretrained(
            path, path
        )
        model.config.decoder_start_token_id = self.tokenizer.cls_token_id
        model.config.pad_token_id = self.tokenizer.pad_token_id
        return model

    def encode(self, examples: Sequence[Example]) -> list[Row]:
        """See PeerTask."""
        targets = self.tokenizer(
            [each["target"] for each in examples],
            add_special_tokens=False,
            truncation=True,
            max_length=self.config.task.max_seq_length - 1,
        )["input_ids"]
        return [
            row | {"labels": np.array([*target, self.tokenizer.sep_token_id])}
            for row, target in zip(self._sources(examples), targets, strict=True)
        ]

    def _sources(self, examples: Sequence[Example]) -> list[Row]:
        return self.tokenize(
            [each["inputs"]["text"] for each in examples], return_token_type_ids=False
        )

    @torch.no_grad()
    def answer(self, examples: Sequence[Example]) -> list[Answer]:
        """See PeerTask; sources of like length are read together."""
        rows = self._sources(examples)
        order = sorted(
            range(len(rows)), key=lambda number: len(rows[number]["input_ids"])
        )
        texts: list[str] = []
        for batch in self.batches([rows[number] for number in order]):
            with self.precision():
                ids = self.model.generate(
                    **batch,
                    max_new_tokens=self.config.task.max_seq_length,
                    do_sample=False,
                    num_beams=1,
                    decoder_start_token_id=self.tokenizer.cls_token_id,
                    eos_token_id=self.tokenizer.sep_token_id,
                    pad_token_id=self.tokenizer.pad_token_id,
                )
            texts += self.tokenizer.batch_decode(
                ids, skip_special_tokens=True, clean_up_tokenization_spaces=False
            )
        answers = dict(zip(order, texts, strict=True))
        return [{"generated": answers[number]} for number in range(len(rows))]
