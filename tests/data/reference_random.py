"""SplitMix64 in Python's own integers, for procedures written out step by step."""

_ALL_BITS = 2**64 - 1


def scramble(bits):
    bits = (bits ^ bits >> 30) * 0xBF58476D1CE4E5B9 & _ALL_BITS
    bits = (bits ^ bits >> 27) * 0x94D049BB133111EB & _ALL_BITS
    return bits ^ bits >> 31


def fold_in(stream, number):
    return scramble(scramble((stream + 0x9E3779B97F4A7C15) & _ALL_BITS) ^ number)


class Random:
    """What `random.Random` offers of it."""

    def __init__(self, stream):
        self._state = stream

    def bits(self):
        self._state = (self._state + 0x9E3779B97F4A7C15) & _ALL_BITS
        return scramble(self._state)

    def random(self):
        return (self.bits() >> 11) / 2**53

    def randrange(self, limit):
        return (self.bits() >> 32) * limit >> 32

    def randint(self, first, last):
        return first + self.randrange(last - first + 1)
