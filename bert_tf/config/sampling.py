"""How a task from text to text writes."""

import dataclasses

from bert_tf.config.checks import require, require_choice, require_positive
from bert_tf.errors import UserError

# The samplers, and which fields they look at.
_SAMPLERS = {
    "greedy": (),
    "beam": ("num_beams", "length_penalty"),
    "top_p": ("top_p", "seed"),
}


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
        require_choice("sampler", self.sampler, tuple(_SAMPLERS))
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
        require(0 <= self.seed < 2**31, "seed", "0 to 2147483647", self.seed, "change it")

    def __str__(self):
        """What `parse_sampling` reads."""
        settings = (f"{name}={getattr(self, name)}" for name in _SAMPLERS[self.sampler])
        return ",".join([self.sampler, *settings])

    @property
    def width(self) -> int:
        """Texts in hand for each source."""
        return self.num_beams if self.sampler == "beam" else 1


def parse_sampling(text: str | None) -> Sampling | None:
    """Of a flag: `beam`, or with what it looks at `beam,num_beams=8,length_penalty=0`.

    None where the flag is not given.

    Raises:
        UserError: there is no such sampler, or it looks at other fields.
    """
    if not text:
        return None
    sampler, *settings = text.split(",")
    require_choice("sampling", sampler, tuple(_SAMPLERS))
    types = {field.name: field.type for field in dataclasses.fields(Sampling)}
    fields = {}
    for setting in settings:
        name, _, value = setting.partition("=")
        try:
            if name not in _SAMPLERS[sampler]:
                raise ValueError
            fields[name] = types[name](value)
        except ValueError as error:
            known = "".join(f"[,{each}=NUMBER]" for each in _SAMPLERS[sampler])
            raise UserError(
                f"sampling: expected {sampler}{known}, received {text!r}; mend it."
            ) from error
    return Sampling(sampler, **fields)
