#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""host_device: devices of the host. What needs a block device makes loop
devices, for which the tests must be run by root."""

import os
import subprocess
import unittest

from lib import case, images, tools
from lib.images import MIB


def may_have_loop_devices():
    """Whether the kernel and our user let us make one."""
    return os.access('/dev/loop-control', os.W_OK) and os.geteuid() == 0


def add(vm, name, filename, **options):
    return vm.execute('blockdev-add', {
        'driver': 'host_device', 'node-name': name, 'filename': filename,
        **{k.replace('_', '-'): v for k, v in options.items()}})


class HostDevice(case.Case):

    def test_not_a_device(self):
        image = images.make(self.path('a.img'), MIB)
        vm = self.daemon()
        text = ("'host_device' driver requires '%s' to be either a character "
                'or block device')
        for options, desc in (
                ({'filename': image}, text % image),
                ({'filename': self.dir, 'read-only': True}, text % self.dir),
                ({'filename': self.dir},
                 f"Could not open '{self.dir}': Is a directory"),
                ({'filename': '/no/such'},
                 "Could not open '/no/such': No such file or directory"),
                ({'filename': ''},
                 "The 'host_device' block driver requires a file name"),
                ({'filename': '/dev/null', 'aio': 'native'},
                 'aio=native was specified, but it requires cache.direct=on, '
                 'which was not specified.')):
            self.assert_error(vm, 'blockdev-add', {
                'driver': 'host_device', 'node-name': 'd', **options}, desc)
        self.assert_error(
            vm, 'blockdev-add',
            {'driver': 'file', 'node-name': 'd', 'filename': '/dev/null'},
            "'file' driver requires '/dev/null' to be a regular file")

    def test_character_device(self):
        vm = self.daemon()
        self.assertEqual(add(vm, 'd', '/dev/null'), {'return': {}})
        node, = vm.cmd('query-named-block-nodes')
        self.assertEqual((node['drv'], node['file'],
                          node['image']['virtual-size']),
                         ('host_device', '/dev/null', 0))


@unittest.skipUnless(may_have_loop_devices(), 'loop devices need root')
class Loop(case.Case):

    def setUp(self):
        super().setUp()
        self.image = images.make(self.path('a.img'), MIB, [(0, MIB, 5)])
        self.device = self.loop(self.image)

    def loop(self, image, *options):
        """A loop device on IMAGE, for the length of the test."""
        path = subprocess.check_output(
            ['/sbin/losetup', '-f', '--show', *options, image],
            text=True).strip()
        self.addCleanup(subprocess.check_call, ['/sbin/losetup', '-d', path])
        return path

    def io(self, *commands, options=(), **kwargs):
        return tools.io(self.device, *commands,
                        options=('-f', 'host_device', '-d', 'unmap',
                                 *options), **kwargs)

    def test_read_write(self):
        for cache in ('writeback', 'none'):
            self.io('write -P 1 512 512', 'write -P 2 70000 5',
                    'read -P 1 512 512', 'read -P 5 1024 4k',
                    'read -P 2 70000 5', 'read -P 5 70005 10', 'flush',
                    options=('-t', cache))
        self.assertEqual(images.read(self.image, 69999, 7),
                         b'\5' + b'\2' * 5 + b'\5')

    def test_zeroes_and_discard(self):
        for cache in ('writeback', 'none'):
            images.fill(self.image, 0, MIB, 5)
            self.io('write -P 5 0 1M', 'write -z 0 64k', 'write -zu 64k 64k',
                    'discard 128k 64k', 'write -z 200001 5', 'flush',
                    'read -P 0 0 128k', 'read -P 5 192k 1k',
                    'read -P 5 200000 1', 'read -P 0 200001 5',
                    'read -P 5 200006 10', options=('-t', cache))
        # The loop device makes holes of them.
        self.assertLess(images.allocated_bytes(self.image), MIB)

    def test_end(self):
        done = self.io('read -P 5 1048064 512', 'read 1M 512', check=False)
        self.assertIn('read failed: Input/output error', done.stdout)

    def test_query_and_resize(self):
        vm = self.daemon()
        add(vm, 'd', self.device, cache={'direct': True})
        node, = vm.cmd('query-named-block-nodes')
        self.assertEqual(node['image'], {
            'filename': self.device, 'format': 'host_device',
            'virtual-size': MIB, 'actual-size': 0, 'dirty-flag': False})
        self.assert_error(vm, 'block_resize',
                          {'node-name': 'd', 'size': 2 * MIB},
                          'Cannot grow device files')
        vm.cmd('blockdev-add', {'driver': 'raw', 'node-name': 'r',
                                'file': 'd'})
        # Less than it has is granted, and changes nothing.
        for name in 'd', 'r':
            for size in MIB, MIB // 2, 0:
                vm.cmd('block_resize', {'node-name': name, 'size': size})
                for node in vm.cmd('query-named-block-nodes'):
                    self.assertEqual(node['image']['virtual-size'], MIB)

    def test_all_of_it_is_data(self):
        self.io('write -z 0 64k')
        done = tools.img('map', '--output=json', '-f', 'raw', self.device)
        self.assertEqual(
            done.stdout.strip(),
            '[{ "start": 0, "length": 1048576, "depth": 0, "present": true, '
            '"zero": false, "data": true, "offset": 0}]')

    def test_tools_know_a_device(self):
        done = tools.img('info', '-f', 'raw', self.device)
        self.assertIn('virtual size: 1 MiB', done.stdout)
        self.assertEqual(
            tools.io(self.device, 'length').stdout, '1 MiB\n')

    def test_read_only_device(self):
        device = self.loop(self.image, '-r')
        vm = self.daemon()
        self.assert_error(
            vm, 'blockdev-add', {'driver': 'host_device', 'node-name': 'd',
                                 'filename': device},
            'The device is not writable: Permission denied')
        self.assertEqual(add(vm, 'd', device, auto_read_only=True),
                         {'return': {}})
        self.assertEqual(add(vm, 'e', device, read_only=True),
                         {'return': {}})


if __name__ == '__main__':
    case.main()
