"""Keyed random streams: every draw comes from a generator of its own (law 9).

Adding an activity, a reader or an attribute leaves all other draws as they were, so two
scenarios that differ in one thing see the same patients otherwise: paired comparisons are exact.
"""

import hashlib
import json

import numpy as np


def stream(seed: int, replication: int, name: str, entity: str = "") -> np.random.Generator:
    """Return the generator of one purpose, at its start; the same key gives the same draws.

    Parameters:
        seed: of the scenario.
        replication: number of the replication, from 0.
        name: what is drawn, such as "age" or "service.read".
        entity: for whom, such as a case id; empty for a draw that belongs to the whole run.

    The key is hashed (BLAKE2b, RFC 7693) into Philox, a counter-based generator whose streams
    are independent for different keys (Salmon et al. 2011, doi:10.1145/2063384.2063405).

    >>> stream(1, 0, "age", "c1").random() == stream(1, 0, "age", "c1").random()
    True
    >>> stream(1, 0, "age", "c1").random() == stream(1, 0, "age", "c2").random()
    False
    """
    key = hashed_key(b"dermtwin.stream", seed, replication, name, entity)
    return np.random.Generator(np.random.Philox(key=key))


def hashed_key(person: bytes, seed: int, replication: int, *names: str) -> int:
    """Return a key of 128 bits for Philox; `person` separates one use of such keys from another.

    JSON quotes its strings, so no two different keys are written alike: ("a", "b c") is not
    ("a b", "c"), as it would be with a plain separator.
    """
    text = json.dumps([int(seed), int(replication), *names]).encode()
    digest = hashlib.blake2b(text, digest_size=16, person=person).digest()
    return int.from_bytes(digest, "little")
