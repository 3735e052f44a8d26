# SPDX-License-Identifier: GPL-2.0-or-later
"""qcow2 images: writes that allocate, reads and writes of what is there, long
chains, bitmaps that are kept."""

import random
import struct
import subprocess
from contextlib import ExitStack

from lib.measure import Row, alternate, values

from .bitmaps import expect

DISK_BYTES = 512 << 20
CHAIN = 50
TIB = 1 << 40
BITMAPS = 4
GRANULARITY = 65536
EXTENSION = 0x23852875
CLUSTER = 65536


def img(*words):
    subprocess.run(['qemu-img', *map(str, words)], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def create(path, size_bytes, *more):
    img('create', '-f', 'qcow2', *more, path, size_bytes)


def node(path, read_only=False, **options):
    return [{'driver': 'file', 'filename': str(path), 'node-name': 'file',
             'read-only': read_only, **options},
            {'driver': 'qcow2', 'file': 'file', 'node-name': 'disk',
             'read-only': read_only, 'discard': 'unmap'}]


class Images:
    """A server a program, each on an image of its own."""

    def __init__(self, bench, folder, options, make):
        self.bench = bench
        self.stack = ExitStack()
        self.paths = [bench.new_file(folder, f'{name}.qcow2')
                      for name in ('tidemark', 'QEMU')]
        for path in self.paths:
            make(path)
        self.servers = [
            self.stack.enter_context(
                bench.programs.serving(name, node(path, **options), True))
            for name, path in zip(('tidemark', 'QEMU'), self.paths)]

    def alternate(self, **load):
        return alternate(
            self.servers, lambda server: self.bench.programs.load(
                server, seconds=self.bench.seconds, **load),
            self.bench.rounds)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stack.close()
        for path in self.paths:
            img('check', path)
            path.unlink()


def allocating(bench, where, folder, options):
    """Each run has a fresh image: what was allocated is not again."""
    def run(name):
        path = bench.new_file(folder, f'{name}.qcow2')
        create(path, 64 << 30)
        with bench.programs.serving(name, node(path, **options),
                                    True) as server:
            result = bench.programs.load(server, op='write', no_data=True,
                                         seconds=bench.seconds)
        img('check', path)
        path.unlink()
        return result

    ours, theirs = alternate(('tidemark', 'QEMU'), run, bench.rounds)
    yield Row(f'4 KiB random writes that allocate, {where}', '1/s', 'more',
              values(ours, 'rate'), values(theirs, 'rate'), goal=3)


def allocated(bench, where, folder, options, goals):
    """On clusters that are there."""
    def make(path):
        create(path, DISK_BYTES, '-o', 'preallocation=falloc')

    with Images(bench, folder, options, make) as images:
        for text, load, goal in zip(
                ('random reads', 'random writes'),
                ({'op': 'read'}, {'op': 'write'}), goals):
            ours, theirs = images.alternate(no_data=True, **load)
            yield Row(f'4 KiB {text}, qcow2, {where}', '1/s', 'more',
                      values(ours, 'rate'), values(theirs, 'rate'),
                      goal=goal)


DIRECT = {'cache': {'direct': True}, 'aio': 'io_uring'}


def in_memory(bench):
    yield from allocating(bench, 'tmpfs', bench.memory, {})
    yield from allocated(bench, 'tmpfs', bench.memory, {}, (3, 2.5))


def on_disk(bench):
    yield from allocating(bench, 'direct disk', bench.disk, DIRECT)
    yield from allocated(bench, 'direct disk', bench.disk, DIRECT, (1.5, 2))


def sequential(bench):
    def run(name):
        path = bench.new_file(bench.memory, f'{name}.qcow2')
        create(path, 64 << 30)
        with bench.programs.serving(name, node(path), True) as server:
            result = bench.programs.load(
                server, op='write', block=1 << 20, depth=8, sequential=True,
                no_data=True, requests=2048)
        img('check', path)
        path.unlink()
        return result

    ours, theirs = alternate(('tidemark', 'QEMU'), run, bench.rounds)
    yield Row('1 MiB sequential writes that allocate', 'MiB/s', 'more',
              values(ours, 'rate'), values(theirs, 'rate'), goal=1.2)


def chain(bench):
    """Reads through 50 images that hold nothing, beside one image."""
    alone, base = (bench.new_file(bench.memory, f'{name}.qcow2')
                   for name in ('alone', 'base'))
    paths = [base]
    for path in alone, base:
        create(path, DISK_BYTES, '-o', 'preallocation=falloc')
    for number in range(CHAIN):
        path = bench.new_file(bench.memory, f'overlay{number}.qcow2')
        create(path, DISK_BYTES, '-b', paths[-1], '-F', 'qcow2')
        paths.append(path)
    with ExitStack() as stack:
        servers = [stack.enter_context(
            bench.programs.serving('tidemark', node(path, True), False))
            for path in (paths[-1], alone)]
        long, short = alternate(
            servers, lambda server: bench.programs.load(
                server, op='read', no_data=True, seconds=bench.seconds),
            bench.rounds)
    for path in paths + [alone]:
        path.unlink()
    yield Row(f'4 KiB random reads, {CHAIN} overlays', '1/s', 'more',
              values(long, 'rate'), values(short, 'rate'), goal=0.5,
              reference='one image')


def dirty_image(path, seed):
    """Four bitmaps of a disk of 1 TiB with one granule in ten dirty: their
    bits are put into the file, and its counts made anew."""
    chance = random.Random(seed)
    create(path, TIB)
    for number in range(BITMAPS):
        img('bitmap', '--add', '-g', GRANULARITY, path, f'b{number}')
    size = TIB // GRANULARITY // 8
    bits = bytes(sum((chance.random() < 0.1) << i for i in range(8))
                 for _ in range(4096))
    with open(path, 'r+b') as file:
        head = file.read(4096)
        at = head.index(struct.pack('>II', EXTENSION, 24))
        directory, = struct.unpack_from('>Q', head, at + 24)
        end = -(-file.seek(0, 2) // CLUSTER) * CLUSTER
        for number in range(BITMAPS):
            file.seek(directory + number * 32)
            table, = struct.unpack('>Q', file.read(8))
            places = [end + i * CLUSTER for i in range(size // CLUSTER)]
            file.seek(table)
            file.write(struct.pack(f'>{len(places)}Q', *places))
            file.seek(end)
            file.write((bits * (size // len(bits) + 1))[:size])
            end += size
    subprocess.run(['qemu-img', 'check', '-r', 'all', str(path)], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def bitmap_count(server):
    nodes = server.qmp.cmd('query-named-block-nodes', {'flat': True})
    return [entry['count'] for node in nodes
            for entry in node.get('dirty-bitmaps', [])]


def kept_bitmaps(bench):
    """Opening an image with bitmaps loads them, closing it stores them."""
    paths = {}
    for name in ('tidemark', 'QEMU'):
        paths[name] = bench.new_file(bench.memory, f'{name}.qcow2')
        dirty_image(paths[name], 1)
    counts = set()

    def run(server):
        disk = node(paths[server.name])[1]
        load = server.qmp.timed('blockdev-add', disk)
        counts.add(tuple(bitmap_count(server)))
        store = server.qmp.timed('blockdev-del', {'node-name': 'disk'})
        return {'load': load * 1e3, 'store': store * 1e3}

    with ExitStack() as stack:
        servers = [stack.enter_context(
            bench.programs.daemon(name, node(paths[name])[:1]))
            for name in ('tidemark', 'QEMU')]
        ours, theirs = alternate(servers, run, max(bench.rounds, 8))
    expect(len(counts) == 1, f'bitmaps differ: {counts}')
    for name in paths:
        img('check', paths[name])
        paths[name].unlink()
    for verb, key in (('load', 'load'), ('store', 'store')):
        yield Row(f'{verb} four bitmaps of 1 TiB, 10 % dirty', 'ms', 'less',
                  values(ours, key), values(theirs, key), goal=4)


CASES = [
    ('qcow2-memory', in_memory),
    ('qcow2-disk', on_disk),
    ('qcow2-sequential', sequential),
    ('qcow2-chain', chain),
    ('qcow2-bitmaps', kept_bitmaps),
]
