"""Digests of what happened: the same scenario, seed and replication give the same one (law 5)."""

import hashlib
import json
from collections.abc import Sequence

from simulator.clinic.journal import Journal


def digest_of(journal: Journal) -> str:
    """Return the sha256 (hex) over all patients, all visits, and the words that stand in them.

    Who was kept away upstream counts, too, where not everybody comes.
    """
    total = hashlib.sha256(json.dumps(journal.words, sort_keys=True).encode())
    total.update(journal.patients.digest().encode())
    for name in sorted(journal.visits):
        total.update(name.encode() + journal.visits[name].digest().encode())
    if journal.upstream is not None:
        total.update(json.dumps(journal.upstream.words, sort_keys=True).encode())
        total.update(journal.upstream.table.digest().encode())
    return total.hexdigest()


def digest_of_all(digests: Sequence[str]) -> str:
    """Return the digest of several replications in order; of a lone one it is its own.

    >>> digest_of_all(["ab"])
    'ab'
    """
    if len(digests) == 1:
        return digests[0]
    return hashlib.sha256("\\n".join(digests).encode()).hexdigest()
