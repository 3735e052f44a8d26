#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A drive that a job works on is not taken away from it, and its medium is not
exchanged: drive_del, eject and change say which job it is. The same holds for
an image that another one stands on."""

from lib import case, hmp, tools


class BusyDrive(case.Case):

    def setUp(self):
        super().setUp()
        for words in (['base.img', '16M'],
                      ['-b', 'base.img', '-F', 'qcow2', 'top.img'],
                      ['target.img', '16M'], ['other.img', '16M']):
            tools.img('create', '-q', '-f', 'qcow2', *words, cwd=self.dir)
        tools.io(self.path('base.img'), 'write -q -P 1 0 16M',
                 options=('-f', 'qcow2'))

    def start(self, *more):
        self.vm = hmp.start(self, '-machine', 'pc', '-S', '-drive',
                            'if=none,id=d,file=top.img,node-name=n', *more)
        self.vm.cmd('blockdev-add', {
            'driver': 'qcow2', 'node-name': 't',
            'file': {'driver': 'file', 'filename': 'target.img'}})

    def assert_says(self, line, text):
        self.assertEqual(hmp.run(self.vm, line), text, line)

    def assert_refused(self, command, args, text):
        self.assert_error(self.vm, command, args, text)

    def assert_busy(self, job, device='d'):
        """Every way to take away the medium, while JOB works on it."""
        busy = (f"Node '{device}' is busy: block device is in use by block "
                f'job: {job}')
        shown = hmp.run(self.vm, 'info block d')
        self.assert_says('drive_del d', f'{busy}\n')
        self.assert_says('eject d', f'Error: {busy}\n')
        self.assert_says('eject -f d', f'Error: {busy}\n')
        self.assert_says('change d other.img', f'Error: {busy}\n')
        self.assert_refused('eject', {'device': 'd'}, busy)
        self.assert_refused('blockdev-change-medium',
                            {'device': 'd', 'filename': 'other.img'}, busy)
        self.assertEqual(hmp.run(self.vm, 'info block d'), shown)
        self.assertEqual(len(self.vm.cmd('query-block-jobs')), 1)

    def end(self):
        self.vm.cmd('block-job-cancel', {'device': 'j', 'force': True})
        self.vm.qmp.event('BLOCK_JOB_CANCELLED')

    def job(self, command, **args):
        self.vm.cmd(command, {'job-id': 'j', **args})

    def test_jobs(self):
        self.start()
        full = {'device': 'd', 'target': 't', 'sync': 'full'}
        for name, command, args in (
                ('mirror', 'blockdev-mirror', {**full, 'speed': 1}),
                ('mirror', 'blockdev-mirror', full),
                ('backup', 'blockdev-backup', {**full, 'speed': 1}),
                ('backup', 'blockdev-backup', {**full, 'sync': 'none'}),
                ('stream', 'block-stream', {'device': 'd', 'speed': 1}),
                ('commit', 'block-commit', {'device': 'd', 'speed': 1})):
            self.job(command, **args)
            if name == 'mirror' and 'speed' not in args:
                self.vm.qmp.event('BLOCK_JOB_READY')
            self.assert_busy(name)
            self.vm.cmd('block-job-pause', {'device': 'j'})
            self.assert_busy(name)
            self.vm.cmd('block-job-resume', {'device': 'j'})
            self.end()
        # When it is over, the drive may go.
        self.assert_says('drive_del d', '')
        self.assert_says('info block d', '')

    def test_target(self):
        self.start()
        self.vm.cmd('blockdev-backup', {
            'job-id': 'j', 'device': 't', 'target': 'n', 'sync': 'none'})
        self.assert_busy('backup')

    def test_tray(self):
        """An open tray does not help, and a disk says first that it is one."""
        self.start('-device', 'virtio-scsi-pci', '-device',
                   'scsi-cd,id=cd,drive=d')
        busy = "Node 'd' is busy: block device is in use by block job: mirror"
        self.job('blockdev-mirror', device='d', target='t', sync='full',
                 speed=1)
        self.assert_refused('blockdev-remove-medium', {'id': 'cd'},
                            "Tray of device 'cd' is not open")
        self.assert_says('eject d', f'Error: {busy}\n')
        self.vm.qmp.event('DEVICE_TRAY_MOVED', tray_open=True)
        self.assert_refused('blockdev-remove-medium', {'id': 'cd'}, busy)
        self.assert_says('drive_del d', f'{busy}\n')
        self.end()
        self.vm.cmd('blockdev-remove-medium', {'id': 'cd'})

    def test_disk(self):
        self.start('-device', 'virtio-blk-pci,id=disk,drive=d')
        self.job('blockdev-mirror', device='d', target='t', sync='full',
                 speed=1)
        self.assert_says('eject -f d',
                         "Error: Device 'd' is not removable\n")
        self.assert_says('drive_del d', "Node 'd' is busy: block device is in "
                         'use by block job: mirror\n')
        # A job is no user that keeps a medium from a device.
        self.assert_refused('blockdev-insert-medium',
                            {'id': '/machine/peripheral/disk/virtio-backend',
                             'node-name': 'n'}, 'Device is not removable')
        self.end()
        self.assert_says('drive_del d', '')

    def test_image_behind_another(self):
        self.start()
        self.vm.cmd('blockdev-add', {
            'driver': 'qcow2', 'node-name': 'over', 'backing': 'n',
            'file': {'driver': 'file', 'filename': 'other.img'}})
        busy = "Node 'd' is busy: node is used as backing hd of 'over'"
        self.assert_says('drive_del d', f'{busy}\n')
        self.assert_says('eject d', f'Error: {busy}\n')
        self.vm.cmd('blockdev-del', {'node-name': 'over'})
        self.assert_says('drive_del d', '')


if __name__ == '__main__':
    case.main()
