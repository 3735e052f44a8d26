#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Sets of descriptors: -add-fd, add-fd, remove-fd, query-fdsets, and files
that are named /dev/fdset/N."""

import json
import os
import socket

from lib import case, images
from lib.images import MIB
from lib.machine import MachineCase, run

MODES = {'ro': os.O_RDONLY, 'rw': os.O_RDWR, 'wo': os.O_WRONLY}


class FdSets(MachineCase):

    def setUp(self):
        super().setUp()
        self.image = images.make(self.path('a.img'), MIB, [(0, MIB, 7)])
        self.fds = {}
        for name, mode in MODES.items():
            fd = os.open(self.image, mode)
            self.addCleanup(os.close, fd)
            self.fds[name] = fd

    def vm(self, *args, **kwargs):
        """One whose virtual processors run, if it had any."""
        vm = self.machine('-machine', 'none', *args, **kwargs)
        vm.cmd('cont')
        return vm

    def add(self, vm, kind, **args):
        request = {'execute': 'add-fd', 'arguments': args}
        socket.send_fds(vm.qmp.sock, [json.dumps(request).encode()],
                        [self.fds[kind]])
        return vm.qmp.recv_reply()['return']

    @staticmethod
    def sets(vm):
        """[(set, number of descriptors, texts)] in the order listed."""
        return [(s['fdset-id'], [fd.get('opaque') for fd in s['fds']])
                for s in vm.cmd('query-fdsets')]

    @staticmethod
    def node(name, number, **options):
        return {'driver': 'file', 'node-name': name,
                'filename': f'/dev/fdset/{number}', **options}

    def assert_no_node(self, vm, number, text, **options):
        self.assert_error(vm, 'blockdev-add',
                          self.node('x', number, **options), text)

    def test_numbers_and_order(self):
        vm = self.vm()
        self.assertEqual(vm.cmd('query-fdsets'), [])
        first = self.add(vm, 'ro')
        self.assertEqual(first['fdset-id'], 0)
        self.assertEqual(list(first), ['fd', 'fdset-id'])
        for args, number in (({'fdset-id': 5, 'opaque': 'five'}, 5), ({}, 1),
                             ({'fdset-id': 5}, 5), ({}, 2)):
            self.assertEqual(self.add(vm, 'ro', **args)['fdset-id'], number)
        self.assertEqual(self.sets(vm), [
            (5, ['five', None]), (2, [None]), (1, [None]), (0, [None])])
        vm.cmd('remove-fd', {'fdset-id': 1})
        self.assertEqual(self.add(vm, 'ro')['fdset-id'], 1)

    def test_errors(self):
        vm = self.vm()
        self.assert_error(vm, 'add-fd', {},
                          'No file descriptor supplied via SCM_RIGHTS')
        self.add(vm, 'ro')
        for args, name in (({'fdset-id': 7}, 'fdset-id:7'),
                           ({'fdset-id': 7, 'fd': 1}, 'fdset-id:7, fd:1'),
                           ({'fdset-id': 0, 'fd': 1}, 'fdset-id:0, fd:1')):
            self.assert_error(vm, 'remove-fd', args,
                              f"File descriptor named '{name}' not found")

    def test_access_modes(self):
        vm = self.vm()
        for number, kind in enumerate(MODES):
            self.add(vm, kind, **{'fdset-id': number})
        vm.cmd('blockdev-add', self.node('r', 0, **{'read-only': True}))
        vm.cmd('blockdev-add', self.node('a', 0, **{'auto-read-only': True}))
        vm.cmd('blockdev-add', self.node('w', 1))
        denied = 'Could not dup FD for /dev/fdset/%d flags %x: ' \
                 'Permission denied'
        self.assert_no_node(vm, 0, denied % (0, 2))
        self.assert_no_node(vm, 1, denied % (1, 0), **{'read-only': True})
        self.assert_no_node(vm, 2, denied % (2, 0), **{'read-only': True})
        self.assert_no_node(vm, 2, denied % (2, 2))

    def test_names(self):
        vm = self.vm()
        for name in ('', '-1', '1x', 'x'):
            self.assert_no_node(vm, name,
                                f'Could not parse fdset /dev/fdset/{name}')
        self.assert_no_node(
            vm, 9, 'Could not dup FD for /dev/fdset/9 flags 2: '
            'No such file or directory')

    def test_used_after_removal(self):
        """What was opened stays open, and the set is listed that long."""
        vm = self.vm()
        self.add(vm, 'rw')
        self.add(vm, 'ro', **{'fdset-id': 0})
        vm.cmd('blockdev-add', self.node('n', 0))
        vm.cmd('remove-fd', {'fdset-id': 0})
        self.assertEqual(self.sets(vm), [(0, [])])
        vm.cmd('human-monitor-command',
               {'command-line': 'qemu-io n "write -P 9 0 512"'})
        self.assertEqual(images.read(self.image, 0, 512), b'\x09' * 512)
        vm.cmd('blockdev-del', {'node-name': 'n'})
        self.assertEqual(self.sets(vm), [])

    def test_one_of_several(self):
        vm = self.vm()
        fd = self.add(vm, 'rw', opaque='first')['fd']
        self.add(vm, 'ro', **{'fdset-id': 0, 'opaque': 'second'})
        vm.cmd('remove-fd', {'fdset-id': 0, 'fd': fd})
        self.assertEqual(self.sets(vm), [(0, ['second'])])
        vm.cmd('blockdev-add', self.node('n', 0, **{'read-only': True}))

    def test_stopped_machine_keeps_them(self):
        vm = self.machine('-machine', 'none')
        self.add(vm, 'rw')
        vm.cmd('remove-fd', {'fdset-id': 0})
        self.assertEqual(self.sets(vm), [(0, [None])])
        vm.cmd('cont')
        vm.cmd('remove-fd', {'fdset-id': 0})
        self.assertEqual(self.sets(vm), [])

    def test_they_go_with_the_last_client(self):
        vm = self.vm('-chardev', f'socket,id=c,path={self.path("c")},'
                     'server=on,wait=off', '-mon', 'chardev=c,mode=control')
        self.add(vm, 'rw', opaque='used')
        self.add(vm, 'ro', opaque='unused')
        vm.cmd('blockdev-add', self.node('n', 0))
        one = vm.connect(self.path('c'))
        one.close()
        self.assertEqual(self.sets(vm), [(1, ['unused']), (0, ['used'])])

    def test_files_made(self):
        vm = self.vm()
        self.add(vm, 'rw')
        vm.cmd('blockdev-create', {'job-id': 'j', 'options': {
            'driver': 'file', 'filename': '/dev/fdset/0', 'size': 65536}})
        vm.qmp.event('JOB_STATUS_CHANGE', id='j', status='concluded')
        self.assertNotIn('error', vm.cmd('query-jobs')[0])
        vm.cmd('job-dismiss', id='j')
        self.assertEqual(os.stat(self.image).st_size, 65536)
        vm.cmd('blockdev-create', {'job-id': 'j', 'options': {
            'driver': 'file', 'filename': '/dev/fdset/3', 'size': 65536}})
        vm.qmp.event('JOB_STATUS_CHANGE', id='j', status='concluded')
        self.assertEqual(
            vm.cmd('query-jobs')[0]['error'],
            'Could not dup FD for /dev/fdset/3 flags 42: '
            'No such file or directory')

    # -- the command line

    def test_inherited(self):
        fd, reads = self.fds['rw'], self.fds['ro']
        vm = self.vm('-add-fd', f'fd={fd},set=3,opaque=a,,b',
                     '-add-fd', f'fd={reads},set=3',
                     '-add-fd', f'fd={fd},set=1',
                     '-drive', 'if=none,id=d,format=raw,file=/dev/fdset/3',
                     pass_fds=[fd, reads])
        self.assertEqual(self.sets(vm), [(3, ['a,b', None]), (1, [None])])
        info = vm.cmd('query-block')[0]['inserted']
        self.assertEqual(info['file'], '/dev/fdset/3')
        opened = [os.readlink(f'/proc/{vm.pid}/fd/{name}')
                  for name in os.listdir(f'/proc/{vm.pid}/fd')]
        # three in sets, and that of the drive; not the two inherited
        self.assertEqual(opened.count(os.path.realpath(self.image)), 4)

    def test_refused_options(self):
        fd = self.fds['rw']
        for text, error in (
                ('fd=2,set=1', 'fd cannot be a standard I/O stream'),
                (f'fd={fd}',
                 'set option is required and must be non-negative'),
                ('set=1', 'fd option is required and must be non-negative'),
                ('fd=999,set=1', 'fd is not valid or already in use'),
                (f'fd={fd},set=-1',
                 'set option is required and must be non-negative'),
                ('fd=x,set=1', "Parameter 'fd' expects a number"),
                ('fd=9,set=1,what=1', "Invalid parameter 'what'")):
            done = run('-nodefaults', '-display', 'none', '-machine', 'none',
                       '-add-fd', text, pass_fds=[fd])
            self.assertEqual(
                (done.stderr, done.returncode),
                (f'qemu-system-x86_64: -add-fd {text}: {error}\n', 1))


if __name__ == '__main__':
    case.main()
