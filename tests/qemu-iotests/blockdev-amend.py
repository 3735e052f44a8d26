#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""x-blockdev-amend: passwords of encrypted images come and go, as a job."""

from lib import case, jobs, tools
from lib.encryption import SECRETS, create_qcow2, patient
from lib.images import MIB

NEW = {'state': 'active', 'new-secret': 's1', 'iter-time': 10}


class Amend(case.Case):

    def setUp(self):
        super().setUp()
        create_qcow2(self.path('luks.qcow2'), MIB)
        create_qcow2(self.path('aes.qcow2'), MIB, kind='aes')
        tools.img('create', '-q', '-f', 'qcow2', self.path('plain.qcow2'), MIB)
        patient(tools.img, 'create', '-q', '-f', 'luks', *SECRETS, '-o',
                'key-secret=s0,iter-time=10', self.path('luks'), MIB)
        self.vm = self.daemon(*SECRETS)
        for name, options in (
                ('luks.qcow2', {'encrypt': {'format': 'luks',
                                            'key-secret': 's0'}}),
                ('aes.qcow2', {'encrypt': {'format': 'aes',
                                           'key-secret': 's0'}}),
                ('plain.qcow2', {}), ('luks', {'key-secret': 's0'})):
            driver = name.split('.')[-1]
            self.vm.cmd('blockdev-add', {
                'driver': driver, 'node-name': name, **options,
                'file': {'driver': 'file', 'node-name': f'{name}.file',
                         'filename': self.path(name)}})

    def amend(self, node, force=False, **options):
        """The job's end as query-jobs has it."""
        driver = node.split('.')[-1]
        for left in reversed(range(100)):
            self.vm.cmd('x-blockdev-amend', {
                'job-id': 'j', 'node-name': node, 'force': force,
                'options': {'driver': driver, **options}})
            jobs.follow(self.vm, 'j', 'concluded')
            job, _ = jobs.query(self.vm, 'j')
            self.vm.cmd('job-dismiss', id='j')
            if 'accurate CPU usage' not in job.get('error', '') or not left:
                break
        self.assertEqual((job['type'], job['current-progress'],
                          job['total-progress']), ('amend', 1, 1))
        return job.get('error')

    def opens(self, name, secret):
        option = 'key-secret' if name == 'luks' else 'encrypt.key-secret'
        done = tools.img(
            'map', '--output=json', '-U', *SECRETS, '--image-opts',
            f'driver={name.split(".")[-1]},{option}={secret},'
            f'file.filename={self.path(name)}', check=False)
        return done.returncode == 0

    def test_qcow2(self):
        self.assertIsNone(self.amend('luks.qcow2'))
        self.assertIsNone(self.amend('luks.qcow2',
                                     encrypt={'format': 'luks', **NEW}))
        self.assertTrue(self.opens('luks.qcow2', 's1'))
        self.assertIsNone(self.amend('luks.qcow2', encrypt={
            'format': 'luks', 'state': 'inactive', 'keyslot': 0}))
        self.assertFalse(self.opens('luks.qcow2', 's0'))
        self.assertTrue(self.opens('luks.qcow2', 's1'))

    def test_luks(self):
        for secret, desc in (
                ('bad', 'Invalid password, cannot unlock any keyslot'),
                ('no', "No secret with id 'no'")):
            self.assertEqual(self.amend('luks', secret=secret, **NEW), desc)
        self.assertIsNone(self.amend('luks', secret='s0', **NEW))
        self.assertTrue(self.opens('luks', 's1'))
        self.assertIsNone(self.amend('luks', **{'state': 'inactive',
                                                'old-secret': 's0'}))
        self.assertFalse(self.opens('luks', 's0'))
        self.assertEqual(
            self.amend('luks', **{'state': 'inactive', 'old-secret': 's1'}),
            'All the active keyslots match the (old) password that was given '
            'and erasing them will erase all the data in the image '
            'irreversibly - refusing operation')
        self.assertIsNone(self.amend('luks', force=True,
                                     **{'state': 'inactive', 'keyslot': 1}))
        self.assertFalse(self.opens('luks', 's1'))

    def test_guest_goes_on(self):
        self.vm.cmd('nbd-server-start', addr={
            'type': 'unix', 'data': {'path': self.path('nbd')}})
        self.vm.cmd('block-export-add', {
            'type': 'nbd', 'id': 'e', 'node-name': 'luks.qcow2',
            'writable': True})
        self.assertIsNone(self.amend('luks.qcow2',
                                     encrypt={'format': 'luks', **NEW}))

    def test_job_errors(self):
        luks = {'format': 'luks', **NEW}
        for node, options, desc in (
                ('plain.qcow2', luks, "image is not encrypted, can't amend"),
                ('aes.qcow2', luks, 'Only LUKS encryption options can be '
                 'amended for qcow2 with blockdev-amend'),
                ('luks.qcow2', {'format': 'qcow'}, "Amend can't be used to "
                 'change the qcow2 encryption format'),
                ('luks.qcow2', dict(luks, keyslot=9), 'Invalid keyslot 9 '
                 'specified, must be between 0 and 7'),
                ('luks.qcow2', dict(luks, keyslot=-1), 'Invalid keyslot '
                 '4294967295 specified, must be between 0 and 7'),
                ('luks.qcow2', {'format': 'luks', 'state': 'inactive',
                                'keyslot': 5, 'secret': 's0'},
                 "'secret' must not be given when erasing keyslots"),
                ('luks.qcow2', {'format': 'luks', 'state': 'active',
                                'new-secret': 'no'},
                 "No secret with id 'no'")):
            self.assertEqual(self.amend(node, encrypt=options), desc)

    def test_refused(self):
        for node, options, desc in (
                ('no', {'driver': 'qcow2'},
                 "Cannot find device='' nor node-name='no'"),
                ('luks.qcow2', {'driver': 'luks', 'state': 'active'},
                 "x-blockdev-amend doesn't support changing the block driver"),
                ('luks.file', {'driver': 'file'},
                 'Driver does not support x-blockdev-amend'),
                ('luks', {'driver': 'luks'},
                 "Parameter 'options.state' is missing"),
                ('luks.qcow2', {'driver': 'qcow2',
                                'encrypt': {'format': 'luks'}},
                 "Parameter 'options.encrypt.state' is missing")):
            self.assert_error(
                self.vm, 'x-blockdev-amend',
                {'job-id': 'j', 'node-name': node, 'options': options}, desc)
        self.assert_error(
            self.vm, 'x-blockdev-amend',
            {'job-id': '', 'node-name': 'luks.qcow2',
             'options': {'driver': 'qcow2'}}, "Invalid job ID ''")
        self.assertEqual(self.vm.cmd('query-jobs'), [])


if __name__ == '__main__':
    case.main()
