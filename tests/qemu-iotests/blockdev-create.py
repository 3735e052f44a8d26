#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""blockdev-create: what each driver makes, and how it ends where it cannot."""

import os

from lib import case, images, jobs, tools
from lib.images import KIB, MIB

TOO_LARGE = ('Could not resize image: Failed to grow the L1 table: File too '
             'large')


class Create(case.Case):

    def setUp(self):
        super().setUp()
        self.vm = self.daemon('--object', 'secret,id=s,data=123456')
        self.file = self.path('file')
        self.assertIsNone(self.create(driver='file', filename=self.file,
                                      size=0))
        self.vm.cmd('blockdev-add', {'driver': 'file', 'node-name': 'f',
                                     'filename': self.file})

    def create(self, **options):
        """The error of the job, or None."""
        for left in reversed(range(100)):
            error = self.create_once(options)
            # QEMU does not know each time how long digests take.
            if 'accurate CPU usage' not in (error or '') or not left:
                break
        return error

    def create_once(self, options):
        self.vm.cmd('blockdev-create', {'job-id': 'j', 'options': options})
        jobs.follow(self.vm, 'j', 'concluded')
        job, _ = jobs.query(self.vm, 'j')
        self.vm.cmd('job-dismiss', id='j')
        self.assertEqual((job['type'], job['current-progress']),
                         ('create', 1))
        return job.get('error')

    def refused(self, desc, **options):
        self.assert_error(self.vm, 'blockdev-create',
                          {'job-id': 'j', 'options': options}, desc)

    def fails(self, cases, **common):
        for options, desc in cases:
            self.assertEqual(self.create(**common, **options), desc)

    def test_refused_at_once(self):
        """What is wrong with the words is told before the reply."""
        self.vm.qmp.events.clear()
        self.vm.cmd('blockdev-create', {'job-id': 'j', 'options': {
            'driver': 'qcow2', 'file': 'f', 'size': MIB,
            'cluster-size': 1000}})
        self.assertEqual([e['data']['status'] for e in self.vm.qmp.events],
                         ['created', 'running', 'aborting', 'concluded'])
        self.vm.cmd('job-dismiss', id='j')

    def test_file(self):
        name = self.path('new')
        for options, allocated in (({}, False),
                                   ({'preallocation': 'falloc'}, True),
                                   ({'preallocation': 'full'}, True),
                                   ({'nocow': True}, False)):
            self.assertIsNone(self.create(driver='file', filename=name,
                                          size=MIB, **options))
            self.assertEqual(os.stat(name).st_size, MIB)
            self.assertEqual(images.allocated_bytes(name) >= MIB, allocated)

    def test_odd_size(self):
        name = self.path('new')
        self.assertIsNone(self.create(driver='file', filename=name,
                                      size=MIB + 1))
        self.assertEqual(os.stat(name).st_size, MIB + 1)

    def test_file_errors(self):
        self.fails((
            ({'size': MIB, 'preallocation': 'metadata'},
             'Unsupported preallocation mode: metadata'),
            ({'size': 1 << 63}, 'Could not resize file: Invalid argument'),
            ({'size': MIB, 'extent-size-hint': 1 << 32},
             'Extent size hint is too large')),
            driver='file', filename=self.path('new'))
        self.refused("Parameter 'options.filename' is missing", driver='file')
        self.refused("Parameter 'options.size' is missing", driver='file',
                     filename='x')

    def test_drivers(self):
        for driver in 'raw', 'nbd', 'null-co', 'throttle':
            self.refused('Driver does not support blockdev-create',
                         driver=driver)
        self.refused("Parameter 'driver' does not accept value 'no'",
                     driver='no')

    def test_qcow2_sizes(self):
        self.fails((
            ({'size': 1}, 'Image size must be a multiple of 512 bytes'),
            ({'size': (1 << 63) - 512}, 'Could not resize image: '
             'offset(9223372036854775296) exceeds '
             'maximum(9223372035781033984)'),
            ({'size': 1 << 63}, 'Could not resize image: Image size cannot '
             'be negative'),
            ({'size': 1 << 52}, TOO_LARGE),
            ({'size': 1 << 40, 'cluster-size': 512}, TOO_LARGE),
            ({'size': 0}, None),
            ({'size': MIB, 'cluster-size': 256}, 'Cluster size must be a '
             'power of two between 512 and 2048k'),
            ({'size': MIB, 'refcount-bits': 3}, 'Refcount width must be a '
             'power of two and may not exceed 64 bits')),
            driver='qcow2', file='f')

    def test_qcow2_names(self):
        long, large = 'x' * 1024, 'x' * 600
        assign = "Could not assign backing file '%s' with format '%s': %s"
        self.fails((
            ({'backing-file': long},
             assign % (long, '(null)', 'Invalid argument')),
            ({'backing-file': large, 'cluster-size': 512,
              'backing-fmt': 'raw'},
             assign % (large, 'raw', 'No space left on device')),
            ({'backing-fmt': 'raw'},
             'Backing format cannot be used without backing file'),
            ({'data-file-raw': True}, 'data-file-raw requires data-file')),
            driver='qcow2', file='f', size=MIB)

    def test_qcow2_encryption(self):
        for encrypt, desc in (
                ({'format': 'qcow'},
                 "Parameter 'encrypt.key-secret' is required for cipher"),
                ({'format': 'luks', 'key-secret': 'no'},
                 "No secret with id 'no'"),
                ({'format': 'qcow', 'key-secret': 's'}, None)):
            self.assertEqual(self.create(driver='qcow2', file='f', size=MIB,
                                         encrypt=encrypt), desc)
        self.assertIn('encrypted: yes',
                      tools.img('info', '-U', self.file).stdout)

    def test_qcow2_that_cannot_grow(self):
        self.vm.cmd('blockdev-add', {
            'driver': 'blkdebug', 'node-name': 'd', 'image': 'f',
            'inject-error': [{'event': 'none', 'iotype': 'flush'}]})
        self.assertEqual(self.create(driver='qcow2', file='d', size=MIB),
                         'Could not resize image: Failed to grow the L1 '
                         'table: Input/output error')

    def test_luks(self):
        error = self.create(driver='luks', file='f', size=MIB,
                            **{'key-secret': 's', 'iter-time': -1})
        self.assertRegex(error, 'PBKDF iterations [0-9]+ too large to scale: '
                         'Numerical result out of range')
        self.fails((
            ({}, "Parameter 'key-secret' is required for cipher"),
            ({'key-secret': 'no'}, "No secret with id 'no'"),
            ({'key-secret': 's', 'cipher-alg': 'des'},
             "Algorithm 'des' not supported"),
            ({'key-secret': 's', 'iter-time': 0}, None)),
            driver='luks', file='f', size=64 * KIB)


if __name__ == '__main__':
    case.main()
