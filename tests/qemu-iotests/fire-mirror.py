#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Mirrors under fire: clients write without pause while a disk is mirrored to
and fro, by each way of copying, and is pivoted under them. Each client knows
what it wrote; at the end the disk must say so, and hold nothing else."""

import os
import random
import threading

import nbd

from lib import bitmaps, case, exports, images
from lib.images import KIB, MIB

SIZE = 16 * MIB
BLOCK = 4 * KIB
SEED = int(os.environ.get('IOTEST_SEED', '20261'))


class Client(threading.Thread):
    """Writes to each N-th block only, so that its blocks are nobody else's."""

    def __init__(self, handle, number, of, seed):
        super().__init__(daemon=True)
        self.handle = handle
        self.random = random.Random(seed * 100 + number)
        self.blocks = range(number, SIZE // BLOCK, of)
        self.content = {}
        self.error = None
        self.ended = threading.Event()

    def step(self):
        block = self.random.choice(self.blocks)
        kind = self.random.random()
        at = block * BLOCK
        if kind < 0.7:
            byte = self.random.randrange(1, 256)
            self.handle.pwrite(bytes([byte]) * BLOCK, at)
            self.content[block] = byte
        elif kind < 0.85:
            self.handle.zero(BLOCK, at)
            self.content[block] = 0
        elif kind < 0.98:
            got = self.handle.pread(BLOCK, at)
            want = bytes([self.content.get(block, 0)]) * BLOCK
            assert got == want, f'block {block} reads wrong'
        else:
            self.handle.flush()

    def run(self):
        try:
            while not self.ended.is_set():
                self.step()
        except (nbd.Error, AssertionError) as error:
            self.error = error


class FireMirror(case.Case):

    iothreads = ()

    def setUp(self):
        super().setUp()
        self.random = random.Random(SEED)
        self.vm = self.daemon()
        for name in self.iothreads:
            self.vm.cmd('object-add', {'qom-type': 'iothread', 'id': name})
        for name in 'a', 'b':
            path = images.make(self.path(name), SIZE)
            self.vm.cmd('blockdev-add', {
                'driver': 'raw', 'node-name': name, 'discard': 'unmap',
                'file': {'driver': 'file', 'filename': path}})
        server = exports.Server(self.vm, iothreads=self.iothreads)
        server.add('a', 'disk')
        self.clients = [Client(server.connect('disk'), n, 3, SEED)
                        for n in range(3)]
        self.addCleanup(self.stop)

    def stop(self):
        for client in self.clients:
            client.ended.set()
            if client.is_alive():
                client.join()

    def one(self, source, target, mode, finish, bitmap=None):
        """One mirror, while clients write; where the disk is afterwards."""
        args = {'job-id': 'job', 'device': source, 'target': target,
                'sync': 'full', 'copy-mode': mode}
        if bitmap:
            args['bitmap'] = bitmap
        else:
            args['granularity'] = self.random.choice((4096, 65536, MIB))
        self.vm.cmd('blockdev-mirror', args)
        if finish == 'early':
            self.vm.cmd('job-cancel', {'id': 'job'})
        else:
            self.vm.qmp.event('BLOCK_JOB_READY')
        if finish == 'complete':
            self.vm.cmd('block-job-complete', {'device': 'job'})
        elif finish == 'leave':
            self.vm.cmd('block-job-cancel', {'device': 'job'})
        elif finish == 'force':
            self.vm.cmd('job-cancel', {'id': 'job'})
        while True:
            event = self.vm.qmp.event('JOB_STATUS_CHANGE')
            if event['data']['status'] == 'null':
                break
        for event in self.vm.qmp.events:
            self.assertNotIn('error', event['data'])
        self.vm.qmp.events.clear()
        return target if finish == 'complete' else source

    def assert_content(self, path):
        content = {}
        for client in self.clients:
            self.assertIsNone(client.error)
            content.update(client.content)
        with open(path, 'rb') as file:
            for block in range(SIZE // BLOCK):
                self.assertEqual(
                    file.read(BLOCK),
                    bytes([content.get(block, 0)]) * BLOCK,
                    f'block {block}, seed {SEED}')

    def test_pivots(self):
        for client in self.clients:
            client.start()
        at = 'a'
        for _ in range(10):
            at = self.one(at, 'b' if at == 'a' else 'a',
                          self.random.choice(('background',
                                              'write-blocking')),
                          self.random.choice(('complete', 'complete', 'leave',
                                              'force', 'early')))
        self.stop()
        self.assert_content(self.path(at))

    @case.ours_only('no bitmap of a mirror')
    def test_resumed(self):
        """Broken off again and again: the bitmap has what is missing, so that
        the last one need not copy all."""
        self.vm.cmd('block-dirty-bitmap-add', node='a', name='all')
        for client in self.clients:
            client.start()
        for finish in ('force', 'early', 'leave', 'early', 'force',
                       'complete'):
            for mode in 'background', 'write-blocking':
                if finish == 'complete' and mode == 'background':
                    continue
                at = self.one('a', 'b', mode, finish, 'all')
        self.stop()
        self.assertEqual(at, 'b')
        self.assertEqual(bitmaps.count(self.vm, 'a', 'all'), 0)
        self.assert_content(self.path('b'))


@case.ours_only('exports with several iothreads')
class FireMirrorThreads(FireMirror):

    iothreads = ('t0', 't1')


if __name__ == '__main__':
    case.main()
