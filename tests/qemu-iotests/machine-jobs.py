#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Jobs on the disk of a machine: snapshots first, images that grow."""

import json

from lib import case, jobs, tools
from lib.images import MIB
from lib.machine import MachineCase


class DiskCase(MachineCase):

    def image(self, name, size, *options):
        path = self.path(name)
        tools.img('create', '-q', '-f', 'qcow2', *options, path, str(size))
        return path

    def start(self, path):
        self.vm = self.machine(
            '-drive', f'if=none,id=disk,node-name=n0,format=qcow2,file={path}')

    def guest(self, command):
        self.vm.cmd('human-monitor-command',
                    command_line=f'qemu-io disk "{command}"')

    def snapshot(self, name):
        return {'type': 'blockdev-snapshot-sync', 'data': {
            'device': 'disk', 'snapshot-file': self.path(name),
            'format': 'qcow2'}}

    def end_of(self, job):
        return jobs.follow(self.vm, job, 'null')


class SnapshotFirst(DiskCase):
    """An action that puts an image above the disk, then one that makes a job
    of the disk, as it is by then."""

    def setUp(self):
        super().setUp()
        self.start(self.image('disk', MIB))
        self.guest('write -P 1 0 1M')
        self.vm.cmd('blockdev-add', {
            'driver': 'qcow2', 'node-name': 'dst', 'file': {
                'driver': 'file', 'filename': self.image('dst', MIB)}})

    def job(self, kind):
        return {'type': kind, 'data': {
            'job-id': 'j', 'device': 'disk', 'target': 'dst', 'sync': 'full'}}

    def test_backup(self):
        self.vm.cmd('transaction', actions=[self.snapshot('top'),
                                            self.job('blockdev-backup')])
        self.guest('write -P 2 0 64k')
        self.assertEqual(
            jobs.without_drains(self.end_of('j')),
            ['created', 'running', 'waiting', 'pending', jobs.completed(MIB),
             'concluded', 'null'])
        self.vm.quit()
        done = tools.img('compare', self.path('disk'), self.path('dst'))
        self.assertEqual(done.stdout, 'Images are identical.\n')

    @case.ours_only('it has no such action')
    def test_mirror(self):
        self.vm.cmd('transaction', actions=[self.snapshot('top'),
                                            self.job('blockdev-mirror')])
        self.guest('write -P 2 0 64k')
        self.vm.qmp.event('BLOCK_JOB_READY')
        self.vm.cmd('block-job-cancel', device='j')
        self.end_of('j')
        self.vm.quit()
        done = tools.img('compare', self.path('top'), self.path('dst'))
        self.assertEqual(done.stdout, 'Images are identical.\n')

    @case.ours_only('it crashes when it undoes this')
    def test_undone(self):
        self.assert_error(
            self.vm, 'transaction',
            {'actions': [self.snapshot('top'), self.job('blockdev-backup'),
                         {'type': 'abort', 'data': {}}]},
            'Transaction aborted using Abort action')
        self.assertEqual(self.vm.cmd('query-block-jobs'), [])
        self.assertEqual(
            self.vm.cmd('query-block')[0]['inserted']['node-name'], 'n0')


