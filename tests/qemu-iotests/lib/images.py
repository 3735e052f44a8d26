# SPDX-License-Identifier: GPL-2.0-or-later
"""Image files of the tests: made, filled, looked at without any tool."""

import hashlib
import os

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB


def make(path, size_bytes, data=()):
    """A sparse file of SIZE_BYTES; `data` lists (offset, length, byte)."""
    with open(path, 'wb') as f:
        f.truncate(size_bytes)
    for offset_bytes, length_bytes, byte in data:
        fill(path, offset_bytes, length_bytes, byte)
    return path


def fill(path, offset_bytes, length_bytes, byte):
    """Writes LENGTH_BYTES times BYTE at OFFSET_BYTES."""
    with open(path, 'r+b') as f:
        f.seek(offset_bytes)
        f.write(bytes([byte]) * length_bytes)


def read(path, offset_bytes=0, length_bytes=-1):
    with open(path, 'rb') as f:
        f.seek(offset_bytes)
        return f.read(length_bytes)


def pattern(offset_bytes, length_bytes, seed=0):
    """Bytes that tell their own place, so that a shift shows."""
    out = bytearray()
    sector = offset_bytes // 512
    while len(out) < length_bytes:
        word = hashlib.sha256(f'{seed}:{sector}'.encode()).digest()
        out += word * 16
        sector += 1
    return bytes(out[:length_bytes])


def make_patterned(path, size_bytes, seed=0):
    """A file without holes, every sector different."""
    with open(path, 'wb') as f:
        f.write(pattern(0, size_bytes, seed))
    return path


def checksum(path):
    digest = hashlib.sha256()
    with open(path, 'rb') as f:
        while block := f.read(MIB):
            digest.update(block)
    return digest.hexdigest()


def allocated_bytes(path):
    """What the file system says that the file takes."""
    return os.stat(path).st_blocks * 512
