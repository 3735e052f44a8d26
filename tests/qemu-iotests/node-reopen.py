#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""blockdev-reopen: new options and children for nodes in use, all or none."""

import threading

from lib import case, exports, images, tools
from lib.case import ours_only
from lib.images import KIB, MIB


class Reopen(case.Case):

    def setUp(self):
        super().setUp()
        self.a = images.make(self.path('a.img'), MIB, [(0, MIB, 1)])
        self.b = images.make(self.path('b.img'), MIB, [(0, MIB, 2)])
        self.vm = self.daemon()

    def add(self, name, driver, **options):
        self.vm.cmd('blockdev-add', self.options(name, driver, **options))

    @staticmethod
    def options(name, driver, **options):
        return {'driver': driver, 'node-name': name,
                **{k.replace('_', '-'): v for k, v in options.items()}}

    def add_disk(self):
        """'disk', raw over the named node 'file'."""
        self.add('file', 'file', filename=self.a)
        self.add('disk', 'raw', file='file')

    def reopen(self, *options):
        self.vm.cmd('blockdev-reopen', {'options': list(options)})

    def reopen_one(self, name, driver, **options):
        self.reopen(self.options(name, driver, **options))

    def refused(self, desc, *options):
        before = self.everything()
        self.assert_error(self.vm, 'blockdev-reopen',
                          {'options': list(options)}, desc)
        self.assertEqual(self.everything(), before)

    def refused_one(self, desc, name, driver, **options):
        self.refused(desc, self.options(name, driver, **options))

    def everything(self):
        return (self.vm.cmd('query-named-block-nodes'),
                self.vm.cmd('x-debug-query-block-graph'))

    def node(self, name):
        for node in self.vm.cmd('query-named-block-nodes'):
            if node['node-name'] == name:
                return node
        return None

    def export(self, name='disk', **options):
        server = exports.Server(self.vm)
        server.add(name, **options)
        return server


