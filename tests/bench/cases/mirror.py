# SPDX-License-Identifier: GPL-2.0-or-later
"""Mirrors: of a half-sparse disk, by a bitmap, and under a guest that writes.

QEMU has no mirror by a bitmap: what it can do instead is to copy all. What the
clusters take without any program is told by a loop that reads and writes them.
"""

import filecmp
import os
import subprocess
import time

from lib.measure import Row, alternate, values

from .backup import half_sparse

CLUSTER = 64 << 10
GUEST_BYTES = 1 << 30


class Pair:
    """A daemon with a source, exported as `disk`, and a target."""

    def __init__(self, bench, name, source, target):
        nodes = [{'driver': 'file', 'filename': str(path), 'node-name': node,
                  'discard': 'unmap'}
                 for path, node in ((source, 'source'), (target, 'target'))]
        self.source, self.target, self.name = source, target, name
        self.server = bench.programs.daemon(name, nodes, [
            {'id': 'disk', 'node-name': 'source', 'name': 'disk',
             'writable': True}])

    def mirror(self, **options):
        """Seconds until it is ready."""
        start = time.perf_counter()
        self.server.qmp.cmd('blockdev-mirror', {
            'job-id': 'job', 'device': 'source', 'target': 'target',
            'sync': 'full', **options})
        self.server.qmp.wait_event('BLOCK_JOB_READY')
        return time.perf_counter() - start

    def end(self):
        """Seconds from the command that ends it to the end."""
        start = time.perf_counter()
        self.server.qmp.cmd('block-job-cancel', {'device': 'job'})
        event = self.server.qmp.wait_event('BLOCK_JOB_COMPLETED')
        if 'error' in event['data']:
            raise RuntimeError(event['data']['error'])
        return time.perf_counter() - start

    def stop(self):
        self.server.stop()
        if not filecmp.cmp(self.source, self.target, shallow=False):
            raise RuntimeError(f'{self.name}: the mirror differs')


def empty(bench, folder, size_bytes):
    target = bench.new_file(folder, 'target.img')
    with open(target, 'wb') as file:
        file.truncate(size_bytes)
    return target


def run_full(bench, folder, name, source, size_bytes):
    target = empty(bench, folder, size_bytes)
    pair = Pair(bench, name, source, target)
    before = pair.server.cpu_seconds()
    seconds = pair.mirror() + pair.end()
    cpu_seconds = pair.server.cpu_seconds() - before
    pair.stop()
    allocated = os.stat(target).st_blocks * 512
    target.unlink()
    return {'rate': size_bytes / 2 / (1 << 20) / seconds,
            'cpu_ms': cpu_seconds * 1e3, 'allocated': allocated / (1 << 20)}


def full(bench):
    size_bytes = bench.backup_bytes
    for folder, where, goal in ((bench.memory, 'tmpfs', 1.2),
                                (bench.disk, 'disk', 1.3)):
        source = bench.new_file(folder, 'source.img')
        half_sparse(bench, source, size_bytes)
        ours, theirs = alternate(
            ('tidemark', 'QEMU'),
            lambda name: run_full(bench, folder, name, source, size_bytes),
            bench.rounds)
        source.unlink()
        text = f'full mirror, {size_bytes >> 20} MiB half-sparse, {where}'
        yield Row(f'{text}: data', 'MiB/s', 'more', values(ours, 'rate'),
                  values(theirs, 'rate'), goal=goal)
        yield Row(f'{text}: CPU', 'ms', 'less', values(ours, 'cpu_ms'),
                  values(theirs, 'cpu_ms'))
        yield Row(f'{text}: target', 'MiB', 'less',
                  values(ours, 'allocated'), values(theirs, 'allocated'),
                  limit=size_bytes / 2 / (1 << 20) * 1.01)


def differing(source, target):
    """The clusters that differ, by their numbers."""
    with open(source, 'rb') as a, open(target, 'rb') as b:
        return [number for number, (left, right) in enumerate(zip(
            iter(lambda: a.read(CLUSTER), b''),
            iter(lambda: b.read(CLUSTER), b''))) if left != right]


def copy_in_a_loop(source, target, clusters):
    """Seconds for reading and writing these, one after the other."""
    buf = [bytearray(CLUSTER)]
    reader = os.open(source, os.O_RDONLY)
    writer = os.open(target, os.O_WRONLY)
    start = time.perf_counter()
    for cluster in clusters:
        os.preadv(reader, buf, cluster * CLUSTER)
        os.pwritev(writer, buf, cluster * CLUSTER)
    seconds = time.perf_counter() - start
    os.close(reader)
    os.close(writer)
    return seconds


