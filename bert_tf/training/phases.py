"""The parts of a run, each on its own examples: short ones first, then long ones."""

import dataclasses
from collections.abc import Iterator

from bert_tf.config import BertConfig, InputConfig, PretrainConfig
from bert_tf.config.checks import section
from bert_tf.data.input_pipeline import check_masks
from bert_tf.data.manifest import Manifest, load_manifest
from bert_tf.errors import UserError

# More steps than any run has; for one that ends by time.
ENDLESS = 1 << 30


@dataclasses.dataclass(frozen=True)
class Phase:
    """Steps on one data set."""

    manifest: Manifest
    held_out: Manifest  # of the data set whose held-out examples are evaluated
    input: InputConfig
    first_step: int
    stop_step: int

    @property
    def num_held_out(self) -> int:
        """Examples to evaluate on."""
        return self.held_out.num_examples("held_out")


def load_phases(config: PretrainConfig) -> list[Phase]:
    """Loads the manifests of a run and checks that they fit the model and the settings.

    Raises:
        UserError: a data set is missing or incomplete, or does not fit.
    """
    stop_step = ENDLESS if config.num_train_minutes else config.num_train_steps
    first_long_step = stop_step - config.num_long_steps
    phases = []
    for name, first, stop in (
        ("input", 0, first_long_step),
        ("long_input", first_long_step, stop_step),
    ):
        if first < stop:
            part = getattr(config, name)
            manifest = load_manifest(part.data_dir)
            with section(name):
                check_masks(manifest, part)
            held_out = manifest
            if config.eval_data_dir:
                held_out = load_manifest(config.eval_data_dir)
                _check_nothing_was_trained_on(held_out, manifest)
            phases.append(Phase(manifest, held_out, part, first, stop))
    for phase in phases:
        check_data_fits_model(phase.manifest, config.model)
        check_data_fits_model(phase.held_out, config.model)
    if len({phase.manifest.vocab_digest for phase in phases}) > 1:
        raise UserError(
            "Expected one vocabulary for all examples of a run, received two in "
            f"{config.input.data_dir} and {config.long_input.data_dir}; make both with "
            "one command (--max_seq_length=128,512)."
        )
    return phases


def segments(
    first_step: int, stop_step: int, *, step: int, steps_per_epoch: int
) -> Iterator[tuple[int, int, int]]:
    """What is left of a phase: the rest of an interrupted epoch, and the others.

    Args:
        first_step: of the phase; begins an epoch, like the next.
        stop_step: after its last.
        step: steps trained so far.
        steps_per_epoch: of the run.

    Yields:
        The first epoch, the one after the last, and the number of steps in each.
    """
    epoch, num_done = divmod(max(step, first_step), steps_per_epoch)
    stop_epoch = stop_step // steps_per_epoch
    if num_done and epoch < stop_epoch:
        yield epoch, epoch + 1, steps_per_epoch - num_done
        epoch += 1
    if epoch < stop_epoch:
        yield epoch, stop_epoch, steps_per_epoch


def _check_nothing_was_trained_on(held_out: Manifest, train: Manifest) -> None:
    """Raises UserError where documents held out in one data set may be in the other."""
    # A document's content alone decides whether it is held out, for a given share.
    for name in ("input_format", "language", "held_out_fraction"):
        other, own = (getattr(each.config, name) for each in (held_out, train))
        if other != own:
            raise UserError(
                f"Expected data sets that hold out the same documents, received {name}="
                f"{own!r} in {train.data_dir} and {other!r} in {held_out.data_dir}; make "
                "both from the same text with the same flag."
            )
    if held_out.vocab_digest != train.vocab_digest:
        raise UserError(
            "Expected one vocabulary for all examples of a run, received two in "
            f"{train.data_dir} and {held_out.data_dir}; make both with one vocabulary."
        )


def check_data_fits_model(manifest: Manifest, model: BertConfig) -> None:
    """Raises UserError, naming both values, where data and model cannot go together."""
    for name, of_data, of_model in (
        ("vocab_size", manifest.vocab_size, model.vocab_size),
        ("do_lower_case", manifest.config.do_lower_case, model.do_lower_case),
    ):
        if of_data != of_model:
            raise UserError(
                f"Expected data and model with the same {name}, received {of_data} in "
                f"the data's manifest and {of_model} in the model's configuration; set "
                f"--config.model.{name}={str(of_data).lower()} or make the data anew."
            )
    if not manifest.num_examples("train"):
        raise UserError(
            f"Expected examples to train on, received none in {manifest.data_dir}; make "
            "the data of more text."
        )
    length = manifest.config.max_seq_length
    if length > model.max_position_embeddings:
        raise UserError(
            "Expected sequences no longer than the model's max_position_embeddings="
            f"{model.max_position_embeddings}, received data of max_seq_length={length}; "
            f"set --config.model.max_position_embeddings={length} or make shorter data."
        )
