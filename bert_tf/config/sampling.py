"""How a task from text to text writes."""

import dataclasses

from bert_tf.config.checks import require, require_choice, require_positive

SAMPLERS = ("greedy", "beam", "top_p")


@dataclasses.dataclass(frozen=True)
class Sampling:
    """How the next token is chosen. Raises UserError for what cannot be.

    The numbers for beams are those of Vaswani et al. 2017, section 6.1.
    """

    sampler: str = "greedy"  # the likeliest; beam; or top_p (Holtzman et al. 2020)
    num_beams: int = 4  # texts that beam search has in hand
    length_penalty: float = 0.6  # of beams: alpha of Wu et al. 2016; 0 for none
    top_p: float = 0.9  # probability of the tokens that top_p draws from
    seed: int = 0  # of top_p

    def __post_init__(self):
        require_choice("sampler", self.sampler, SAMPLERS)
        require_positive(self, "num_beams")
        require(
            self.length_penalty >= 0,
            "length_penalty",
            "a number of at least 0",
            self.length_penalty,
            "raise it",
        )
        require(
            0 < self.top_p <= 1,
            "top_p",
            "a probability above 0",
            self.top_p,
            "change it",
        )

    @property
    def width(self) -> int:
        """Texts in hand for each source."""
        return self.num_beams if self.sampler == "beam" else 1
