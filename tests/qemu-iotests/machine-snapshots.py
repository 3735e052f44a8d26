#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Snapshots of a machine with all its disks: savevm, loadvm, delvm, -loadvm,
and the jobs snapshot-save, snapshot-load and snapshot-delete."""

import re

from lib import case, hmp, images, machine, tools
from lib.images import MIB

HEADER = ('ID        TAG               VM SIZE                DATE     '
          'VM CLOCK     ICOUNT\n')
NO_KEEPER = 'no block device can store vmstate for snapshot'
ABLE = "Device '{}' is writable but does not support snapshots"
MISSING = "Snapshot '{}' does not exist in one or more devices"


class Snapshots(machine.MachineCase):

    def setUp(self):
        super().setUp()
        for name in 'ab':
            tools.img('create', '-q', '-f', 'qcow2',
                      self.path(name + '.qcow2'), '64M')
        images.make(self.path('raw.img'), MIB)

    def start(self, *args):
        self.vm = self.machine('-machine', 'none', *args)

    def start_nodes(self):
        self.start('-blockdev', 'driver=qcow2,node-name=a,file.driver=file,'
                   'file.filename=a.qcow2', '-blockdev',
                   'driver=qcow2,node-name=b,file.driver=file,'
                   'file.filename=b.qcow2', '-blockdev',
                   'driver=raw,node-name=r,file.driver=file,'
                   'file.filename=raw.img')

    def start_drives(self, *args):
        self.start('-drive', 'if=none,id=d0,file=a.qcow2,format=qcow2',
                   '-drive', 'if=none,id=d1,file=b.qcow2,format=qcow2', *args)

    def says(self, line, text=''):
        with self.subTest(line=line):
            self.assertEqual(hmp.run(self.vm, line),
                             f'Error: {text}\n' if text else '')

    def listed(self):
        """What info snapshots says, sizes and dates left out."""
        text = hmp.run(self.vm, 'info snapshots').replace(HEADER, '')
        return re.sub(r' +\d.*', '', text)

    def write(self, disk, pattern):
        self.says(f'qemu-io {disk} "write -q -P {pattern} 0 64k"')

    def begins_with(self, name, pattern):
        out = tools.io(self.path(name + '.qcow2'),
                       f'read -q -P {pattern} 0 64k',
                       options=('-r', '-f', 'qcow2')).stdout
        self.assertEqual(out, '')

    def checked(self):
        """The images are sound when the machine has ended."""
        self.vm.quit()
        for name in 'ab':
            tools.img('check', '-q', self.path(name + '.qcow2'))

    # -- HMP

    def test_there_and_back(self):
        self.start_drives()
        self.write('d0', 1)
        self.write('d1', 2)
        self.says('savevm one')
        self.write('d0', 3)
        self.says('savevm two')
        self.write('d1', 4)
        self.says('loadvm one')
        self.assertEqual(self.listed(), 'List of snapshots present on all '
                         'disks:\n--        one\n--        two\n')
        self.vm.quit()
        self.begins_with('a', 1)
        self.begins_with('b', 2)
        self.start_drives('-loadvm', 'two')
        self.assertEqual(self.vm.cmd('query-status')['status'], 'prelaunch')
        self.vm.quit()
        self.begins_with('a', 3)
        self.begins_with('b', 2)
        self.start_drives()
        self.says('delvm one')
        self.says('delvm one')
        self.says('loadvm one', MISSING.format('one'))
        self.says('loadvm two')
        self.checked()

    def test_names(self):
        self.start_drives()
        self.says('savevm x')
        self.says('savevm x')
        self.says('savevm')
        names = self.listed().splitlines()[1:]
        self.assertEqual(names[0], '--        x')
        self.assertRegex(names[1], r'^--        vm-\d{14}$')
        self.says(f'delvm {names[1].split()[1]}')
        info = self.vm.cmd('query-block')
        states = [b['inserted']['image']['snapshots'][0]['vm-state-size']
                  for b in info]
        self.assertGreater(states[0], 0)
        self.assertEqual(states[1], 0)
        self.checked()

    def test_partial(self):
        tools.img('snapshot', '-c', 'disk', self.path('a.qcow2'))
        self.start_drives()
        self.says('savevm x')
        self.assertEqual(self.listed(),
                         'List of snapshots present on all disks:\n'
                         '--        x\n\nList of partial (non-loadable) '
                         "snapshots on 'd0':\n1         disk\n")
        self.says('loadvm disk', MISSING.format('disk'))
        self.vm.cmd('block-dirty-bitmap-add', node='d1', name='bm')
        self.says('loadvm x', "Could not load snapshot 'x' on 'd1': Device "
                  'has active dirty bitmaps')

    def test_disk_only(self):
        for name in 'ab':
            tools.img('snapshot', '-c', 'disk', self.path(name + '.qcow2'))
        self.start_drives()
        self.says('loadvm disk', 'This is a disk-only snapshot. Revert to it '
                  ' offline using qemu-img')

    def test_who_takes_part(self):
        """Not what is read-only, nor what another node stands on."""
        node = 'driver=qcow2,node-name={},file.driver=file,file.filename={}'
        for args, text in (
                ([], NO_KEEPER),
                (['-drive', 'if=none,id=x'], NO_KEEPER),
                (['-drive', 'if=none,id=x,driver=null-co'], ABLE.format('x')),
                (['-blockdev', 'driver=null-co,node-name=n'],
                 ABLE.format('n')),
                (['-blockdev', node.format('a', 'a.qcow2'), '-blockdev',
                  'driver=null-co,node-name=n,read-only=on'], ''),
                (['-blockdev', node.format('a', 'a.qcow2'), '-blockdev',
                  'driver=copy-on-read,node-name=c,file=a'], ''),
                (['-blockdev', node.format('a', 'a.qcow2') + ',read-only=on'],
                 NO_KEEPER)):
            with self.subTest(args=args):
                self.start(*args)
                self.says('savevm s', text)
                self.says('loadvm s', text)
                self.says('delvm s', '' if text == NO_KEEPER else text)
                self.vm.quit()

    def test_running(self):
        """It stands still meanwhile; if loading fails, for good."""
        self.start_drives()
        self.vm.cmd('cont')
        self.vm.qmp.event('RESUME')
        for line in 'savevm s', 'loadvm s':
            self.says(line)
            self.vm.qmp.event('STOP')
            self.vm.qmp.event('RESUME')
        self.assertTrue(self.vm.cmd('query-status')['running'])
        self.says('loadvm no', MISSING.format('no'))
        self.vm.qmp.event('STOP')
        self.assertEqual(self.vm.cmd('query-status')['status'], 'restore-vm')

    def test_loadvm_refused(self):
        self.assertEqual(
            self.refused('-machine', 'none', '-drive',
                         'if=none,id=d0,file=a.qcow2,format=qcow2', '-S',
                         '-loadvm', 'no'), MISSING.format('no'))

    @case.ours_only('runs a guest')
    def test_foreign(self):
        """The state of a guest is not taken for that of none."""
        self.start_drives()
        self.says('savevm s')
        self.vm.quit()
        # The table of snapshots is at what byte 64 of the header says; the
        # first one's size of the state is 40 bytes behind.
        with open(self.path('a.qcow2'), 'r+b') as f:
            f.seek(64)
            f.seek(int.from_bytes(f.read(8), 'big') + 40)
            f.write((765).to_bytes(8, 'big'))
        self.start_drives()
        self.says('loadvm s', "Snapshot 's' has the state of a guest, and "
                  'this machine has none. Revert to it offline using '
                  'qemu-img')

    # -- jobs

    def job(self, command, ident, **args):
        """Runs to its end; the error, if any."""
        self.vm.cmd('snapshot-' + command, {'job-id': ident, **args})
        self.vm.qmp.event('JOB_STATUS_CHANGE', id=ident, status='concluded')
        info = next(j for j in self.vm.cmd('query-jobs')
                    if j['id'] == ident)
        self.vm.cmd('job-dismiss', id=ident)
        self.assertEqual((info['type'], info['current-progress'],
                          info['total-progress']),
                         ('snapshot-' + command, 1, 1))
        return info.get('error')

    def test_jobs(self):
        self.start_nodes()
        both = {'devices': ['a', 'b']}
        self.write('a', 1)
        self.assertIsNone(self.job('save', 'j', tag='t', vmstate='a', **both))
        self.write('a', 2)
        self.assertIsNone(self.job('load', 'j', tag='t', vmstate='a', **both))
        self.assertIsNone(self.job('save', 'j', tag='u', vmstate='b', **both))
        self.assertIsNone(self.job('delete', 'j', tag='t', devices=['b']))
        self.assertEqual(self.job('load', 'j', tag='t', vmstate='a', **both),
                         MISSING.format('t'))
        self.assertIsNone(self.job('load', 'j', tag='t', vmstate='a',
                                   devices=['a']))
        self.checked()
        self.begins_with('a', 1)

    def test_job_errors(self):
        self.start_nodes()
        self.assertIsNone(self.job('save', 'j', tag='t', vmstate='a',
                                   devices=['a', 'b']))
        taken = "Snapshot 't' already exists in one or more devices"
        absent = "vmstate block device '{}' does not exist"
        for command, tag, vmstate, devices, text in (
                ('save', 't', 'a', ['a'], taken),
                ('save', 't', 'no', ['a'], taken),
                ('save', 'u', 'no', ['a'], absent.format('no')),
                ('save', 'u', 'a', ['b'], absent.format('a')),
                ('save', 'u', 'a', ['no'], "No block device node 'no'"),
                ('save', 'u', 'r', ['r'], ABLE.format('r')),
                ('save', 'u', 'a', [],
                 'At least one device is required for snapshot'),
                ('load', 't', 'b', ['a'], absent.format('b')),
                ('load', 't', 'b', ['a', 'b'], 'This is a disk-only snapshot. '
                 'Revert to it  offline using qemu-img'),
                ('load', 'no', 'a', ['a'], MISSING.format('no')),
                ('delete', 'no', None, ['a'], None),
                ('delete', 't', None, ['r'], ABLE.format('r'))):
            args = {'tag': tag, 'devices': devices}
            if vmstate:
                args['vmstate'] = vmstate
            with self.subTest(command=command, args=args):
                self.assertEqual(self.job(command, 'j', **args), text)
        self.assert_error(self.vm, 'snapshot-delete',
                          {'job-id': '0', 'tag': 't', 'devices': ['a']},
                          "Invalid job ID '0'")

    def test_events(self):
        """What a running machine tells comes before the reply, the job's end
        after it."""
        self.start_nodes()
        self.vm.cmd('cont')
        self.vm.qmp.event('RESUME')
        self.vm.cmd('snapshot-save', {'job-id': 'j', 'tag': 't',
                                      'vmstate': 'a', 'devices': ['a']})
        told = [e.get('data', {}).get('status', e['event'])
                for e in self.vm.qmp.events]
        self.assertEqual(told[:4], ['created', 'running', 'STOP', 'RESUME'])
        self.vm.qmp.event('JOB_STATUS_CHANGE', id='j', status='concluded')
        told = [e.get('data', {}).get('status', e['event'])
                for e in self.vm.qmp.events]
        self.assertEqual(told[4:], ['waiting', 'pending'])


if __name__ == '__main__':
    case.main()