class Grown(DiskCase):

    def test_active_commit(self):
        """The base grows with the disk, which moves to it in the end."""
        self.start(self.image('base', MIB // 2))
        self.vm.cmd('transaction', actions=[self.snapshot('top')])
        self.vm.cmd('block_resize', device='disk', size=MIB)
        self.guest('write -P 3 768k 64k')
        self.vm.cmd('block-commit', device='disk', job_id='j')
        self.vm.qmp.event('BLOCK_JOB_READY')
        self.vm.cmd('job-complete', id='j')
        self.assertEqual(self.end_of('j')[-3:], [
            jobs.completed(64 << 10, type='commit'), 'concluded', 'null'])
        disk = self.vm.cmd('query-block')[0]['inserted']
        self.assertEqual((disk['node-name'], disk['image']['virtual-size']),
                         ('n0', MIB))


class Overlay(DiskCase):
    """A disk with an image behind it."""

    def setUp(self):
        super().setUp()
        base = self.image('base', 16 * MIB)
        tools.io(base, 'write -P 1 1M 64k', options=('-f', 'qcow2'))
        self.start(self.image('disk', 16 * MIB, '-b', base, '-F', 'qcow2'))
        self.guest('write -P 2 4M 64k')
        self.new = self.path('new')

    def data_of(self, path):
        """What of the image holds data, as (offset, length) in KiB."""
        entries = json.loads(tools.img('map', '--output=json', path).stdout)
        return [(e['start'] >> 10, e['length'] >> 10) for e in entries
                if e['data']]

    def test_holes_of_a_backup(self):
        """What no image has takes no space in the target."""
        self.vm.cmd('drive-backup', job_id='j', device='disk', sync='full',
                    target=self.new, format='qcow2')
        self.end_of('j')
        self.vm.quit()
        self.assertEqual(self.data_of(self.new), [(1024, 64), (4096, 64)])

    def test_holes_of_a_mirror(self):
        self.image('new', 16 * MIB)
        self.vm.cmd('drive-mirror', job_id='j', device='disk', sync='full',
                    target=self.new, format='qcow2', mode='existing')
        self.vm.qmp.event('BLOCK_JOB_READY')
        self.vm.cmd('job-complete', id='j')
        self.end_of('j')
        self.vm.quit()
        self.assertEqual(self.data_of(self.new), [(1024, 64), (4096, 64)])

    def test_step_of_a_backup(self):
        """With a speed limit a step is of one kind, from one image."""
        self.guest('write -P 3 0 64k')
        self.guest('write -P 3 128k 64k')
        self.vm.cmd('drive-backup', job_id='j', device='disk', sync='full',
                    target=self.new, format='qcow2', speed=1)
        jobs.wait_for_progress(self.vm, 'j', 64 << 10)
        self.vm.cmd('job-cancel', id='j')
        self.end_of('j')

    def test_texts_of_a_commit(self):
        """The top is looked at first; the base is looked for behind it."""
        base = self.path('base')
        self.vm.cmd('blockdev-add', {'driver': 'null-co', 'node-name': 'x'})
        for args, desc in (
                ({'top': base, 'base': base},
                 f"Can't find '{base}' in the backing chain"),
                ({'top-node': 'x', 'base-node': 'nosuch'},
                 "'x' is not in this backing file chain"),
                ({'top-node': 'n0', 'base-node': 'n0'},
                 'cannot commit an image into itself')):
            self.assert_error(self.vm, 'block-commit',
                              dict(args, device='disk'), desc)

    def test_second_job(self):
        """That the disk is in use is told before the target is looked at."""
        self.vm.cmd('drive-mirror', job_id='j', device='disk', sync='full',
                    target=self.new, format='qcow2')
        self.assert_error(
            self.vm, 'drive-backup',
            {'device': 'disk', 'sync': 'full', 'target': self.path('no')},
            "Node 'disk' is busy: block device is in use by block job: mirror")
        self.vm.cmd('job-cancel', id='j')
        self.end_of('j')


class Refused(DiskCase):
    """Commands that jobs, or names, do not allow."""

    def setUp(self):
        super().setUp()
        base = self.image('base', MIB)
        mid = self.image('mid', MIB, '-b', base, '-F', 'qcow2')
        tools.io(mid, 'write 0 1M', options=('-f', 'qcow2'))
        top = self.image('top', MIB, '-b', mid, '-F', 'qcow2')
        self.vm = self.machine()
        backing = None
        for name, path in ('base', base), ('mid', mid), ('top', top):
            self.vm.cmd('blockdev-add', {
                'driver': 'qcow2', 'node-name': name, 'backing': backing,
                'file': {'driver': 'file', 'filename': path,
                         'node-name': f'{name}-file'}})
            backing = name

    def commit(self, **more):
        return dict({'job-id': 'j', 'device': 'top', 'top-node': 'mid',
                     'speed': 1}, **more)

    def options(self, backing):
        return {'options': [{'driver': 'qcow2', 'node-name': 'top',
                             'file': 'top-file', 'backing': backing}]}

    def test_name_of_the_filter(self):
        """The job comes first."""
        self.assert_error(self.vm, 'block-commit',
                          self.commit(**{'filter-node-name': '1x'}),
                          "Invalid node-name: '1x'")
        self.assertEqual(jobs.take(self.vm, 'j'), ['created', 'null'])

    def test_write_by_hand_to_a_target(self):
        """A command by hand takes only what it needs; and a refused job
        lets those of its disk pause once more."""
        self.vm.cmd('blockdev-add', {
            'driver': 'null-co', 'node-name': 'new', 'size': MIB})
        self.vm.cmd('blockdev-mirror', job_id='j', device='top', sync='full',
                    target='new')
        jobs.follow(self.vm, 'j', 'READY')
        self.assertEqual(
            self.vm.cmd('human-monitor-command',
                        command_line='qemu-io new "write 0 512"'),
            "Permission conflict on node 'new': permissions 'write' are both "
            'required by an unnamed block device (uses node \'new\' as '
            "'root' child) and unshared by an unnamed block device (uses "
            "node 'new' as 'root' child).\r\n")
        jobs.take(self.vm, 'j')
        self.assert_error(
            self.vm, 'blockdev-backup',
            {'device': 'top', 'target': 'top', 'sync': 'full'},
            'Source and target cannot be the same')
        self.assertEqual(jobs.take(self.vm, 'j'), ['standby', 'ready'] * 2)

    def test_reopen_above_the_filter(self):
        """A filter that nobody named stays; the image below it is meant."""
        self.vm.cmd('block-commit', self.commit(**{'auto-finalize': False}))
        self.assert_error(self.vm, 'blockdev-reopen', self.options(None),
                          'Cannot replace implicit backing child of top')
        self.vm.cmd('blockdev-reopen', self.options('mid'))
        self.vm.cmd('job-cancel', id='j')
        self.end_of('j')


    def test_iothread(self):
        self.vm.cmd('object-add', {'qom-type': 'iothread', 'id': 't'})
        self.vm.cmd('block-commit', self.commit())
        for node in 'top', 'top-file':
            self.assert_error(self.vm, 'x-blockdev-set-iothread',
                              {'node-name': node, 'iothread': 't'},
                              'Cannot change iothread of active block backend')
        self.vm.cmd('job-cancel', id='j')
        self.end_of('j')
        self.vm.cmd('x-blockdev-set-iothread',
                    {'node-name': 'top', 'iothread': 't'})


class Names(DiskCase):

    def test_of_the_disk(self):
        """Texts name it as the user does, or as its device is called."""
        self.start(self.image('disk', MIB))
        self.vm.cmd('blockdev-add', {
            'driver': 'null-co', 'node-name': 'other', 'size': MIB})
        for name in 'disk', 'n0':
            self.assert_error(
                self.vm, 'block-stream',
                {'job-id': 'j', 'device': name, 'base-node': 'other'},
                f"Node 'other' is not a backing image of '{name}'")
            self.assert_error(
                self.vm, 'block-stream',
                {'job-id': 'j', 'device': name, 'bottom': 'other'},
                f"Node 'other' is not in a chain starting from '{name}'")
        self.vm = self.machine(
            '-drive', 'if=none,id=disk,node-name=n0,driver=null-co')
        for name in 'disk', 'n0':
            self.assert_error(
                self.vm, 'block-dirty-bitmap-add',
                {'node': name, 'name': 'b', 'persistent': True},
                "Can't store persistent bitmaps to disk: Operation not "
                'supported')


class Unplugged(DiskCase):
    """A device goes while a job works on its disk."""

    def start_with(self, *disk):
        self.vm = self.machine(
            '-machine', 'pc', *disk, '-device', 'virtio-scsi', '-device',
            'scsi-hd,drive=disk,id=hd')
        self.new = self.image('new', MIB)
        self.vm.cmd('blockdev-add', {
            'driver': 'qcow2', 'node-name': 'new',
            'file': {'driver': 'file', 'filename': self.new}})

    def unplug(self):
        self.vm.cmd('device_del', id='hd')
        self.vm.qmp.event('DEVICE_DELETED')

    def setUp(self):
        super().setUp()
        self.disk = self.image('disk', MIB)
        tools.io(self.disk, 'write 0 1M', options=('-f', 'qcow2'))

    def test_drive(self):
        """What -drive made goes with the device, its jobs end."""
        self.start_with('-drive',
                        f'if=none,id=disk,file={self.disk},format=qcow2')
        self.vm.cmd('blockdev-backup', job_id='j', device='disk', sync='none',
                    target='new')
        self.unplug()
        self.assertEqual(jobs.without_drains(self.end_of('j')), [
            'created', 'running', 'aborting', jobs.cancelled(MIB, 0),
            'concluded', 'null'])
        self.assertEqual(self.vm.cmd('query-block'), [])

    def test_drive_with_a_mirror(self):
        """One that is ready ends well."""
        self.start_with('-drive',
                        f'if=none,id=disk,file={self.disk},format=qcow2')
        self.vm.cmd('blockdev-mirror', job_id='j', device='disk', sync='full',
                    target='new')
        self.vm.qmp.event('BLOCK_JOB_READY')
        self.unplug()
        self.assertEqual(self.end_of('j')[-3:], [
            jobs.completed(MIB, type='mirror'), 'concluded', 'null'])

    def test_node(self):
        """What blockdev-add made stays, and so do its jobs."""
        self.start_with('-blockdev', 'qcow2,node-name=disk,file.driver=file,'
                                     f'file.filename={self.disk}')
        self.vm.cmd('blockdev-backup', job_id='j', device='disk', sync='none',
                    target='new')
        self.unplug()
        self.assertEqual(jobs.take(self.vm, 'j'), [
            'created', 'running'] + ['paused', 'running'] * 4)
        self.vm.cmd('job-cancel', id='j')
        self.end_of('j')


class Ends(DiskCase):
    """Mirrors that end early."""

    def setUp(self):
        super().setUp()
        self.start(self.image('disk', MIB))
        self.guest('write -P 2 0 1M')

    def test_limited(self):
        """What a job with a speed limit does at once, it does to the end."""
        self.vm.cmd('drive-mirror', job_id='j', device='disk', sync='full',
                    target=self.path('new'), format='qcow2', speed=1 << 16)
        self.assertEqual(jobs.query(self.vm, 'j')[0]['total-progress'], MIB)
        self.vm.cmd('job-cancel', id='j')
        self.assertEqual(self.end_of('j')[-3:], [
            jobs.cancelled(MIB, speed=1 << 16, type='mirror'), 'concluded',
            'null'])

    def test_too_short(self):
        """The job's failure comes after the reply to its start."""
        self.image('new', MIB // 2)
        self.vm.cmd('drive-mirror', job_id='j', device='disk', sync='full',
                    target=self.path('new'), format='qcow2', mode='existing')
        self.assertEqual(jobs.take(self.vm, 'j'), ['created', 'running'])
        self.assertEqual(self.end_of('j'), [
            'aborting', jobs.completed(
                0, type='mirror',
                error='Source and target image have different sizes'),
            'concluded', 'null'])


if __name__ == '__main__':
    case.main()
