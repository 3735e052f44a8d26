#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Guests write, zero and discard at random, readers of the frozen point in
time read at random, one of them discards: every byte is of that point."""

import random
import threading

from lib import case, images
from lib.case import ours_only
from lib.fleece_case import CLUSTER, FleeceCase
from lib.images import KIB, MIB

WRITES = 400
READS = 250


@ours_only('shows the live disk, and aborts at unaligned discards')
class Fire(FleeceCase):

    size_bytes = 16 * MIB

    def setUp(self):
        super().setUp()
        self.failures = []

    def in_thread(self, fn, *args):
        def run():
            try:
                fn(*args)
            except BaseException as error:
                self.failures.append(f'{fn.__name__}{args}: {error!r}')
                raise

        thread = threading.Thread(target=run)
        thread.start()
        return thread

    def area(self, rng, most):
        offset = rng.randrange(self.size_bytes // 512) * 512
        length = rng.randrange(1, most // 512 + 1) * 512
        return min(length, self.size_bytes - offset), offset

    def write(self, handle, seed):
        rng = random.Random(seed)
        for i in range(WRITES):
            length, offset = self.area(rng, 128 * KIB)
            what = rng.randrange(10)
            if what == 0:
                handle.zero(length, offset)
            elif what == 1:
                handle.trim(length, offset)
            else:
                handle.pwrite(bytes([i % 256]) * length, offset)

    def read(self, handle, seed):
        rng = random.Random(seed)
        for _ in range(READS):
            length, offset = self.area(rng, 512 * KIB)
            data = handle.pread(length, offset)
            if data != self.frozen[offset:offset + length]:
                bad = next(i for i in range(length)
                           if data[i] != self.frozen[offset + i])
                raise AssertionError(
                    f'seed {seed}: {offset}+{length}: wrong at {bad}')

    def read_and_discard(self, handle, seed):
        """What is refused was discarded; all else is right."""
        rng = random.Random(seed)
        gone = set()
        for i in range(READS):
            length, offset = self.area(rng, 512 * KIB)
            if i % 5 == 0:
                handle.trim(length, offset)
                gone.update(range(-(-offset // CLUSTER),
                                  (offset + length) // CLUSTER))
                continue
            clusters = range(offset // CLUSTER,
                             (offset + length - 1) // CLUSTER + 1)
            if gone.intersection(clusters):
                self.refused(handle, length, offset)
            elif handle.pread(length, offset) != \
                    self.frozen[offset:offset + length]:
                raise AssertionError(f'seed {seed}: {offset}+{length}')

    def burn(self, seed, readers, *more):
        threads = [self.in_thread(self.write, self.connect('top'), seed + i)
                   for i in range(3)]
        threads += [self.in_thread(self.read, self.connect('snap'), seed + i)
                    for i in range(readers)]
        threads += more
        for thread in threads:
            thread.join()
        self.assertEqual(self.failures, [])

    def test_readers(self):
        self.add_temp()
        snap = self.freeze()
        self.burn(1, 4)
        self.assert_frozen(snap)

    def test_on_iothreads(self):
        for i in range(3):
            self.vm.cmd('object-add', {'qom-type': 'iothread', 'id': f't{i}'})
        self.server.iothreads = ['t0', 't1', 't2']
        self.add_temp()
        self.server.add('top', name='top-threads')
        snap = self.freeze()
        threads = [self.in_thread(self.write, self.connect('top-threads'),
                                  100 + i) for i in range(3)]
        self.burn(20, 3, *threads)
        self.assert_frozen(snap)

    def test_discards(self):
        self.add_temp()
        snap = self.freeze()
        self.burn(40, 0, self.in_thread(self.read_and_discard, snap, 40))

    def test_a_job_reads(self):
        """A push backup of the point in time."""
        self.add_temp()
        self.freeze()
        self.add_temp('copy')
        self.vm.cmd('blockdev-backup', {
            'job-id': 'push', 'device': 'snap', 'target': 'copy',
            'sync': 'full'})
        self.burn(60, 2)
        self.vm.qmp.event('BLOCK_JOB_COMPLETED', device='push')
        self.assertTrue(images.read(self.path_of['copy']) == self.frozen)


if __name__ == '__main__':
    case.main()