def run_by_bitmap(bench, name, size_bytes):
    """One in twenty clusters was written since the last mirror."""
    source = bench.new_file(bench.memory, 'source.img')
    target = bench.new_file(bench.memory, 'target.img')
    bench.programs.fill(source, size_bytes)
    subprocess.run(['cp', source, target], check=True)
    pair = Pair(bench, 'QEMU' if name == 'QEMU' else 'tidemark', source,
                target)
    if name == 'tidemark':
        pair.server.qmp.cmd('block-dirty-bitmap-add',
                            {'node': 'source', 'name': 'b'})
    bench.programs.load(pair.server, op='write', block=CLUSTER, depth=1,
                        requests=size_bytes // CLUSTER // 20, version=1)
    clusters = differing(source, target)
    if name == 'a loop':
        seconds = copy_in_a_loop(source, target, clusters)
    else:
        options = {'bitmap': 'b'} if name == 'tidemark' else {}
        seconds = pair.mirror(**options) + pair.end()
    pair.stop()
    return {'ms': seconds * 1e3}


def by_bitmap(bench):
    size_bytes = bench.backup_bytes
    ours, theirs, loop = alternate(
        ('tidemark', 'QEMU', 'a loop'),
        lambda name: run_by_bitmap(bench, name, size_bytes), bench.rounds)
    text = f'mirror of 5 % of {size_bytes >> 20} MiB by a bitmap'
    yield Row(text, 'ms', 'less', values(ours, 'ms'), values(theirs, 'ms'),
              goal=8)
    yield Row(text, 'ms', 'less', values(ours, 'ms'), values(loop, 'ms'),
              goal=0.77, reference='a loop')


def run_under_load(bench, name, mode, depth):
    source = bench.new_file(bench.memory, 'source.img')
    half_sparse(bench, source, GUEST_BYTES)
    pair = Pair(bench, name, source,
                empty(bench, bench.memory, GUEST_BYTES))
    argv = [bench.programs.load_program, '--export', 'disk', '--op', 'write',
            '--block', '4096', '--version=1', f'--depth={depth}',
            f'--seconds={bench.seconds + 1}', pair.server.nbd]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as load:
        time.sleep(0.1)
        ready = pair.mirror(**{'copy-mode': mode})
        result = bench.json(load.communicate()[0])
    ended = pair.end()
    pair.stop()
    return {'ready_ms': ready * 1e3, 'end_ms': ended * 1e3,
            'writes': result['requests'] / result['seconds'],
            'p99_us': result['p99_us'], 'gap_ms': result['gap_us'] / 1e3}


def rows_under_load(bench, mode, depth):
    ours, theirs = alternate(
        ('tidemark', 'QEMU'),
        lambda name: run_under_load(bench, name, mode, depth), bench.rounds)
    text = f'mirror under a writer, {mode}, depth {depth}'
    yield Row(f'{text}: until ready', 'ms', 'less', values(ours, 'ready_ms'),
              values(theirs, 'ready_ms'), goal=2)
    yield Row(f'{text}: its writes', '/s', 'more', values(ours, 'writes'),
              values(theirs, 'writes'), goal=2)
    yield Row(f'{text}: its p99', 'us', 'less', values(ours, 'p99_us'),
              values(theirs, 'p99_us'),
              goal=2 if mode == 'write-blocking' else None)
    yield Row(f'{text}: its longest wait', 'ms', 'less',
              values(ours, 'gap_ms'), values(theirs, 'gap_ms'))


def under_load(bench):
    for mode in 'background', 'write-blocking':
        for depth in 1, 16:
            yield from rows_under_load(bench, mode, depth)


def run_pivot(bench, name):
    """A guest that writes is moved to the target, which then has all that it
    ever wrote."""
    source = bench.new_file(bench.memory, 'source.img')
    half_sparse(bench, source, GUEST_BYTES)
    target = empty(bench, bench.memory, GUEST_BYTES)
    pair = Pair(bench, name, source, target)
    pair.mirror(**{'copy-mode': 'write-blocking'})
    argv = [bench.programs.load_program, '--export', 'disk', '--op', 'write',
            '--block', '4096', '--version=1', '--depth=1', f'--check={target}',
            f'--seconds={bench.seconds}', pair.server.nbd]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as load:
        time.sleep(bench.seconds / 2)
        pair.server.qmp.cmd('block-job-complete', {'device': 'job'})
        pair.server.qmp.wait_event('BLOCK_JOB_COMPLETED')
        result = bench.json(load.communicate()[0])
    if load.returncode:
        raise RuntimeError(f'{name}: writes were lost at the pivot')
    pair.server.stop()
    return {'gap_ms': result['gap_us'] / 1e3}


def pivot(bench):
    ours, theirs = alternate(
        ('tidemark', 'QEMU'), lambda name: run_pivot(bench, name),
        bench.rounds)
    yield Row('mirror: pivot under a writer, its longest wait', 'ms', 'less',
              values(ours, 'gap_ms'), values(theirs, 'gap_ms'), limit=5)


CASES = [('mirror', full), ('mirror-bitmap', by_bitmap),
         ('mirror-load', under_load), ('mirror-pivot', pivot)]
