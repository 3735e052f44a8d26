#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Watching nodes: what was done with them, the write threshold, the picture
of the graph; and resizing them."""

from lib import case, exports, images, order
from lib.images import KIB, MIB

COUNTERS = [
    'account_failed', 'account_invalid', 'failed_flush_operations',
    'failed_rd_operations', 'failed_unmap_operations',
    'failed_wr_operations', 'flush_operations', 'flush_total_time_ns',
    'invalid_flush_operations', 'invalid_rd_operations',
    'invalid_unmap_operations', 'invalid_wr_operations', 'rd_bytes',
    'rd_merged', 'rd_operations', 'rd_total_time_ns', 'timed_stats',
    'unmap_bytes', 'unmap_merged', 'unmap_operations',
    'unmap_total_time_ns', 'wr_bytes', 'wr_highest_offset', 'wr_merged',
    'wr_operations', 'wr_total_time_ns']


class Watched(case.Case):
    """A raw disk above a file, both deallocating, and a guest."""

    def setUp(self):
        super().setUp()
        self.image = images.make(self.path('a.img'), MIB, [(0, 64 * KIB, 1)])
        self.vm = self.daemon()
        self.vm.cmd('blockdev-add', {
            'driver': 'raw', 'node-name': 'disk', 'discard': 'unmap',
            'file': {'driver': 'file', 'node-name': 'file',
                     'filename': self.image, 'discard': 'unmap'}})

    def guest(self):
        server = exports.Server(self.vm)
        server.add('disk')
        return server.connect('disk')

    def size(self, name='disk'):
        for node in self.vm.cmd('query-named-block-nodes'):
            if node['node-name'] == name:
                return node['image']['virtual-size']
        return None


class Stats(Watched):

    def stats(self):
        entries = self.vm.cmd('query-blockstats', {'query-nodes': True})
        return {entry['node-name']: entry for entry in entries}

    def test_no_devices(self):
        self.assertEqual(self.vm.cmd('query-blockstats'), [])
        self.assertEqual(
            self.vm.cmd('query-blockstats', {'query-nodes': False}), [])

    def test_members(self):
        self.vm.cmd('blockdev-add', {'driver': 'null-co', 'node-name': 'n'})
        entries = self.vm.cmd('query-blockstats', {'query-nodes': True})
        self.assertEqual([e['node-name'] for e in entries],
                         ['file', 'disk', 'n'])
        file, disk, null = entries
        for entry in entries:
            self.assertEqual(sorted(entry['stats']), COUNTERS)
        self.assertEqual(set(null), {'node-name', 'stats'})
        self.assertEqual(file['driver-specific'], {
            'driver': 'file', 'discard-bytes-ok': 0, 'discard-nb-ok': 0,
            'discard-nb-failed': 0})
        self.assertEqual(set(disk), {'node-name', 'stats', 'parent'})
        self.assertEqual(disk['parent'], file)

    def test_line(self):
        self.vm.qmp.send_raw('{"execute": "query-blockstats", "arguments": '
                             '{"query-nodes": true}}')
        line = self.vm.qmp.recv_line().decode()
        self.assertIsNone(order.find_disorder(line))

    def test_highest_offset(self):
        guest = self.guest()
        guest.pwrite(bytes(4 * KIB), 512 * KIB)
        guest.pwrite(bytes(4 * KIB), 0)
        guest.trim(4 * KIB, 900 * KIB)
        for name in 'disk', 'file':
            self.assertEqual(self.stats()[name]['stats']['wr_highest_offset'],
                             516 * KIB)
        guest.zero(4 * KIB, 600 * KIB)
        self.assertEqual(self.stats()['file']['stats']['wr_highest_offset'],
                         604 * KIB)
        self.assertEqual(self.stats()['file']['driver-specific'], {
            'driver': 'file', 'discard-bytes-ok': 4 * KIB,
            'discard-nb-ok': 1, 'discard-nb-failed': 0})
        exports.disconnect(guest)

    def test_counts(self):
        """Requests are counted for devices, not for nodes."""
        guest = self.guest()
        guest.pread(4 * KIB, 0)
        guest.pwrite(b'x' * 512, 0)
        guest.trim(64 * KIB, 64 * KIB)
        guest.flush()
        for name in 'disk', 'file':
            stats = self.stats()[name]['stats']
            self.assertEqual({key for key, value in stats.items() if value},
                             {'wr_highest_offset'}, name)
        exports.disconnect(guest)


class Threshold(Watched):

    def threshold(self, name):
        for node in self.vm.cmd('query-named-block-nodes'):
            if node['node-name'] == name:
                return node['write_threshold']
        return None

    def set(self, name, offset):
        self.vm.cmd('block-set-write-threshold', {
            'node-name': name, 'write-threshold': offset})

    def assert_event(self, name, threshold, exceeded):
        event = self.vm.qmp.event('BLOCK_WRITE_THRESHOLD')
        self.assertEqual(event['data'], {
            'node-name': name, 'write-threshold': threshold,
            'amount-exceeded': exceeded})
        self.assertEqual(self.threshold(name), 0)

    def assert_no_event(self):
        self.vm.cmd('query-block')
        self.assertNotIn('BLOCK_WRITE_THRESHOLD',
                         [e['event'] for e in self.vm.qmp.events])

    def test_write(self):
        guest = self.guest()
        self.set('file', 4 * KIB)
        self.assertEqual(self.threshold('file'), 4 * KIB)
        self.assertEqual(self.threshold('disk'), 0)
        guest.pwrite(bytes(4 * KIB), 0)
        self.assertEqual(self.threshold('file'), 4 * KIB)
        guest.pwrite(bytes(512), 4 * KIB)
        self.assert_event('file', 4 * KIB, 512)
        guest.pwrite(bytes(512), 8 * KIB)
        exports.disconnect(guest)
        self.assert_no_event()

    def test_upper_node_first(self):
        guest = self.guest()
        self.set('file', 8 * KIB)
        self.set('disk', 4 * KIB)
        guest.pwrite(bytes(64 * KIB), 0)
        self.assert_event('disk', 4 * KIB, 60 * KIB)
        self.assert_event('file', 8 * KIB, 56 * KIB)
        exports.disconnect(guest)

    def test_zeroes_and_discard(self):
        guest = self.guest()
        self.set('file', 8 * KIB)
        guest.zero(8 * KIB, 16 * KIB)
        self.assert_event('file', 8 * KIB, 16 * KIB)
        self.set('file', 8 * KIB)
        guest.trim(8 * KIB, 16 * KIB)
        self.assert_event('file', 8 * KIB, 16 * KIB)
        exports.disconnect(guest)

    def test_take_back(self):
        guest = self.guest()
        self.set('file', 512)
        self.set('file', 0)
        guest.pwrite(bytes(4 * KIB), 0)
        exports.disconnect(guest)
        self.assert_no_event()

    def test_extremes(self):
        for offset, shown in (-1, -1), (2 ** 64 - 1, -1), (2 ** 62, 2 ** 62):
            self.set('file', offset)
            self.assertEqual(self.threshold('file'), shown)
        self.assert_error(self.vm, 'block-set-write-threshold',
                          {'node-name': 'x', 'write-threshold': 1},
                          "Device 'x' not found")


class Graph(Watched):

    def graph(self):
        graph = self.vm.cmd('x-debug-query-block-graph')
        names = {node['id']: node['name'] for node in graph['nodes']}
        edges = [(names[e['parent']], e['name'], names[e['child']],
                  e['perm'], e['shared-perm']) for e in graph['edges']]
        return [(n['type'], n['name']) for n in graph['nodes']], edges

    def test_nodes(self):
        nodes, edges = self.graph()
        self.assertEqual(nodes, [('block-driver', 'disk'),
                                 ('block-driver', 'file')])
        self.assertEqual(edges, [
            ('disk', 'file', 'file', [], ['resize', 'write-unchanged',
                                          'write', 'consistent-read'])])

    def test_export(self):
        server = exports.Server(self.vm)
        server.add('disk')
        nodes, edges = self.graph()
        self.assertEqual(nodes, [('block-driver', 'disk'),
                                 ('block-driver', 'file'),
                                 ('block-backend', '')])
        perm = ['write', 'consistent-read']
        shared = ['write-unchanged', 'write', 'consistent-read']
        self.assertEqual(edges, [('disk', 'file', 'file', perm, shared),
                                 ('', 'root', 'disk', perm, shared)])

    def test_job(self):
        self.vm.cmd('blockdev-add', {'driver': 'null-co', 'size': MIB,
                                     'node-name': 'copy'})
        self.vm.cmd('blockdev-backup', {
            'job-id': 'job', 'device': 'disk', 'target': 'copy',
            'sync': 'full', 'speed': 1, 'filter-node-name': 'cbw',
            'x-perf': {'max-workers': 1, 'max-chunk': 64 * KIB}})
        nodes, edges = self.graph()
        self.assertIn(('block-job', 'job'), nodes)
        self.assertEqual(len(nodes), len(set(nodes)))
        self.assertIn(('cbw', 'file', 'disk'), [e[:3] for e in edges])
        self.assertIn(('cbw', 'target', 'copy'), [e[:3] for e in edges])
        self.assertTrue([e for e in edges if e[0] == 'job'])
        self.vm.cmd('block-job-cancel', {'device': 'job', 'force': True})


class Resize(Watched):

    def resize(self, size, **names):
        self.vm.cmd('block_resize', dict(names, size=size))

    def refused(self, desc, size=2 * MIB, **names):
        self.assert_error(self.vm, 'block_resize', dict(names, size=size),
                          desc)

    def test_raw(self):
        for size, shown in ((2 * MIB, 2 * MIB), (512, 512), (0, 0),
                            (MIB, MIB), (MIB + 1, MIB + 512)):
            self.resize(size, **{'node-name': 'disk'})
            self.assertEqual(self.size(), shown)
            self.assertEqual(self.size('file'), shown)
        self.resize(MIB, **{'node-name': 'disk', 'device': 'nosuch'})
        self.assertEqual(self.size(), MIB)

    def test_content(self):
        self.resize(4 * KIB, **{'node-name': 'disk'})
        self.resize(2 * MIB, **{'node-name': 'disk'})
        guest = self.guest()
        self.assertEqual(guest.get_size(), 2 * MIB)
        self.assertEqual(guest.pread(4 * KIB, 0), b'\1' * (4 * KIB))
        self.assertEqual(guest.pread(60 * KIB, 4 * KIB), bytes(60 * KIB))
        exports.disconnect(guest)

    def test_names(self):
        self.refused("Cannot find device='' nor node-name='x'",
                     **{'node-name': 'x'})
        self.refused("Cannot find device='x' nor node-name=''", device='x')
        self.refused("Cannot find device='disk' nor node-name=''",
                     device='disk')
        self.refused("Cannot find device='' nor node-name=''")
        self.refused("Parameter 'size' expects a >0 size", -1,
                     **{'node-name': 'disk'})

    def test_too_large(self):
        for size in 2 ** 63 - 1, 2 ** 63 - 512:
            error = self.assert_qmp_fails(
                self.vm, 'block_resize', {'node-name': 'disk', 'size': size})
            self.assertRegex(error.desc,
                             rf'^offset\({size}\) exceeds maximum\(\d+\)$')
        self.assertEqual(self.size(), MIB)

    def test_cannot(self):
        self.vm.cmd('blockdev-add', {'driver': 'null-co', 'node-name': 'n'})
        self.refused('Image format driver does not support resize',
                     **{'node-name': 'n'})
        self.vm.cmd('blockdev-add', {'driver': 'null-co', 'node-name': 'ro',
                                     'read-only': True})
        self.refused('Image is read-only', **{'node-name': 'ro'})
        self.vm.cmd('blockdev-add', {'driver': 'raw', 'node-name': 'window',
                                     'file': 'file', 'size': 1024})
        self.refused('Cannot resize fixed-size raw disks',
                     **{'node-name': 'window'})
        self.refused(
            "Permission conflict on node 'file': permissions 'resize' are "
            'both required by an unnamed block device (uses node \'file\' as '
            "'root' child) and unshared by node 'window' (uses node 'file' "
            "as 'file' child).", **{'node-name': 'file'})

    def test_users_that_do_not_bear_it(self):
        server = exports.Server(self.vm)
        server.add('disk')
        self.refused(
            "Permission conflict on node 'disk': permissions 'resize' are "
            'both required by an unnamed block device (uses node \'disk\' as '
            "'root' child) and unshared by an unnamed block device (uses "
            "node 'disk' as 'root' child).", **{'node-name': 'disk'})
        self.assertEqual(self.size(), MIB)

    def test_job(self):
        self.vm.cmd('blockdev-add', {'driver': 'null-co', 'size': MIB,
                                     'node-name': 'copy'})
        self.vm.cmd('blockdev-backup', {
            'job-id': 'job', 'device': 'disk', 'target': 'copy',
            'sync': 'full', 'speed': 1, 'filter-node-name': 'cbw',
            'x-perf': {'max-workers': 1, 'max-chunk': 64 * KIB}})
        self.refused(
            "Permission conflict on node 'disk': permissions 'resize' are "
            'both required by an unnamed block device (uses node \'disk\' as '
            "'root' child) and unshared by node 'cbw' (uses node 'disk' as "
            "'file' child).", **{'node-name': 'disk'})
        error = self.assert_qmp_fails(
            self.vm, 'block_resize', {'node-name': 'copy', 'size': 2 * MIB})
        # QEMU shows no name here.
        self.assertRegex(error.desc, r"^Device '(copy|\(null\))' is in use$")
        self.vm.cmd('block-job-cancel', {'device': 'job', 'force': True})
        self.vm.qmp.event('BLOCK_JOB_CANCELLED')

    def test_bitmaps_grow(self):
        for name in 'active', 'off':
            self.vm.cmd('block-dirty-bitmap-add', {
                'node': 'disk', 'name': name, 'granularity': 64 * KIB})
        guest = self.guest()
        guest.pwrite(b'x', MIB - 1)
        exports.disconnect(guest)
        self.vm.cmd('block-dirty-bitmap-disable', {'node': 'disk',
                                                   'name': 'off'})
        self.vm.cmd('nbd-server-stop')
        self.resize(2 * MIB, **{'node-name': 'disk'})
        guest = self.guest()
        guest.pwrite(b'x', 2 * MIB - 1)
        exports.disconnect(guest)
        bitmaps = {b['name']: b['count'] for n in
                   self.vm.cmd('query-named-block-nodes')
                   for b in n.get('dirty-bitmaps', [])}
        self.assertEqual(bitmaps, {'active': 128 * KIB, 'off': 64 * KIB})


if __name__ == '__main__':
    case.main()
