#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Nodes: blockdev-add, blockdev-del, what the queries say about them."""

import json
import os

from lib import case, images, order, tools
from lib.case import ours_only
from lib.images import KIB, MIB

NO_LIMITS = {'bps': 0, 'bps_rd': 0, 'bps_wr': 0,
             'iops': 0, 'iops_rd': 0, 'iops_wr': 0}


class Nodes(case.Case):

    def setUp(self):
        super().setUp()
        self.image = images.make(self.path('a.img'), MIB, [(0, 64 * KIB, 1)])
        self.vm = self.daemon()

    def add(self, **options):
        self.vm.cmd('blockdev-add', options)

    def add_file(self, name='f', **options):
        self.add(driver='file', filename=self.image,
                 **{'node-name': name}, **options)

    def assert_refused(self, desc, **options):
        self.assert_error(self.vm, 'blockdev-add', options, desc)

    def nodes(self, **args):
        return self.vm.cmd('query-named-block-nodes', args)

    def names(self):
        return [node['node-name'] for node in self.nodes()]

    def node(self, name):
        found = [n for n in self.nodes() if n['node-name'] == name]
        self.assertEqual(len(found), 1, name)
        return found[0]

    # -- queries

    def test_nothing_there(self):
        self.assertEqual(self.nodes(), [])
        self.assertEqual(self.nodes(flat=True), [])
        self.assertEqual(self.vm.cmd('query-block'), [])

    def test_file(self):
        self.add_file()
        self.assertEqual(self.node('f'), dict(NO_LIMITS, **{
            'node-name': 'f', 'drv': 'file', 'ro': False,
            'file': self.image, 'encrypted': False, 'write_threshold': 0,
            'detect_zeroes': 'off', 'backing_file_depth': 0,
            'cache': {'direct': False, 'no-flush': False,
                      'writeback': True},
            'image': {'virtual-size': MIB, 'filename': self.image,
                      'format': 'file', 'dirty-flag': False,
                      'actual-size': images.allocated_bytes(self.image)}}))

    def test_line(self):
        self.add_file()
        self.vm.qmp.send_raw('{"execute": "query-named-block-nodes"}')
        line = self.vm.qmp.recv_line().decode()
        self.assertIsNone(order.find_disorder(line))
        self.assertEqual(line, (
            '{"return": [{"iops_rd": 0, "detect_zeroes": "off", "image": {'
            '"virtual-size": 1048576, "filename": "%s", "format": "file", '
            '"actual-size": %d, "dirty-flag": false}, "iops_wr": 0, "ro": '
            'false, "node-name": "f", "backing_file_depth": 0, "drv": "file"'
            ', "iops": 0, "bps_wr": 0, "write_threshold": 0, "encrypted": '
            'false, "bps": 0, "bps_rd": 0, "cache": {"no-flush": false, '
            '"direct": false, "writeback": true}, "file": "%s"}]}') % (
                self.image, images.allocated_bytes(self.image), self.image))

    def test_raw(self):
        self.add_file()
        self.add(driver='raw', file='f', **{'node-name': 'r'})
        child = self.node('f')
        node = self.node('r')
        self.assertEqual(node['image'].pop('format'), 'raw')
        child['image'].pop('format')
        self.assertEqual(node, dict(child, drv='raw', **{'node-name': 'r'}))

    def test_null(self):
        self.add(driver='null-co', size=4096, **{'node-name': 'n'})
        node = self.node('n')
        name = 'json:{"driver": "null-co", "size": 4096}'
        self.assertEqual(node['file'], name)
        self.assertEqual(node['image'], {
            'virtual-size': 4096, 'actual-size': 0, 'format': 'null-co',
            'filename': name})
        self.add(driver='null-co', **{'node-name': 'n2'})
        self.assertEqual(self.node('n2')['image']['virtual-size'], 1 << 30)
        self.add(driver='null-co', size=0, **{'node-name': 'n3'})
        self.assertEqual(self.node('n3')['image']['virtual-size'], 0)

    def test_newest_first(self):
        for name in 'a', 'b', 'c':
            self.add(driver='null-co', **{'node-name': name})
        self.assertEqual(self.names(), ['c', 'b', 'a'])
        self.vm.cmd('blockdev-del', node_name='b')
        self.assertEqual(self.names(), ['c', 'a'])
        self.add(driver='raw', file={'driver': 'null-co'},
                 **{'node-name': 'r'})
        names = self.names()
        self.assertEqual([names[0]] + names[2:], ['r', 'c', 'a'])
        self.assertRegex(names[1], r'^#block\d+$')

    def test_flat_and_nested(self):
        self.add_file()
        self.add(driver='raw', file='f', **{'node-name': 'r'})
        self.assertEqual(self.nodes(), self.nodes(flat=False))
        self.assertEqual(self.nodes(), self.nodes(flat=True))

    def test_query_block_shows_no_bare_nodes(self):
        self.add_file()
        self.assertEqual(self.vm.cmd('query-block'), [])

    def test_cache(self):
        self.add_file('a', cache={'direct': True})
        self.add_file('b', cache={'no-flush': True})
        self.add(driver='raw', file='a', **{'node-name': 'c'})
        self.assertEqual(self.node('a')['cache'], {
            'direct': True, 'no-flush': False, 'writeback': True})
        self.assertEqual(self.node('b')['cache'], {
            'direct': False, 'no-flush': True, 'writeback': True})
        self.assertEqual(self.node('c')['cache'], {
            'direct': False, 'no-flush': False, 'writeback': True})

    def test_read_only(self):
        self.add_file('a', **{'read-only': True})
        self.assertTrue(self.node('a')['ro'])
        self.add(driver='raw', **{
            'node-name': 'r', 'read-only': True,
            'file': {'driver': 'file', 'node-name': 'rf',
                     'filename': self.image}})
        self.assertTrue(self.node('r')['ro'])
        self.assertTrue(self.node('rf')['ro'])

    def test_read_only_file(self):
        os.chmod(self.image, 0o444)
        self.add_file('a', **{'read-only': True})
        self.add_file('b', **{'auto-read-only': True})
        self.assertTrue(self.node('a')['ro'])

    def test_detect_zeroes(self):
        self.add_file('a', **{'detect-zeroes': 'on'})
        self.add_file('b', **{'detect-zeroes': 'unmap', 'discard': 'unmap'})
        self.assertEqual(self.node('a')['detect_zeroes'], 'on')
        self.assertEqual(self.node('b')['detect_zeroes'], 'unmap')

    # -- raw's window

    def test_window(self):
        self.add(driver='raw', offset=512, size=1024, **{
            'node-name': 'r',
            'file': {'driver': 'file', 'filename': self.image}})
        node = self.node('r')
        self.assertEqual(node['image']['virtual-size'], 1024)
        self.assertEqual(node['image']['actual-size'],
                         images.allocated_bytes(self.image))
        self.assertEqual(node['file'], 'json:{"offset": 512, "driver": "raw"'
                         ', "size": 1024, "file": {"driver": "file", '
                         f'"filename": "{self.image}"}}}}')
        self.assertEqual(json.loads(node['file'][5:])['offset'], 512)

    def test_window_sizes(self):
        self.add_file()
        for number, (options, size) in enumerate((
                ({'offset': 0}, MIB), ({'size': 512}, 512),
                ({'offset': 4096}, MIB - 4096), ({'offset': MIB}, 0),
                ({'offset': MIB - 512, 'size': 512}, 512),
                ({'size': MIB}, MIB))):
            name = f'r{number}'
            self.add(driver='raw', file='f', **{'node-name': name}, **options)
            self.assertEqual(self.node(name)['image']['virtual-size'], size,
                             options)

    def test_window_outside(self):
        self.add_file()
        raw = {'driver': 'raw', 'node-name': 'r', 'file': 'f'}
        self.assert_refused('Specified size is not multiple of 512',
                            size=513, **raw)
        self.assert_refused(
            'Offset (2097152) cannot be greater than size of the containing '
            'file (1048576)', offset=2 * MIB, **raw)
        for offset, size in (512, MIB), (0, 2 * MIB), (MIB, 512):
            self.assert_refused(
                f'The sum of offset ({offset}) and size ({size}) has to be '
                'smaller or equal to the  actual size of the containing file '
                '(1048576)', offset=offset, size=size, **raw)
        self.assert_refused("Parameter 'offset' expects a non-negative "
                            'number below 2^64', offset=-1, **raw)
        self.assertEqual(self.names(), ['f'])

    # -- what is refused

    def test_names(self):
        self.add_file()
        self.assert_refused("Duplicate nodes with node-name='f'",
                            driver='null-co', **{'node-name': 'f'})
        self.assert_refused("'node-name' must be specified for the root node",
                            driver='null-co')
        for name in '', '1a', '#x', 'a b', 'a/b', '_x':
            self.assert_refused(f"Invalid node-name: '{name}'",
                                driver='null-co', **{'node-name': name})
        self.assert_refused('Node name too long', driver='null-co',
                            **{'node-name': 'a' * 32})
        longest = 'aB9._-' + 'a' * 25
        self.add(driver='null-co', **{'node-name': longest})
        self.assertEqual(self.names(), [longest, 'f'])

    def test_duplicate_below(self):
        self.assert_refused("Duplicate nodes with node-name='x'",
                            driver='raw', **{'node-name': 'x', 'file': {
                                'driver': 'null-co', 'node-name': 'x'}})
        self.assertEqual(self.names(), [])

    def test_missing(self):
        path = self.path('nosuch')
        self.assert_refused(
            f"Could not open '{path}': No such file or directory",
            driver='file', filename=path, **{'node-name': 'x'})
        self.assert_refused(f"Could not open '{self.dir}': Is a directory",
                            driver='file', filename=self.dir,
                            **{'node-name': 'x'})
        self.assert_refused("The 'file' block driver requires a file name",
                            driver='file', filename='', **{'node-name': 'x'})
        self.assert_refused(
            f"Could not open 'file:{self.image}': No such file or directory",
            driver='file', filename='file:' + self.image,
            **{'node-name': 'x'})
        self.assert_refused("Cannot find device='nosuch' nor node-name="
                            "'nosuch'", driver='raw', file='nosuch',
                            **{'node-name': 'x'})
        self.assertEqual(self.names(), [])

    def test_node_below_itself(self):
        """A node has no name yet while its file is opened."""
        unknown = "Cannot find device='x' nor node-name='x'"
        for driver in 'raw', 'compress', 'copy-on-read', 'qcow2':
            self.assert_refused(unknown, driver=driver, file='x',
                                **{'node-name': 'x'})
        self.assert_refused(unknown, driver='raw', **{
            'node-name': 'x', 'file': {'driver': 'raw', 'file': 'x'}})
        tools.img('create', '-q', '-f', 'qcow2', self.path('q'), '1M')
        self.assert_refused("Making 'x' a backing child of 'x' would create "
                            'a cycle', driver='qcow2', backing='x', **{
                                'node-name': 'x', 'file': {
                                    'driver': 'file',
                                    'filename': self.path('q')}})
        self.assertEqual(self.names(), [])

    def test_failed_tree_leaves_nothing(self):
        self.assert_refused('Specified size is not multiple of 512',
                            driver='raw', size=1, **{
                                'node-name': 'x', 'file': {
                                    'driver': 'file', 'node-name': 'below',
                                    'filename': self.image}})
        self.assertEqual(self.names(), [])
        self.add_file('below')

    def test_options(self):
        file = {'driver': 'file', 'node-name': 'x', 'filename': self.image}
        null = {'driver': 'null-co', 'node-name': 'x'}
        raw = {'driver': 'raw', 'node-name': 'x'}
        ref = "Invalid parameter type for 'file', expected: BlockdevRef"
        for desc, options in (
                ("Parameter 'driver' is missing", {'node-name': 'x'}),
                ("Parameter 'driver' does not accept value 'nosuch'",
                 {'driver': 'nosuch', 'node-name': 'x'}),
                ("Parameter 'filename' is missing",
                 {'driver': 'file', 'node-name': 'x'}),
                ("Parameter 'foo' is unexpected", dict(file, foo=1)),
                ("Parameter 'discard' does not accept value 'y'",
                 dict(file, discard='y')),
                ("Parameter 'locking' does not accept value 'maybe'",
                 dict(file, locking='maybe')),
                ("Invalid parameter type for 'read-only', expected: boolean",
                 dict(file, **{'read-only': 'on'})),
                ('setting detect-zeroes to unmap is not allowed without '
                 'setting discard operation to unmap',
                 dict(file, **{'detect-zeroes': 'unmap'})),
                ('force-share=on can only be used with read-only images',
                 dict(file, **{'force-share': True})),
                ('aio=native was specified, but it requires cache.direct=on, '
                 'which was not specified.', dict(file, aio='native')),
                ('latency-ns is invalid', dict(null, **{'latency-ns': -1})),
                ("Parameter 'file' is missing", raw),
                (ref, dict(raw, file=1)), (ref, dict(raw, file=[])),
                (ref, dict(raw, file=None)),
                ("Parameter 'file.driver' is missing", dict(raw, file={})),
                ("Parameter 'file.filename' is missing",
                 dict(raw, file={'driver': 'file'})),
                ("Parameter 'file.foo' is unexpected",
                 dict(raw, file=dict(file, foo=1)))):
            self.assert_refused(desc, **options)
        self.assertEqual(self.names(), [])

    @ours_only('dies of a negative size')
    def test_negative_size(self):
        self.assert_qmp_fails(self.vm, 'blockdev-add', {
            'driver': 'null-co', 'node-name': 'x', 'size': -1})

    def test_too_large(self):
        self.assert_refused(
            'Could not refresh total sector count: File too large',
            driver='null-co', size=2 ** 63 - 1, **{'node-name': 'x'})

    # -- removal

    def test_del(self):
        self.add_file()
        self.add(driver='raw', file='f', **{'node-name': 'r'})
        self.assert_error(self.vm, 'blockdev-del', {'node-name': 'f'},
                          'Block device f is in use')
        for name in '', 'nosuch':
            self.assert_error(self.vm, 'blockdev-del', {'node-name': name},
                              f"Failed to find node with node-name='{name}'")
        self.vm.cmd('blockdev-del', node_name='r')
        self.vm.cmd('blockdev-del', node_name='f')
        self.assertEqual(self.names(), [])
        self.add_file()

    def test_del_takes_inline_children(self):
        self.add(driver='raw', **{'node-name': 'r', 'file': {
            'driver': 'file', 'node-name': 'f', 'filename': self.image}})
        self.assert_error(self.vm, 'blockdev-del', {'node-name': 'f'},
                          'Node f is not owned by the monitor')
        self.vm.cmd('blockdev-del', node_name='r')
        self.assertEqual(self.names(), [])

    def test_file_is_closed(self):
        self.add_file()
        self.vm.cmd('blockdev-del', node_name='f')
        fds = f'/proc/{self.vm.pid}/fd'
        links = [os.path.realpath(os.path.join(fds, fd))
                 for fd in os.listdir(fds)]
        self.assertNotIn(self.image, links)


if __name__ == '__main__':
    case.main()