class Options(Reopen):

    @ours_only('dies of an assertion')
    def test_none(self):
        self.reopen()

    def test_names(self):
        self.add_disk()
        self.refused('node-name not specified',
                     {'driver': 'raw', 'file': 'file'})
        for name in '', 'x':
            self.refused_one(f"Failed to find node with node-name='{name}'",
                             name, 'raw', file='file')
        self.refused_one("Parameter 'options[0].file' is missing", 'disk',
                         'raw')
        self.refused_one("Cannot change the option 'driver'", 'disk',
                         'null-co')
        self.refused_one("Parameter 'driver' does not accept value 'x'",
                         'disk', 'x')

    def test_types(self):
        self.add_disk()
        self.refused("Invalid parameter type for 'options[0].node-name', "
                     'expected: string', {'driver': 'raw', 'node-name': 5,
                                          'file': 'file'})
        self.refused("Invalid parameter type for 'options[0].file.filename', "
                     'expected: string', self.options(
                         'disk', 'raw', file={'driver': 'file',
                                              'filename': 5}))
        self.refused_one("Invalid parameter type for 'file', expected: "
                         'BlockdevRef', 'disk', 'raw', file=None)

    def test_nothing_new(self):
        self.add_disk()
        before = self.everything()
        self.reopen_one('disk', 'raw', file='file')
        self.reopen_one('file', 'file', filename=self.a)
        self.reopen(self.options('disk', 'raw', file='file'),
                    self.options('disk', 'raw', file='file'))
        self.assertEqual(self.everything(), before)

    def test_fixed(self):
        self.add('n', 'null-co', size=MIB)
        self.refused_one("Option 'size' cannot be reset to its default value",
                         'n', 'null-co')
        for name, value in (('size', MIB + 512), ('latency-ns', 100),
                            ('read-zeroes', True), ('force-share', True)):
            self.refused_one(f"Cannot change the option '{name}'", 'n',
                             'null-co', **{'size': MIB, name: value})
        self.add('f', 'file', filename=self.a, locking='off')
        self.refused_one("Option 'locking' cannot be reset to its default "
                         'value', 'f', 'file', filename=self.a)
        for name, value in (('filename', self.b), ('aio', 'threads'),
                            ('locking', 'auto'), ('aio-max-batch', 3)):
            self.refused_one(
                f"Cannot change the option '{name}'", 'f', 'file',
                **{'filename': self.a, 'locking': 'off', name: value})

    def test_generic(self):
        self.add('n', 'null-co', size=MIB)
        cache = {'writeback': True, 'direct': False, 'no-flush': False}
        for options, ro, zeroes, change in (
                ({'read_only': True}, True, 'off', {}),
                ({}, False, 'off', {}),
                ({'detect_zeroes': 'on'}, False, 'on', {}),
                ({'discard': 'unmap', 'detect_zeroes': 'unmap'}, False,
                 'unmap', {}),
                ({'cache': {'direct': True}}, False, 'off',
                 {'direct': True}),
                ({'cache': {'no-flush': True}}, False, 'off',
                 {'no-flush': True}),
                ({}, False, 'off', {})):
            self.reopen_one('n', 'null-co', size=MIB, **options)
            node = self.node('n')
            self.assertEqual(node['ro'], ro, options)
            self.assertEqual(node['detect_zeroes'], zeroes, options)
            self.assertEqual(node['cache'], dict(cache, **change), options)
        # QEMU remembers the discard=unmap of 'n'.
        self.add('n2', 'null-co', size=MIB)
        self.refused_one(
            'setting detect-zeroes to unmap is not allowed without setting '
            'discard operation to unmap', 'n2', 'null-co', size=MIB,
            detect_zeroes='unmap')

    def test_direct(self):
        """Reads and writes of any alignment go on with O_DIRECT."""
        self.add_disk()
        guest = self.export().connect('disk')
        for direct in True, False, True:
            self.reopen_one('file', 'file', filename=self.a,
                            cache={'direct': direct})
            self.assertEqual(self.node('file')['cache']['direct'], direct)
            guest.pwrite(b'abc', 4095)
            self.assertEqual(guest.pread(5, 4094), b'\1abc\1')
            guest.pwrite(b'\1\1\1', 4095)
        exports.disconnect(guest)

    def test_window(self):
        self.add_disk()
        self.reopen_one('disk', 'raw', file='file', offset=512, size=1024)
        node = self.node('disk')
        self.assertEqual(node['image']['virtual-size'], 1024)
        self.assertTrue(node['file'].startswith('json:'), node['file'])
        self.refused_one(
            'Offset (2097152) cannot be greater than size of the containing '
            'file (1048576)', 'disk', 'raw', file='file', offset=2 * MIB)
        self.refused_one("Parameter 'offset' expects a non-negative number "
                         'below 2^64', 'disk', 'raw', file='file', offset=-1)
        self.reopen_one('disk', 'raw', file='file', offset=MIB - 512)
        self.assertEqual(self.node('disk')['image']['virtual-size'], 512)
        self.reopen_one('disk', 'raw', file='file')
        node = self.node('disk')
        self.assertEqual(node['image']['virtual-size'], MIB)
        self.assertEqual(node['file'], self.a)

    def test_window_moves_under_a_client(self):
        self.add('file', 'file', filename=self.path('a.img'))
        self.add('disk', 'raw', file='file', size=4096)
        guest = self.export().connect('disk')
        guest.pwrite(b'first', 0)
        self.reopen_one('disk', 'raw', file='file', offset=4096, size=4096)
        self.assertEqual(guest.pread(5, 0), b'\1' * 5)
        guest.pwrite(b'second', 0)
        exports.disconnect(guest)
        data = images.read(self.a)
        self.assertEqual((data[:5], data[4096:4102]), (b'first', b'second'))


