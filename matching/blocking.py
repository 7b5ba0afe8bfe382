"""Blocking keys: which records are worth comparing. Pure; the look-up itself is one query in ``matching.store``."""

from collections.abc import Iterator
from hashlib import blake2b
from itertools import product

from matching.features import Features
from mdm.spec import Domain, Matching

# A record with many names and addresses would otherwise make thousands of combined keys.
MOST_KEYS_A_PASS = 24


def keys(domain: Domain, features: Features) -> Iterator[tuple[int, int]]:
    """(pass number, key) for every blocking key of one record; a pass with a silent feature makes none."""
    for number, texts in _combined(domain, features):
        yield number, key_of(domain.name, number, texts)


def texts_of_keys(domain: Domain, features: Features) -> dict[tuple[int, int], tuple[str, ...]]:
    """{(pass number, key): the texts it is made of}, for people who ask what a key stands for."""
    return {(number, key_of(domain.name, number, texts)): texts for number, texts in _combined(domain, features)}


def _combined(domain: Domain, features: Features) -> Iterator[tuple[int, tuple[str, ...]]]:
    for number, names in enumerate(domain.matching.blocking):
        lists = [features.get(name, ()) for name in names]
        for count, texts in enumerate(product(*lists)):
            if count == MOST_KEYS_A_PASS:
                break
            yield number, texts


def key_of(domain: str, number: int, texts: tuple[str, ...]) -> int:
    """A signed 64-bit hash: domain and pass are part of it, so that one index on it serves every look-up."""
    content = "\x1f".join((domain, str(number), *texts)).encode()
    return int.from_bytes(blake2b(content, digest_size=8).digest(), signed=True)


def single_passes(matching: Matching) -> dict[str, int]:
    """Feature -> the pass made of it alone: the size of such a key tells how many records share the value."""
    return {names[0]: number for number, names in enumerate(matching.blocking) if len(names) == 1}
