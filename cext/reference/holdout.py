"""The place of an account among those of a rule, in plain Python: who is held out has one of the lowest."""

PLACES = 100
_BITS = 2**64 - 1
_STEP = 0x9E3779B97F4A7C15


def place_of(seed: int, shard: int, account: int) -> int:
    """0 … 99, evenly spread and another one for each seed.

    Two rounds of SplitMix64's finaliser (Steele, Lea and Flood, 2014), in unsigned 64 bits: over shard and account,
    then with the seed.
    """
    return _mixed(seed * _STEP & _BITS ^ _mixed((account + shard * _STEP) & _BITS)) % PLACES


def _mixed(number: int) -> int:
    number = (number ^ number >> 30) * 0xBF58476D1CE4E5B9 & _BITS
    number = (number ^ number >> 27) * 0x94D049BB133111EB & _BITS
    return number ^ number >> 31