class ReadOnly(Reopen):

    def test_users(self):
        self.add_disk()
        server = self.export()
        text = "Read-only block node '{}' cannot support read-write users"
        disk = self.options('disk', 'raw', file='file', read_only=True)
        file = self.options('file', 'file', filename=self.a, read_only=True)
        self.refused(text.format('disk'), disk)
        self.refused(text.format('file'), file)
        self.refused(text.format('disk'), disk, file)
        self.vm.cmd('nbd-server-stop')
        del server
        self.reopen(disk, file)
        self.assertTrue(self.node('disk')['ro'])
        self.assertTrue(self.node('file')['ro'])

    def test_back_and_forth(self):
        self.add_disk()
        server = exports.Server(self.vm)
        args = {'type': 'nbd', 'id': 'e', 'node-name': 'disk',
                'writable': True}
        disk = self.options('disk', 'raw', file='file')
        file = self.options('file', 'file', filename=self.a)
        ro = {'read-only': True}
        self.reopen(dict(disk, **ro), dict(file, **ro))
        self.assert_error(self.vm, 'block-export-add', args,
                          'Cannot export read-only node as writable')
        self.reopen(disk)
        self.assert_error(self.vm, 'block-export-add', args,
                          'Block node is read-only')
        self.reopen(file)
        self.vm.cmd('block-export-add', args)
        guest = server.connect('disk')
        guest.pwrite(b'new', 0)
        exports.disconnect(guest)
        self.assertEqual(images.read(self.a)[:4], b'new\1')

    def test_inline_child_follows(self):
        self.add('disk', 'raw', file={'driver': 'file', 'node-name': 'f',
                                      'filename': self.a})
        self.reopen_one('disk', 'raw', file='f', read_only=True)
        self.assertTrue(self.node('f')['ro'])
        self.reopen_one('disk', 'raw', read_only=False,
                        file={'driver': 'file', 'node-name': 'f',
                              'filename': self.a, 'read-only': False})
        self.assertFalse(self.node('f')['ro'])
        self.reopen_one('disk', 'raw', cache={'no-flush': True}, file={
            'driver': 'file', 'filename': self.a})
        self.assertTrue(self.node('f')['cache']['no-flush'])


