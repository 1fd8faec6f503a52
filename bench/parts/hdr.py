"""Reads the histograms of results: HdrHistogram V2, deflated, base64, with three digits."""

import base64
import struct
import zlib

# Three digits take 2,048 sub-buckets (https://github.com/HdrHistogram/HdrHistogram_c, hdr_histogram.c).
HALF_BITS = 10


def counts(text):
    """Each value in microseconds (the lower end of its bucket) with its count."""
    packed = base64.b64decode(text)
    data = zlib.decompress(packed[8:])
    # A cookie, the length of the counts, an offset, the digits, and the lowest and the highest value.
    _, length, _, digits, lowest, _, _ = struct.unpack(">iiiiqqd", data[:40])
    if (digits, lowest) != (3, 1):
        raise ValueError(f"a histogram of {digits} digits from {lowest} on is not read here")
    at, index, end = 40, 0, 40 + length
    while at < end:
        number, at = zigzag(data, at)
        if number < 0:
            index -= number
        else:
            yield value_of(index), number
            index += 1


def above(text, value):
    """How many entries of a histogram are above a value."""
    return sum(count for at, count in counts(text) if at > value) if text else 0


def zigzag(data, at):
    """A signed number of variable length; the ninth byte has eight bits of it."""
    number = shift = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte if shift == 56 else byte & 0x7F) << shift
        shift += 7
        if byte < 0x80 or shift == 63:
            return (number >> 1) ^ -(number & 1), at


def value_of(index):
    bucket = (index >> HALF_BITS) - 1
    if bucket < 0:
        return index
    return ((index & ((1 << HALF_BITS) - 1)) + (1 << HALF_BITS)) << bucket
