# SPDX-License-Identifier: GPL-2.0-or-later
"""A case for jobs whose disks fail: errors of a side, what clients are told."""

import errno
import os

from . import images
from .case import Case
from .images import KIB, MIB

WHERE = 256 * KIB


class PolicyCase(Case):

    # The job, and arguments that it has besides.
    command = None
    arguments = {}

    def setUp(self):
        super().setUp()
        self.vm = self.daemon()
        self.source = images.make_patterned(self.path('source.img'), MIB)
        self.target = images.make(self.path('target.img'), MIB)

    def add_node(self, name, path, rules):
        options = {'inject-error': rules} if rules else {}
        self.vm.cmd('blockdev-add', {
            'driver': 'blkdebug', 'node-name': name, **options,
            'image': {'driver': 'file', 'filename': path}})

    def begin(self, side, number, times=1, **options):
        """A job that meets error NUMBER on SIDE, TIMES times."""
        rules = [{'event': 'none', 'errno': number, 'once': True,
                  'sector': WHERE // 512, 'iotype':
                  'read' if side == 'source' else 'write'}] * times
        images.make(self.target, MIB)
        self.add_node('src', self.source, rules if side == 'source' else [])
        self.add_node('dst', self.target, rules if side == 'target' else [])
        self.vm.cmd(self.command, {
            'job-id': 'job', 'device': 'src', 'target': 'dst', 'sync': 'full',
            **self.arguments,
            **{k.replace('_', '-'): v for k, v in options.items()}})

    def assert_told(self, side, action):
        """The next BLOCK_JOB_ERROR."""
        event = self.vm.qmp.event('BLOCK_JOB_ERROR')
        self.assertEqual(event['data'], {
            'device': 'job', 'action': action,
            'operation': 'read' if side == 'source' else 'write'})

    def assert_stopped(self, number):
        while self.vm.qmp.event('JOB_STATUS_CHANGE')['data'][
                'status'] != 'paused':
            pass
        job, = self.vm.cmd('query-block-jobs')
        self.assertEqual(
            (job['status'], job['paused'], job['io-status']),
            ('paused', True, 'nospace' if number == errno.ENOSPC
             else 'failed'))

    def resume(self):
        self.vm.cmd('block-job-resume', {'device': 'job'})

    def assert_ends(self, number=None):
        """With that error, or well and with a whole copy."""
        event = self.vm.qmp.event('BLOCK_JOB_COMPLETED')
        self.assertEqual(event['data'].get('error'),
                         number and os.strerror(number))
        self.assertEqual(self.vm.cmd('query-jobs'), [])
        for name in 'src', 'dst':
            self.vm.cmd('blockdev-del', {'node-name': name})
        if number is None:
            self.assertEqual(images.checksum(self.source),
                             images.checksum(self.target))
