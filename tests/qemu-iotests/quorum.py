#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""quorum: nodes that vote about what they show, and who is told of losers."""

import os

from lib import case, exports
from lib.images import KIB, MIB
from lib.quorum_case import EIO, ENOSPC, QuorumCase, bad, failure


class Reads(QuorumCase):

    def test_majority(self):
        self.add(3, 2)
        self.write_file(1, 512, 512, 2)
        self.assertEqual(self.guest.pread(4096, 0), b'\1' * 4096)
        self.assertEqual(self.events(), [bad('n1', 0, 8)])

    def test_events_are_limited(self):
        """The second one of a child waits until a second is over."""
        self.add(3, 2)
        self.write_file(1, 512, 512, 2)
        for _ in range(3):
            self.guest.pread(4096, 0)
        self.guest.pread(100, 600)
        self.assertEqual(self.events(), [bad('n1', 0, 8)])
        event = self.vm.qmp.event('QUORUM_REPORT_BAD')
        self.assertEqual((event['event'], event['data']), bad('n1', 1, 1))

    def test_rewrite(self):
        self.add(3, 2, rewrite_corrupted=True)
        self.write_file(1, 512, 512, 2)
        self.assertEqual(self.guest.pread(1024, 512), b'\1' * 1024)
        self.assertEqual(self.events(), [bad('n1', 1, 2)])
        self.assertEqual(self.read_file(1, 0, 4096), b'\1' * 4096)

    def test_rewrite_fails(self):
        self.add(3, 2, {1: [{'event': 'none', 'iotype': 'write'}]},
                 rewrite_corrupted=True)
        self.write_file(1, 512, 512, 2)
        self.assertEqual(self.guest.pread(1024, 512), b'\1' * 1024)
        self.assertEqual(self.events(), [bad('n1', 1, 2)])
        self.assertEqual(self.read_file(1, 512, 512), b'\2' * 512)

    def test_no_majority(self):
        self.add(3, 2)
        for i in range(3):
            self.write_file(i, 512, 512, i + 5)
        self.assertEqual(exports.errno_of(self.guest.pread, 1024, 512), 'EIO')
        self.assertEqual(self.events(), [failure(1, 2)])

    def test_last_version_wins_a_tie(self):
        self.add(3, 1)
        for i in range(3):
            self.write_file(i, 512, 512, i + 5)
        self.assertEqual(self.guest.pread(512, 512), b'\7' * 512)
        self.assertEqual(self.events(), [bad('n1', 1, 1), bad('n0', 1, 1)])

    def test_tie_of_pairs(self):
        self.add(4, 2)
        for i in range(4):
            self.write_file(i, 512, 512, i % 2 + 5)
        self.assertEqual(self.guest.pread(512, 512), b'\6' * 512)
        self.assertEqual(self.events(), [bad('n2', 1, 1), bad('n0', 1, 1)])

    def test_error(self):
        self.add(3, 2, {1: [{'event': 'none', 'iotype': 'read'}]})
        self.assertEqual(self.guest.pread(512, 0), b'\1' * 512)
        self.assertEqual(self.events(), [bad('n1', 0, 1, error=EIO)])

    def test_error_of_too_many(self):
        enospc = {'event': 'none', 'iotype': 'read', 'errno': 28}
        self.add(3, 2, {0: [dict(enospc, errno=1)], 1: [enospc],
                        2: [enospc]})
        self.assertEqual(exports.errno_of(self.guest.pread, 512, 0), 'ENOSPC')
        self.assertEqual(self.events(), [
            bad('n0', 0, 1, error='Operation not permitted'),
            bad('n1', 0, 1, error=ENOSPC), bad('n2', 0, 1, error=ENOSPC),
            failure(0, 1)])

    def test_error_and_disagreement(self):
        self.add(3, 2, {0: [{'event': 'none', 'iotype': 'read'}]})
        self.write_file(1, 512, 512, 2)
        self.assertEqual(exports.errno_of(self.guest.pread, 512, 512), 'EIO')
        self.assertEqual(self.events(), [bad('n0', 1, 1, error=EIO),
                                         failure(1, 1)])

    def test_fifo(self):
        self.add(3, 2, {0: [{'event': 'none', 'iotype': 'read'}],
                        1: [{'event': 'none', 'iotype': 'read', 'errno': 28,
                             'once': True}]}, read_pattern='fifo')
        self.write_file(2, 0, 512, 3)
        self.assertEqual(self.guest.pread(512, 0), b'\3' * 512)
        self.assertEqual(self.events(), [bad('n0', 0, 1, error=EIO),
                                         bad('n1', 0, 1, error=ENOSPC)])
        self.assertEqual(self.guest.pread(512, 0), b'\1' * 512)

    def test_fifo_all_fail(self):
        self.add(2, 1, {0: [{'event': 'none', 'errno': 1}],
                        1: [{'event': 'none', 'errno': 28}]},
                 read_pattern='fifo')
        self.assertEqual(exports.errno_of(self.guest.pread, 512, 0), 'ENOSPC')

    def test_blkverify(self):
        self.add(2, 2, blkverify=True)
        self.assertEqual(self.guest.pread(4096, 0), b'\1' * 4096)
        self.write_file(1, 1024, 512, 2)
        self.vm.expect_crash = True
        self.assertEqual(exports.errno_of(self.guest.pread, 4096, 512),
                         'ENOTCONN')
        self.assertEqual(self.vm.wait(), 1)
        self.assertEqual(self.vm.stderr(), 'quorum: offset=512 bytes=4096 '
                         'contents mismatch at offset 1024\n')

    def test_status(self):
        self.add(2, 2)
        self.write_file(1, 128 * KIB, 4 * KIB, 2)
        guest = self.server.connect('q', [exports.BASE])
        self.addCleanup(exports.disconnect, guest)
        self.assertEqual(exports.extents(guest, exports.BASE), [
            (64 * KIB, 0), (64 * KIB, 3), (4 * KIB, 0), (892 * KIB, 3)])


