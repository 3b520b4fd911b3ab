"""How files are compressed, by the endings of their names."""

import bz2
import gzip
import lzma

import zstandard

COMPRESS = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": zstandard.compress,
}
