# SPDX-License-Identifier: GPL-2.0-or-later
"""Small qcow2 images, built from the published description of the format:
what the fuzz targets of images begin with."""
import struct
import zlib

COPIED = 1 << 63
COMPRESSED = 1 << 62
BITMAPS = 0x23852875
FEATURES = 0x6803f857
BACKING_FORMAT = 0xe2792aca


class Builder:
    """An image whose clusters are taken one after the other."""

    def __init__(self, bits=9, version=3, order=4, entry_bytes=8):
        self.bits, self.version, self.order = bits, version, order
        self.cluster = 1 << bits
        self.entry_bytes = entry_bytes
        self.file = bytearray(self.cluster)
        self.counts = {0: 1}
        self.extensions = []
        self.incompatible = self.compatible = self.autoclear = 0
        self.compression = 0
        self.size = 0
        self.backing = b""
        self.l1 = (0, 0)
        self.snapshots = (0, 0)

    def take(self, data):
        """Puts DATA into clusters of its own."""
        at = len(self.file)
        for cluster in range(at >> self.bits,
                             (at + max(len(data), 1) - 1 >> self.bits) + 1):
            self.counts[cluster] = 1
        self.file += data + bytes(-len(data) % self.cluster)
        return at

    def also(self, at, length=1):
        for cluster in range(at >> self.bits,
                             (at + length - 1 >> self.bits) + 1):
            self.counts[cluster] += 1

    def table(self, entries):
        """An L2 table; ENTRIES: index -> words."""
        data = bytearray(self.cluster)
        for index, words in entries.items():
            struct.pack_into(f">{len(words)}Q", data,
                             index * self.entry_bytes, *words)
        return self.take(bytes(data))

    def compressed(self, content):
        """The entry of a compressed cluster."""
        deflate = zlib.compressobj(wbits=-12)
        data = deflate.compress(content) + deflate.flush()
        at = self.take(data)
        sectors = (at + len(data) - 1) // 512 - at // 512
        return COMPRESSED | sectors << (62 - (self.bits - 8)) | at

    def tables(self, l1):
        self.l1 = (self.take(struct.pack(f">{len(l1)}Q", *l1)), len(l1))

    def counted(self):
        """The refcount table and blocks, of all that was taken."""
        per_block = self.cluster * 8 >> self.order
        table = self.take(bytes(1))
        first = len(self.file) >> self.bits
        blocks = 1
        while (first + blocks - 1) // per_block >= blocks:
            blocks += 1
        for i in range(blocks):
            self.counts[first + i] = 1
        places = [self.take(self.block(i * per_block, per_block))
                  for i in range(blocks)]
        struct.pack_into(f">{blocks}Q", self.file, table, *places)
        return table

    def block(self, first, count):
        width = 1 << self.order
        if width < 8:
            out = bytearray(count * width // 8)
            for i in range(count):
                out[i * width // 8] |= (self.counts.get(first + i, 0) <<
                                        i * width % 8)
            return bytes(out)
        return b"".join(self.counts.get(first + i, 0).to_bytes(width // 8,
                                                               "big")
                        for i in range(count))

    def build(self):
        table = self.counted()
        head = struct.pack(
            ">4sIQIIQIIQQIIQ", b"QFI\xfb", self.version, 0, len(self.backing),
            self.bits, self.size, 0, self.l1[1], self.l1[0], table, 1,
            self.snapshots[1], self.snapshots[0])
        if self.version > 2:
            head += struct.pack(">QQQIIB7x", self.incompatible,
                                self.compatible, self.autoclear, self.order,
                                112, self.compression)
        for kind, data in self.extensions + [(0, b"")]:
            head += struct.pack(">II", kind, len(data)) + data
            head += bytes(-len(data) % 8)
        if self.backing:
            head = head[:8] + struct.pack(">Q", len(head)) + head[16:]
            head += self.backing
        assert len(head) <= self.cluster
        self.file[:len(head)] = head
        return bytes(self.file)


def fill(builder, tables=2):
    """Data, zeroes, a compressed cluster and holes, in two tables."""
    per_table = builder.cluster // builder.entry_bytes
    places = []
    for number in range(tables):
        data = builder.take(bytes([number + 1]) * builder.cluster)
        entries = {0: (COPIED | data,), 3: (1,), 5: (
            builder.compressed(bytes([7]) * builder.cluster),)}
        if builder.version > 2:
            more = builder.take(b"z" * builder.cluster)
            entries[1] = (COPIED | more | 1,)
        places.append(COPIED | builder.table(entries))
    builder.size = tables * per_table * builder.cluster - 700
    return places


def disk(**options):
    builder = Builder(**options)
    builder.tables(fill(builder))
    return builder


def old():
    builder = Builder(version=2)
    data = builder.take(b"d" * builder.cluster)
    builder.size = 64 * builder.cluster
    builder.tables([COPIED | builder.table({0: (COPIED | data,)})])
    return builder


def subclusters():
    builder = Builder(bits=14, entry_bytes=16)
    builder.incompatible = 16
    data = builder.take(b"d" * 8192)
    builder.size = 1 << 20
    builder.tables([COPIED | builder.table(
        {0: (COPIED | data, 0xff | 0xf00 << 32), 2: (0, 0xffff << 32)})])
    return builder


def snapshot():
    """The disk and a snapshot that shares all with it."""
    builder = Builder()
    l1 = [entry & ~COPIED for entry in fill(builder)]
    for entry in l1:
        builder.also(entry)
        table = bytearray(builder.file[entry:entry + builder.cluster])
        for i in range(0, len(table), 8):
            value = int.from_bytes(table[i:i + 8], "big") & ~COPIED
            table[i:i + 8] = value.to_bytes(8, "big")
            if value & COMPRESSED:
                builder.also(value & 0xffffffff)
            elif value > 1:
                builder.also(value)
        builder.file[entry:entry + builder.cluster] = table
    builder.tables(l1)
    place = builder.take(struct.pack(f">{len(l1)}Q", *l1))
    entry = struct.pack(">QIHHIIQII", place, len(l1), 1, 4, 1, 2, 3, 0, 24)
    entry += struct.pack(">QQQ", 0, builder.size, 2 ** 64 - 1) + b"1name"
    builder.snapshots = (builder.take(entry), 1)
    return builder


def bitmap_entry(builder, name, flags, bits, granularity=9):
    """An entry of the directory; BITS: a place, 0 or 1 a cluster of bits."""
    table = builder.take(struct.pack(f">{len(bits)}Q", *bits))
    data = struct.pack(">QIIBBHI", table, len(bits), flags, 1, granularity,
                       len(name), 0) + name
    return data + bytes(-len(data) % 8)


def bitmaps():
    builder = disk()
    # 512 bytes of bits are enough for a disk of 2 MiB
    bits = builder.take(b"\x05\xff" * 20)
    entries = [bitmap_entry(builder, b"b0", 2, [bits]),
               bitmap_entry(builder, b"b1", 0, [1]),
               bitmap_entry(builder, b"used", 1, [0], 16)]
    place = builder.take(b"".join(entries))
    builder.autoclear = 1
    builder.extensions.append((BITMAPS, struct.pack(
        ">IIQQ", len(entries), 0, sum(map(len, entries)), place)))
    return builder


def named():
    builder = disk()
    builder.extensions += [
        (BACKING_FORMAT, b"raw"), (0x12345678, b"unknown"),
        (FEATURES, struct.pack(">BB46s", 0, 7, b"some feature"))]
    builder.backing = b"base.img"
    return builder


def marked(**fields):
    builder = disk()
    for name, value in fields.items():
        setattr(builder, name, value)
    return builder


IMAGES = {
    "plain": disk, "old": old, "subclusters": subclusters,
    "snapshot": snapshot, "bitmaps": bitmaps, "named": named,
    "one-bit": lambda: disk(order=0), "wide": lambda: disk(order=6),
    "larger": lambda: disk(bits=12),
    "dirty": lambda: marked(incompatible=1, compatible=1),
    "corrupt": lambda: marked(incompatible=2),
    "data-file": lambda: marked(incompatible=4),
}


def inputs():
    for name, make in IMAGES.items():
        yield name, make().build()
