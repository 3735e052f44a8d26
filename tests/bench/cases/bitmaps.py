# SPDX-License-Identifier: GPL-2.0-or-later
"""Bitmap commands on a big disk."""

import subprocess
import time
from contextlib import ExitStack

from lib.measure import Row, alternate

from .nbd import start_pair

DISK_BYTES = 16 << 40
GRANULARITY = 65536
RANDOM_WRITES = 50000


class BigDisk:
    """A disk of 16 TiB, in both programs: a file that is one hole. Bits are
    set by discarding, which costs the file nothing."""

    def __init__(self, bench):
        self.bench = bench
        self.stack = ExitStack()
        self.path = bench.new_file(bench.memory, 'big.img')
        with open(self.path, 'wb') as file:
            file.truncate(DISK_BYTES)
        self.servers = start_pair(
            bench, self.stack, lambda _: self.node(), True)

    def node(self):
        return [{'driver': 'file', 'filename': str(self.path),
                 'node-name': 'disk', 'discard': 'unmap', 'locking': 'off'}]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stack.close()
        self.path.unlink()

    def alternate(self, run):
        return alternate(self.servers, run, self.bench.rounds)

    def fill_random(self, server):
        """Sets bits all over every enabled bitmap."""
        self.bench.programs.load(
            server, op='trim', block=GRANULARITY, no_data=True,
            requests=RANDOM_WRITES, depth=16)

    def fill_all(self, server):
        """Sets all bits of every enabled bitmap."""
        step = 1 << 30
        self.bench.programs.load(
            server, op='trim', block=step, no_data=True, sequential=True,
            requests=DISK_BYTES // step, depth=16)


def bitmap(name, **more):
    return {'node': 'disk', 'name': name, **more}


def add(server, name, **more):
    server.qmp.cmd('block-dirty-bitmap-add',
                   bitmap(name, granularity=GRANULARITY, **more))


def remove(server, *names):
    for name in names:
        server.qmp.cmd('block-dirty-bitmap-remove', bitmap(name))


def dirty_bytes(server, name):
    for node in server.qmp.cmd('query-named-block-nodes', {'flat': True}):
        for entry in node.get('dirty-bitmaps', []):
            if entry['name'] == name:
                return entry['count']
    raise RuntimeError(f'no bitmap {name}')


def expect(condition, text):
    if not condition:
        raise RuntimeError(text)


def adding(bench):
    def run(server):
        seconds = server.qmp.timed(
            'block-dirty-bitmap-add', bitmap('b', granularity=GRANULARITY))
        expect(dirty_bytes(server, 'b') == 0, 'a new bitmap is not empty')
        remove(server, 'b')
        return seconds * 1e3

    with BigDisk(bench) as disk:
        ours, theirs = disk.alternate(run)
    yield Row('add a bitmap, 16 TiB', 'ms', 'less', ours, theirs, limit=1)


def memory(bench):
    def run(server):
        names = [f'b{number}' for number in range(10)]
        before = server.rss_bytes()
        for name in names:
            add(server, name)
        mib = (server.rss_bytes() - before) / (1 << 20)
        remove(server, *names)
        return mib

    results = []
    for _ in range(2):
        # Fresh ones: memory that was freed would hide the next bitmaps.
        with BigDisk(bench) as disk:
            results.append([run(server) for server in disk.servers])
    ours, theirs = zip(*results)
    yield Row('memory of ten empty bitmaps, 16 TiB', 'MiB', 'less', ours,
              theirs, limit=1)


def merging(bench, name, fill, **limits):
    """Merges two bitmaps into an empty third one."""
    def run(server):
        add(server, 'to', disabled=True)
        seconds = server.qmp.timed(
            'block-dirty-bitmap-merge',
            {'node': 'disk', 'target': 'to', 'bitmaps': ['a', 'b']})
        expect(dirty_bytes(server, 'to') == dirty_bytes(server, 'a'),
               'a merge lost or made bits')
        remove(server, 'to')
        return seconds * 1e3

    with BigDisk(bench) as disk:
        for server in disk.servers:
            add(server, 'a')
            add(server, 'b')
            if fill:
                fill(disk, server)
        ours, theirs = disk.alternate(run)
    yield Row(f'merge two {name} bitmaps, 16 TiB', 'ms', 'less', ours,
              theirs, **limits)


def merges(bench):
    yield from merging(bench, 'empty', None, limit=0.2)
    yield from merging(bench, 'full', BigDisk.fill_all, limit=5)
    yield from merging(bench, 'random', BigDisk.fill_random, goal=3)


def stall(bench):
    """The longest time without a reply while bitmap commands run; the bitmaps
    hold random bits. It is the least of some tries: what the commands do comes
    every time, what else runs on the machine does not."""
    def one_try(server):
        load = subprocess.Popen(
            [bench.programs.load_program, '--export=disk', '--depth=4',
             '--no-data', '--seconds=0.5', server.nbd], stdout=subprocess.PIPE)
        time.sleep(0.05)
        for command, args in (
                ('add', bitmap('c', granularity=GRANULARITY)),
                ('merge', {'node': 'disk', 'target': 'c',
                           'bitmaps': ['a', 'b']}),
                ('clear', bitmap('c')), ('remove', bitmap('c'))):
            server.qmp.cmd(f'block-dirty-bitmap-{command}', args)
        output = load.communicate()[0]
        expect(load.returncode == 0, 'the load failed')
        return bench.json(output)['gap_us'] / 1e3

    def run(server):
        return min(one_try(server) for _ in range(5))

    with BigDisk(bench) as disk:
        for server in disk.servers:
            add(server, 'a')
            add(server, 'b')
            disk.fill_random(server)
        ours, theirs = disk.alternate(run)
    yield Row('longest stall of guest I/O, bitmap commands', 'ms', 'less',
              ours, theirs, limit=2)


CASES = [
    ('bitmap-add', adding),
    ('bitmap-memory', memory),
    ('bitmap-merge', merges),
    ('bitmap-stall', stall),
]
