# SPDX-License-Identifier: GPL-2.0-or-later
"""Where each field of a qcow2 file is, and values that may break its reader."""

import struct

BITMAPS = 0x23852875
PLACE = (1 << 56) - 512
HEADER = ((0, 'I', 'magic'), (4, 'I', 'version'), (8, 'Q', 'backing place'),
          (16, 'I', 'backing length'), (20, 'I', 'cluster bits'),
          (24, 'Q', 'size'), (32, 'I', 'crypt method'), (36, 'I', 'L1 length'),
          (40, 'Q', 'L1 place'), (48, 'Q', 'refcount table'),
          (56, 'I', 'refcount table clusters'), (60, 'I', 'snapshots'),
          (64, 'Q', 'snapshot table'), (72, 'Q', 'incompatible'),
          (80, 'Q', 'compatible'), (88, 'Q', 'autoclear'),
          (96, 'I', 'refcount order'), (100, 'I', 'header length'),
          (104, 'B', 'compression'))
SNAPSHOT = ((0, 'Q', 'L1'), (8, 'I', 'L1 length'), (12, 'H', 'id length'),
            (14, 'H', 'name length'), (16, 'I', 'date'),
            (20, 'I', 'nanoseconds'), (24, 'Q', 'clock'),
            (32, 'I', 'state'), (36, 'I', 'extra length'),
            (40, 'Q', 'large state'), (48, 'Q', 'size'), (56, 'Q', 'count'))
BITMAP = ((0, 'Q', 'table'), (8, 'I', 'table length'), (12, 'I', 'flags'),
          (16, 'B', 'type'), (17, 'B', 'granularity'),
          (18, 'H', 'name length'), (20, 'I', 'extra length'))
DIRECTORY = ((0, 'I', 'bitmaps'), (4, 'I', 'reserved'),
             (8, 'Q', 'directory length'), (16, 'Q', 'directory'))


class Fields:
    """`all` lists (name, place, kind) of the file's content DATA."""

    def __init__(self, data):
        self.data = data
        self.all = []
        self.header = HEADER if self.get(4, 'I') > 2 else HEADER[:13]
        self.cluster = 1 << self.get(20, 'I')
        self.take(0, 'header', self.header)
        self.l1('L1', self.get(40, 'Q'), self.get(36, 'I'))
        self.refcounts()
        self.snapshots()
        self.extensions()

    def inside(self, at, kind):
        return at + struct.calcsize('>' + kind) <= len(self.data)

    def get(self, at, kind):
        """0 beyond the end."""
        return struct.unpack_from('>' + kind, self.data, at)[0] \
            if self.inside(at, kind) else 0

    def take(self, base, name, fields):
        self.all += [(f'{name}: {what}', base + at, kind)
                     for at, kind, what in fields
                     if self.inside(base + at, kind)]

    def words(self, name, at, count):
        self.take(at, name, [(8 * i, 'Q', i) for i in range(count)])

    def l1(self, name, at, count):
        self.words(name, at, min(count, 4))
        for i in range(min(count, 2)):
            table = self.get(at + 8 * i, 'Q') & PLACE
            if table:
                self.words(f'{name} {i}: L2', table, 24)

    def refcounts(self):
        table = self.get(48, 'Q')
        self.words('refcount table', table, 3)
        block = self.get(table, 'Q')
        self.take(block, 'refcounts', [(2 * i, 'H', i) for i in range(24)])

    def snapshots(self):
        at = self.get(64, 'Q')
        for i in range(self.get(60, 'I')):
            self.take(at, f'snapshot {i}', SNAPSHOT)
            self.l1(f'snapshot {i} L1', self.get(at, 'Q'),
                    self.get(at + 8, 'I'))
            at += 40 + self.get(at + 36, 'I') + self.get(at + 12, 'H') + \
                self.get(at + 14, 'H')
            at = -(-at // 8) * 8

    def extensions(self):
        at = self.get(100, 'I') if len(self.header) > 13 else 72
        while True:
            kind, length = self.get(at, 'I'), self.get(at + 4, 'I')
            name = f'extension {kind:#x}'
            self.take(at, name, [(0, 'I', 'kind'), (4, 'I', 'length')])
            if not kind:
                return
            if kind == BITMAPS:
                self.take(at + 8, name, DIRECTORY)
                self.bitmaps(self.get(at + 24, 'Q'), self.get(at + 8, 'I'))
            else:
                self.words(name, at + 8, min(length // 8, 4))
            at += 8 + -(-length // 8) * 8

    def bitmaps(self, at, count):
        for i in range(count):
            self.take(at, f'bitmap {i}', BITMAP)
            self.words(f'bitmap {i}: table', self.get(at, 'Q'),
                       min(self.get(at + 8, 'I'), 3))
            at += 24 + self.get(at + 18, 'H') + self.get(at + 20, 'I')
            at = -(-at // 8) * 8

    def damaged(self, at, kind, value):
        """The file with that in the field."""
        data = bytearray(self.data)
        struct.pack_into('>' + kind, data, at, value)
        return bytes(data)

    def values(self, at, kind, source):
        """What it may become: ends of ranges, neighbours, other tables."""
        bits = 8 * struct.calcsize('>' + kind)
        was = self.get(at, kind)
        places = [place for _name, place, _kind in source.sample(self.all, 2)]
        wanted = [0, 1, 2, 3, (1 << bits) - 1, 1 << bits - 1,
                  (1 << bits - 1) - 1, (1 << bits - 1) - 512,
                  was + 1, was - 1, was ^ 1, was ^ 1 << source.randrange(bits),
                  was + self.cluster, was + 512, was * 2,
                  at // self.cluster * self.cluster, len(self.data),
                  len(self.data) // self.cluster,
                  source.getrandbits(bits), *places]
        if bits == 64:
            wanted += [was ^ 1 << 63, was ^ 1 << 62, (1 << 62) - 1, 1 << 61,
                       (was & ~PLACE) | at // self.cluster * self.cluster,
                       (was & ~PLACE) | 1 << 55]
        return sorted({value % (1 << bits) for value in wanted} - {was})
