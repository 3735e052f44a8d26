# SPDX-License-Identifier: GPL-2.0-or-later
"""Changing single fields of a qcow2 file, for tests of damaged images."""

import struct

PLACE = (1 << 56) - 512
COPIED = 1 << 63
COMPRESSED = 1 << 62


class Patch:
    """The file PATH, and where the tables of its header are."""

    def __init__(self, path):
        self.path = path
        with open(path, 'rb') as file:
            self.bytes = bytearray(file.read())
        self.l1 = self.get(40)
        self.l2 = self.get(self.l1) & PLACE
        self.refcounts = self.get(48)
        self.block = self.get(self.refcounts)
        self.snapshots = self.get(64)

    def get(self, at, kind='Q'):
        if at + struct.calcsize('>' + kind) > len(self.bytes):
            return 0
        return struct.unpack_from('>' + kind, self.bytes, at)[0]

    def put(self, at, value, kind='Q'):
        struct.pack_into('>' + kind, self.bytes, at, value)

    def add(self, at, more):
        self.put(at, self.get(at) + more)

    def set_bits(self, at, bits):
        self.put(at, self.get(at) | bits)

    def clear_bits(self, at, bits):
        self.put(at, self.get(at) & ~bits)

    def count(self, cluster, value):
        """The refcount of a cluster (16 bits, first block)."""
        self.put(self.block + 2 * cluster, value, 'H')

    def cut(self, length):
        del self.bytes[length:]

    def write(self):
        with open(self.path, 'wb') as file:
            file.write(self.bytes)
