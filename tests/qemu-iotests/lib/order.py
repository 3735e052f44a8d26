# SPDX-License-Identifier: GPL-2.0-or-later
"""The order in which members of a JSON object are printed.

It is that of ascending buckets of a hash of the key; clients of the world
compare whole lines, so it is part of the interface.
"""

import json

BUCKETS = 512


def bucket(key):
    data = key.encode()
    value = (0x238F13AF * len(data)) & 0xffffffff
    for i, byte in enumerate(data):
        value = (value + (byte << (i * 5 % 24))) & 0xffffffff
    return ((1103515243 * value + 12345) & 0xffffffff) % BUCKETS


def find_disorder(line):
    """The keys of the first object on the LINE that is out of order."""
    found = []

    def look(pairs):
        keys = [key for key, _ in pairs]
        buckets = [bucket(key) for key in keys]
        if buckets != sorted(buckets):
            found.append(keys)
        return dict(pairs)

    json.loads(line, object_pairs_hook=look)
    return found[0] if found else None
