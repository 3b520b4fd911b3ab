"""Windows on long texts, and spans of tokens that answer questions."""

import numpy as np


def windows(num_tokens: int, capacity: int, stride: int) -> list[tuple[int, int]]:
    """The first token of each window and the one after its last.

    Args:
        num_tokens: of the text.
        capacity: of a window.
        stride: tokens from a window's first to the next one's.
    """
    starts = range(0, max(num_tokens - capacity, 0) + stride, stride)
    return [(start, min(start + capacity, num_tokens)) for start in starts]


def with_most_context(token: int, seen: list[tuple[int, int]]) -> int:
    """The window that shows most tokens on that side of a token where it shows fewer."""
    contexts = [
        min(token - start, end - 1 - token) if start <= token < end else -1
        for start, end in seen
    ]
    return int(np.argmax(contexts))


def best_span(
    start_S: np.ndarray, end_S: np.ndarray, is_context_S: np.ndarray, *, max_tokens: int
) -> tuple[float, int, int]:
    """The span of a context with the greatest sum of two logits.

    Args:
        start_S: float [S], logits of each token as the first.
        end_S: float [S], as the last.
        is_context_S: bool [S], whether a token is one of the context.
        max_tokens: of a span.

    Returns:
        The sum, the first token and the last; -inf if there is no context.
    """
    is_span_SS = is_context_S[:, None] & is_context_S
    is_span_SS = np.triu(is_span_SS) & ~np.triu(is_span_SS, max_tokens)
    sums_SS = np.where(is_span_SS, start_S[:, None] + end_S, -np.inf)
    first, last = np.unravel_index(sums_SS.argmax(), sums_SS.shape)
    return float(sums_SS[first, last]), int(first), int(last)