class Writes(QuorumCase):

    def test_all(self):
        self.add(3, 2)
        self.guest.pwrite(b'x' * 4096, 4096)
        self.guest.zero(4096, 0)
        self.guest.flush()
        for i in range(3):
            self.assertEqual(self.read_file(i, 0, 8192),
                             bytes(4096) + b'x' * 4096)
        self.assertEqual(self.events(), [])

    def outcome(self, threshold, kind):
        """(the error or None, the events) if child 1 fails what is KIND."""
        self.add(3, threshold, {1: [{'event': 'none', 'iotype': kind}]})
        # There is something to flush.
        if kind == 'flush':
            self.guest.pwrite(b'x' * 512, 0)
        call, args = {
            'write': (self.guest.pwrite, (b'x' * 4096, 8192)),
            'write-zeroes': (self.guest.zero, (64 * KIB, 64 * KIB)),
            'discard': (self.guest.trim, (64 * KIB, 64 * KIB)),
            'flush': (self.guest.flush, ())}[kind]
        error = None
        try:
            call(*args)
        except exports.nbd.Error as caught:
            error = caught.errno
        found = error, self.events()
        self.remove()
        return found

    def test_one_fails(self):
        told = {'write': [bad('n1', 16, 8, 'write', EIO)],
                'write-zeroes': [bad('n1', 128, 128, 'write', EIO)],
                'flush': [bad('n1', 0, 0, 'flush', EIO)], 'discard': []}
        vm = self.vm
        for kind, events in told.items():
            # One a second is told of each child: a new program each time.
            self.vm = self.daemon()
            self.assertEqual(self.outcome(2, kind), (None, events), kind)
        self.assertTrue(vm.alive())

    def test_too_many_fail(self):
        failures = {'write': [bad('n1', 16, 8, 'write', EIO), failure(16, 8)],
                    'write-zeroes': [bad('n1', 128, 128, 'write', EIO),
                                     failure(128, 128)],
                    'flush': [bad('n1', 0, 0, 'flush', EIO)]}
        for kind, events in failures.items():
            self.vm = self.daemon()
            self.assertEqual(self.outcome(3, kind), ('EIO', events), kind)

    def test_discard_is_not_passed_on(self):
        self.add(2, 2)
        self.guest.trim(64 * KIB, 0)
        self.assertEqual(self.guest.pread(512, 0), b'\1' * 512)
        self.guest.zero(64 * KIB, 0)
        for i in range(2):
            self.assertEqual(os.stat(self.path(f'{i}.img')).st_blocks, 0)


