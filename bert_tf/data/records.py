"""tf.Example records and TFRecord files, byte by byte.

Written by hand because a protobuf map has no order of its own, so that equal examples
could get different bytes, and because it takes half the time.
"""

import functools
import struct
from collections.abc import Mapping, Sequence

import google_crc32c

from bert_tf.data import schema

# The fields of tensorflow/core/example/{example,feature}.proto that are used: each a
# message or packed numbers, so wire type 2, which is a length and that many bytes.
_EXAMPLE_FEATURES = _FEATURES_MAP = _ENTRY_KEY = _LIST_VALUE = bytes((1 << 3 | 2,))
_ENTRY_VALUE = _FLOAT_LIST = bytes((2 << 3 | 2,))
_INT64_LIST = bytes((3 << 3 | 2,))

_FRAME_OVERHEAD_BYTES = 8 + 4 + 4  # length and two checksums
_CRC_MASK_DELTA = 0xA282EAD8  # tensorflow/core/lib/hash/crc32c.h


def encode_example(
    values_by_role: Mapping[str, Sequence[float]], features: Sequence[schema.Feature]
) -> bytes:
    """Serialises one example.

    Args:
        values_by_role: for each role of `features` its values, padded to its shape;
            int64 features hold integers of at least 0.
        features: what `bert_tf.data.schema.pretraining_features` gave.

    Returns:
        A serialised tf.train.Example, its features in the order of `features`: the same
        values always give the same bytes.

    Raises:
        ValueError: the values do not match the features, or one is below 0.

    Source: protobuf.dev/programming-guides/encoding.
    """
    schema.check_example(values_by_role, features)
    entries = []
    for feature in features:
        values = _encode_list(values_by_role[feature.role], feature.dtype)
        key = _field(_ENTRY_KEY, feature.name.encode())
        entries.append(_field(_FEATURES_MAP, key + _field(_ENTRY_VALUE, values)))
    return _field(_EXAMPLE_FEATURES, b"".join(entries))


def _encode_list(values: Sequence[float], dtype: str) -> bytes:
    if dtype == "float32":
        packed = struct.pack(f"<{len(values)}f", *values)
        return _field(_FLOAT_LIST, _field(_LIST_VALUE, packed))
    # Most features hold zeros and ones, whose varints are the bytes themselves.
    packed = bytes(values) if max(values) < 0x80 else b"".join(map(_varint, values))
    return _field(_INT64_LIST, _field(_LIST_VALUE, packed))


def _field(tag: bytes, content: bytes) -> bytes:
    return tag + _varint(len(content)) + content


@functools.lru_cache(maxsize=1 << 18)  # lengths and the ids of a large vocabulary
def _varint(number: int) -> bytes:
    if number < 0:
        raise ValueError(f"Expected a number of at least 0, received {number}.")
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def frame_record(record: bytes) -> bytes:
    """A record as it stands in a TFRecord file.

    Args:
        record: any bytes.

    Returns:
        The record's length as uint64, a checksum of it, the record, its checksum.

    Source: tensorflow/core/lib/io/record_writer.h.
    """
    length = struct.pack("<Q", len(record))
    return b"".join((length, _masked_crc(length), record, _masked_crc(record)))


def _masked_crc(data: bytes) -> bytes:
    crc = google_crc32c.value(data)
    rotated = crc >> 15 | (crc & 0x7FFF) << 17
    return struct.pack("<I", rotated + _CRC_MASK_DELTA & 0xFFFFFFFF)


def split_frames(blob: bytes) -> list[bytes]:
    """Takes joined `frame_record` results apart again.

    Args:
        blob: any number of framed records, none of them cut.

    Returns:
        The framed records, in order.
    """
    frames = []
    start = 0
    while start < len(blob):
        (length,) = struct.unpack_from("<Q", blob, start)
        stop = start + length + _FRAME_OVERHEAD_BYTES
        frames.append(blob[start:stop])
        start = stop
    return frames