class Children(Reopen):

    def test_inline(self):
        self.add('disk', 'raw', file={'driver': 'file', 'node-name': 'f',
                                      'filename': self.a})
        for desc, file in (
                ("Cannot change the option 'filename'",
                 {'driver': 'file', 'filename': self.b}),
                ("Option 'filename' cannot be reset to its default value",
                 {'driver': 'null-co'}),
                ("Cannot change the option 'node-name'",
                 {'driver': 'file', 'filename': self.a, 'node-name': 'x'}),
                ("Cannot change the option 'locking'",
                 {'driver': 'file', 'filename': self.a, 'node-name': 'f',
                  'locking': 'off'})):
            self.refused_one(desc, 'disk', 'raw', file=file)

    def test_named_child_has_no_options_here(self):
        self.add_disk()
        for file in {'driver': 'null-co'}, {'driver': 'file',
                                            'node-name': 'file',
                                            'filename': self.a}:
            self.refused_one("Cannot change the option 'file.driver'",
                             'disk', 'raw', file=file)

    def test_missing(self):
        self.add_disk()
        for name in 'x', '':
            self.refused_one(f"Cannot find device='' nor node-name='{name}'",
                             'disk', 'raw', file=name)

    def test_replace(self):
        self.add_disk()
        self.add('other', 'file', filename=self.b)
        self.reopen_one('disk', 'raw', file='other')
        self.assertEqual(self.node('disk')['file'], self.b)
        self.vm.cmd('blockdev-del', node_name='file')
        self.assert_error(self.vm, 'blockdev-del', {'node-name': 'other'},
                          'Block device other is in use')

    def test_inline_child_goes(self):
        self.add('disk', 'raw', file={'driver': 'file', 'node-name': 'f',
                                      'filename': self.a})
        self.add('other', 'file', filename=self.b)
        self.reopen_one('disk', 'raw', file='other')
        self.assertIsNone(self.node('f'))
        self.refused_one("Cannot find device='' nor node-name='f'", 'disk',
                         'raw', file='f')

    def test_other_sizes(self):
        self.add_disk()
        self.add('small', 'null-co', size=512 * KIB)
        self.add('large', 'null-co', size=2 * MIB)
        self.add('above', 'raw', file='disk')
        for name, size in (('small', 512 * KIB), ('large', 2 * MIB),
                           ('file', MIB)):
            self.reopen_one('disk', 'raw', file=name)
            for node in 'disk', 'above':
                self.assertEqual(self.node(node)['image']['virtual-size'],
                                 size)

    def test_read_only_child(self):
        self.add_disk()
        self.add('ro', 'null-co', size=MIB, read_only=True)
        server = self.export()
        self.refused_one('Block node is read-only', 'disk', 'raw', file='ro')
        del server

    def test_cycles(self):
        self.add_disk()
        self.add('mid', 'raw', file='file')
        self.refused_one("Making 'disk' a file child of 'disk' would create a "
                         'cycle', 'disk', 'raw', file='disk')
        self.reopen_one('disk', 'raw', file='mid')
        self.refused_one("Making 'disk' a file child of 'mid' would create a "
                         'cycle', 'mid', 'raw', file='disk')
        # Out and in at another place, at once.
        self.reopen(self.options('disk', 'raw', file='file'),
                    self.options('mid', 'raw', file='disk'))
        self.reopen_one('mid', 'raw', file='file')

    def test_order_of_checks(self):
        """What is behind is looked at before the file, and the node's own
        words before what is not said."""
        for name in ('low', 'high'):
            tools.img('create', '-q', '-f', 'qcow2',
                      self.path(f'{name}.qcow2'), str(MIB))
            self.add(f'{name}-file', 'file',
                     filename=self.path(f'{name}.qcow2'))
        self.add('low', 'qcow2', file='low-file')
        self.add('high', 'qcow2', file='high-file', backing='low')
        high = ('high', 'qcow2')
        self.refused_one("Making 'high' a backing child of 'high' would "
                         'create a cycle', *high, file='high', backing='high')
        self.refused_one('setting detect-zeroes to unmap is not allowed '
                         'without setting discard operation to unmap',
                         *high, file='high-file', detect_zeroes='unmap')
        self.refused_one("backing is missing for 'high'", *high,
                         file='high-file')

    def test_all_or_none(self):
        self.add_disk()
        self.add('other', 'file', filename=self.b)
        self.add('n', 'null-co', size=MIB)
        self.export()
        good = [self.options('disk', 'raw', file='other', offset=512),
                self.options('file', 'file', filename=self.a,
                             cache={'direct': True, 'no-flush': True}),
                self.options('other', 'file', filename=self.b,
                             discard='unmap', detect_zeroes='unmap')]
        self.refused("Cannot change the option 'size'", *good,
                     self.options('n', 'null-co', size=512))
        self.refused("Read-only block node 'other' cannot support read-write "
                     'users', *good[:2], self.options(
                         'other', 'file', filename=self.b, read_only=True))
        self.refused('Offset (2097152) cannot be greater than size of the '
                     'containing file (1048576)', *good[1:], self.options(
                         'disk', 'raw', file='other', offset=2 * MIB))

    def test_insert_and_remove_under_writes(self):
        """A node comes above the file and goes, while a client writes."""
        self.add_disk()
        server = self.export()
        stop = threading.Event()
        failures = []

        def write():
            guest = server.connect('disk')
            number = 0
            try:
                while not stop.is_set():
                    data = bytes([number % 251]) * 4096
                    offset = number % 64 * 4096
                    guest.pwrite(data, offset)
                    if guest.pread(4096, offset) != data:
                        failures.append(number)
                    number += 1
            except exports.nbd.Error as error:
                failures.append(error)
            exports.disconnect(guest)

        writer = threading.Thread(target=write)
        writer.start()
        try:
            for _ in range(20):
                self.add('mid', 'raw', file='file')
                self.reopen_one('disk', 'raw', file='mid')
                self.reopen_one('disk', 'raw', file='file')
                self.vm.cmd('blockdev-del', node_name='mid')
        finally:
            stop.set()
            writer.join()
        self.assertEqual(failures, [])

    @ours_only('lets the size change under the job')
    def test_job_in_the_way(self):
        self.add_disk()
        self.add('small', 'null-co', size=512 * KIB)
        self.add('copy', 'null-co', size=MIB)
        self.vm.cmd('blockdev-backup', {
            'job-id': 'job', 'device': 'disk', 'target': 'copy',
            'sync': 'full', 'speed': 1,
            'x-perf': {'max-workers': 1, 'max-chunk': 64 * KIB}})
        error = self.assert_qmp_fails(self.vm, 'blockdev-reopen', {
            'options': [self.options('disk', 'raw', file='small')]})
        self.assertRegex(error.desc, r"^Node '.*' is busy: ")
        self.vm.cmd('block-job-cancel', {'device': 'job', 'force': True})
        self.vm.qmp.event('BLOCK_JOB_CANCELLED')


if __name__ == '__main__':
    case.main()