class Options(QuorumCase):

    def options(self, n=2, size=MIB, **options):
        return dict({'driver': 'quorum', 'node-name': 'q',
                     'vote-threshold': 2, 'children': [
                         {'driver': 'null-co', 'size': size}] * n},
                    **{k.replace('_', '-'): v for k, v in options.items()})

    def test_refused(self):
        verify = ('blkverify=on can only be set if there are exactly two '
                  'files and vote-threshold is 2')
        for desc, options in (
                ('Number of provided children must be 1 or more', {'n': 0}),
                ("Parameter 'vote-threshold' expects a value >= 1",
                 {'vote_threshold': 0}),
                ("Parameter 'vote-threshold' expects a value >= 1",
                 {'vote_threshold': -1}),
                ('threshold may not exceed children count',
                 {'vote_threshold': 3}),
                (verify, {'n': 3, 'blkverify': True}),
                (verify, {'vote_threshold': 1, 'blkverify': True}),
                ('rewrite-corrupted=on cannot be used with blkverify=on',
                 {'blkverify': True, 'rewrite_corrupted': True}),
                ("Parameter 'read-pattern' does not accept value 'x'",
                 {'read_pattern': 'x'}),
                ("Cannot find device='nope' nor node-name='nope'",
                 {'children': ['nope', 'nope']}),
                ('Could not refresh total sector count: Input/output error',
                 {'children': [{'driver': 'null-co', 'size': 512},
                               {'driver': 'null-co', 'size': 1024}]}),
                ('Block node is read-only', {'read_only': True,
                                             'rewrite_corrupted': True})):
            self.assert_error(self.vm, 'blockdev-add', self.options(**options),
                              desc)
        self.assertEqual(self.vm.cmd('query-named-block-nodes'), [])

    def filename(self):
        node, = [n for n in self.vm.cmd('query-named-block-nodes')
                 if n['node-name'] == 'q']
        self.assertEqual(node['image']['format'], 'quorum')
        self.assertNotIn('dirty-flag', node['image'])
        return node['file']

    def test_filename(self):
        child = '{"driver": "null-co", "size": 1048576}'
        for given, shown in (
                ({}, ''), ({'rewrite_corrupted': True},
                           '"rewrite-corrupted": true, '),
                ({'blkverify': True}, '"blkverify": true, ')):
            self.vm.cmd('blockdev-add', self.options(**given))
            self.assertEqual(
                self.filename(), f'json:{{"children": [{child}, {child}], '
                f'"driver": "quorum", {shown}"vote-threshold": 2}}')
            self.vm.cmd('blockdev-del', {'node-name': 'q'})

    def test_permissions(self):
        for options, perm in (({}, []),
                              ({'rewrite_corrupted': True}, ['write'])):
            self.vm.cmd('blockdev-add', self.options(**options))
            edges = self.vm.cmd('x-debug-query-block-graph')['edges']
            self.assertEqual([(e['name'], e['perm'], e['shared-perm'])
                              for e in edges], [
                (f'children.{i}', perm, ['write-unchanged',
                                         'consistent-read'])
                for i in range(2)])
            self.vm.cmd('blockdev-del', {'node-name': 'q'})

    def test_fixed(self):
        for name in 'y', 'z':
            self.vm.cmd('blockdev-add', {'driver': 'null-co',
                                         'node-name': name})
        options = self.options(children=['y', 'z'])
        self.vm.cmd('blockdev-add', options)
        self.assert_error(self.vm, 'blockdev-reopen', {'options': [options]},
                          "Block format 'quorum' used by node 'q' does not "
                          "support reopening files")
        self.assert_error(self.vm, 'block_resize',
                          {'node-name': 'q', 'size': 2 * MIB},
                          'Image format driver does not support resize')


if __name__ == '__main__':
    case.main()
