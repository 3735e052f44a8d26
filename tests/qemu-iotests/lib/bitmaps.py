# SPDX-License-Identifier: GPL-2.0-or-later
"""What the queries say about dirty bitmaps, and what their hash must be."""

import hashlib


def of_node(vm, node):
    """The list of bitmaps of a node; [] when the member is absent."""
    for entry in vm.cmd('query-named-block-nodes', {'flat': True}):
        if entry['node-name'] == node:
            assert entry.get('dirty-bitmaps') != [], 'empty, not absent'
            return entry.get('dirty-bitmaps', [])
    raise AssertionError(f'no node {node}')


def find(vm, node, name):
    """The entry of one bitmap."""
    found = [b for b in of_node(vm, node) if b.get('name') == name]
    assert len(found) == 1, f'{name}: {found}'
    return found[0]


def names(vm, node):
    return [b.get('name') for b in of_node(vm, node)]


def count(vm, node, name):
    return find(vm, node, name)['count']


def entry(name, granularity=65536, **changed):
    """The entry of a fresh bitmap, with some members changed."""
    return dict({'name': name, 'granularity': granularity, 'count': 0,
                 'recording': True, 'busy': False, 'persistent': False},
                **changed)


def sha256(vm, node, name):
    return vm.cmd('x-debug-block-dirty-bitmap-sha256', node=node,
                  name=name)['sha256']


def expected_sha256(size_bytes, granularity, ranges):
    """The hash of a bitmap in which RANGES [(offset, length)] are dirty.

    It is over 64-bit little-endian words, a bit a granule.
    """
    granules = -(-size_bytes // granularity)
    words = -(-granules // 64)
    bits = bytearray(words * 8)
    for offset, length in ranges:
        last = (offset + length - 1) // granularity
        for granule in range(offset // granularity, last + 1):
            bits[granule // 8] |= 1 << (granule % 8)
    return hashlib.sha256(bits).hexdigest()
