"""Files as strangers make them: valid ones, damaged, cut, spliced and stuffed."""

from random import Random

LENGTHS = [0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF]


def damaged(random: Random, data: bytes, others: list[bytes]) -> bytes:
    """A few changes, each of one kind; now and then none."""
    for _ in range(random.choice([0, 1, 1, 1, 2, 2, 4, 8])):
        data = random.choice(KINDS)(random, bytearray(data), others) or data
    return bytes(data)


def _flip(random: Random, data: bytearray, others: list[bytes]) -> bytes:
    for _ in range(random.choice([1, 1, 2, 16])):
        data[_place(random, data)] ^= 1 << random.randrange(8)
    return bytes(data)


def _byte(random: Random, data: bytearray, others: list[bytes]) -> bytes:
    data[_place(random, data)] = random.choice([0, 1, 0x7F, 0x80, 0xFF, random.randrange(256)])
    return bytes(data)


def _number(random: Random, data: bytearray, others: list[bytes]) -> bytes:
    """A length, a size or a count somewhere, in either order of bytes."""
    size, at = random.choice([2, 4]), _place(random, data)
    order = random.choice(["little", "big"])
    data[at : at + size] = (random.choice(LENGTHS) & (1 << 8 * size) - 1).to_bytes(size, order)
    return bytes(data)


def _cut(random: Random, data: bytearray, others: list[bytes]) -> bytes:
    return bytes(data[: 1 + random.randrange(len(data))])


def _drop(random: Random, data: bytearray, others: list[bytes]) -> bytes:
    at = _place(random, data)
    return bytes(data[:at] + data[at + random.choice([1, 4, 64]) :])


def _double(random: Random, data: bytearray, others: list[bytes]) -> bytes:
    at = _place(random, data)
    return bytes(data[:at] + data[at : at + random.choice([4, 16, 200])] * random.choice([2, 9, 100]) + data[at:])


def _splice(random: Random, data: bytearray, others: list[bytes]) -> bytes:
    other = random.choice(others)
    return bytes(data[: _place(random, data)] + other[random.randrange(len(other)) :])


def _append(random: Random, data: bytearray, others: list[bytes]) -> bytes:
    return bytes(data) + random.choice(others)


def _place(random: Random, data: bytearray) -> int:
    """Anywhere, but every other time among the first bytes, where formats keep what matters."""
    if not data:
        data.append(0)
    return random.randrange(min(len(data), random.choice([64, len(data)])))


KINDS = (_flip, _byte, _number, _cut, _drop, _double, _splice, _append)
