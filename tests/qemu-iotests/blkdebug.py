#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""blkdebug: errors at the events that they wait for, states, limits."""

import errno
import os

from lib import case, exports, images
from lib.case import ours_only
from lib.images import KIB, MIB


class Debugged(case.Case):
    """A raw disk above blkdebug above a file."""

    def setUp(self):
        super().setUp()
        self.image = images.make(self.path('a.img'), MIB, [(0, 64 * KIB, 1)])
        self.vm = self.daemon()

    def add(self, *injects, **options):
        self.vm.cmd('blockdev-add', {
            'driver': 'raw', 'node-name': 'disk', 'discard': 'unmap',
            'file': dict(options, **{
                'driver': 'blkdebug', 'node-name': 'debug',
                'discard': 'unmap', 'inject-error': list(injects),
                'image': {'driver': 'file', 'filename': self.image}})})
        self.server = exports.Server(self.vm)
        self.server.add('disk')
        # QEMU 7.2 ends a connection with structured replies when a read fails.
        self.guest = self.server.connect('disk',
                                         request_structured_replies=False)
        self.addCleanup(exports.disconnect, self.guest)

    def remove(self):
        exports.disconnect(self.guest)
        self.vm.cmd('nbd-server-stop')
        self.vm.cmd('blockdev-del', {'node-name': 'disk'})

    def outcome(self, kind, offset=0, length=512):
        """None, or the number of the error."""
        call = {
            'read': lambda: self.guest.pread(length, offset),
            'write': lambda: self.guest.pwrite(b'x' * length, offset),
            'zero': lambda: self.guest.zero(length, offset),
            'trim': lambda: self.guest.trim(length, offset),
            'flush': self.guest.flush,
        }[kind]
        try:
            call()
        except exports.nbd.Error as error:
            return error.errnum
        return None

    def outcomes(self, *kinds):
        return [self.outcome(kind) for kind in kinds]


class Errors(Debugged):

    def test_none(self):
        self.add({'event': 'none'})
        self.assertEqual(self.outcomes('read', 'write', 'flush'),
                         [errno.EIO] * 3)

    def test_errno(self):
        self.add({'event': 'none', 'errno': errno.ENOSPC, 'once': True},
                 {'event': 'none', 'errno': errno.ENOMEM, 'once': True})
        self.assertEqual(self.outcomes('write', 'write', 'write'),
                         [errno.ENOSPC, errno.ENOMEM, None])

    def test_errno_0(self):
        self.add({'event': 'none', 'errno': 0})
        self.assertEqual(self.outcomes('read', 'write'), [None, None])

    def test_stays_active(self):
        self.add({'event': 'read_aio', 'errno': errno.ENOSPC})
        self.assertEqual(self.outcomes('write', 'read', 'write', 'read'),
                         [None] + [errno.ENOSPC] * 3)

    def test_once(self):
        self.add({'event': 'read_aio', 'once': True})
        self.assertEqual(self.outcomes('write', 'read', 'write', 'read'),
                         [None, errno.EIO, None, None])

    def test_immediately(self):
        self.add({'event': 'none', 'immediately': True, 'once': True})
        self.assertEqual(self.outcomes('read', 'read'), [errno.EIO, None])

    def test_one_event_replaces_another(self):
        self.add({'event': 'write_aio', 'errno': errno.ENOSPC},
                 {'event': 'read_aio', 'errno': errno.ENOMEM})
        self.assertEqual(self.outcomes('write', 'read', 'trim', 'write',
                                       'trim'),
                         [errno.ENOSPC, errno.ENOMEM, errno.ENOMEM,
                          errno.ENOSPC, errno.ENOSPC])

    def test_types(self):
        for number, (iotype, failing) in enumerate((
                ('read', 'read'), ('write', 'write'),
                ('write-zeroes', 'zero'), ('discard', 'trim'),
                ('flush', 'flush'))):
            if number:
                self.remove()
            self.add({'event': 'none', 'iotype': iotype})
            self.outcome('write')
            for kind in 'read', 'write', 'zero', 'trim', 'flush':
                length = 4 * KIB
                self.assertEqual(self.outcome(kind, 0, length),
                                 errno.EIO if kind == failing else None,
                                 (iotype, kind))

    def test_sector(self):
        self.add({'event': 'none', 'sector': 2})
        for offset, length, fails in (
                (0, 1024, False), (1024, 512, True), (0, 4096, True),
                (1536, 512, False), (1025, 10, False), (1000, 25, True)):
            self.assertEqual(self.outcome('read', offset, length),
                             errno.EIO if fails else None, (offset, length))
        self.assertEqual(self.outcome('flush'), None)

    def test_status(self):
        """Where data lies can be asked for, unless a rule is about that."""
        for rule, bad in (({}, False), ({'iotype': 'block-status'}, True)):
            self.add(dict(rule, event='none'))
            guest = self.server.connect('disk', [exports.BASE])
            self.addCleanup(exports.disconnect, guest)
            if bad:
                self.assertEqual(
                    exports.errno_of(exports.extents, guest, exports.BASE),
                    'EIO')
            else:
                exports.extents(guest, exports.BASE)
            exports.disconnect(guest)
            self.remove()

    def test_backup(self):
        """A job meets the error, and goes on when it is gone."""
        self.add({'event': 'none', 'sector': 64, 'iotype': 'read',
                  'once': True, 'errno': errno.ENOMEM})
        self.vm.cmd('blockdev-add', {'driver': 'null-co', 'size': MIB,
                                     'node-name': 'copy'})
        self.vm.cmd('blockdev-backup', {
            'job-id': 'job', 'device': 'disk', 'target': 'copy',
            'sync': 'full', 'on-source-error': 'stop'})
        event = self.vm.qmp.event('BLOCK_JOB_ERROR')
        self.assertEqual(event['data'], {
            'device': 'job', 'operation': 'read', 'action': 'stop'})
        self.vm.cmd('block-job-resume', {'device': 'job'})
        event = self.vm.qmp.event('BLOCK_JOB_COMPLETED')
        self.assertNotIn('error', event['data'])


class Events(Debugged):

    def assert_event(self, event, *kinds):
        """Of all requests just these make EVENT happen."""
        self.add({'event': event, 'once': True})
        for kind in 'flush', 'read', 'write', 'zero', 'trim':
            # What the event has made active meets this or the next one.
            found = [self.outcome(kind, 0, 4 * KIB), self.outcome('trim')]
            self.assertEqual(errno.EIO in found, kind in kinds, (event, kind))
            if kind in kinds:
                break

    def test_read(self):
        self.assert_event('read_aio', 'read')

    def test_write(self):
        self.assert_event('write_aio', 'write')

    def test_pwritev(self):
        self.assert_event('pwritev', 'write')

    def test_pwritev_zero(self):
        self.assert_event('pwritev_zero', 'zero')

    def test_pwritev_done(self):
        self.assert_event('pwritev_done', 'write', 'zero')

    def test_flush_to_os(self):
        self.assert_event('flush_to_os', 'flush')

    def test_flush_to_disk(self):
        self.add({'event': 'flush_to_disk'})
        self.assertEqual(self.outcomes('flush', 'read', 'write', 'flush',
                                       'read'),
                         [None, None, None, errno.EIO, errno.EIO])

    def test_unaligned(self):
        self.vm.cmd('blockdev-add', {'driver': 'null-co', 'node-name': 'z',
                                     'size': MIB})
        for event, at in (('pwritev_rmw_head', 512),
                          ('pwritev_rmw_tail', 0)):
            for name in event, event.replace('rmw', 'rmw_after'):
                self.vm.cmd('blockdev-add', {
                    'driver': 'blkdebug', 'node-name': 'debug', 'image': 'z',
                    'align': 4 * KIB, 'inject-error': [{'event': name}]})
                server = exports.Server(self.vm)
                server.add('debug')
                self.guest = server.connect('debug')
                self.assertEqual(self.outcome('write', 0, 4 * KIB), None)
                self.assertEqual(self.outcome('write', at, 4 * KIB - 512),
                                 errno.EIO, name)
                exports.disconnect(self.guest)
                self.vm.cmd('nbd-server-stop')
                self.vm.cmd('blockdev-del', {'node-name': 'debug'})


class States(Debugged):

    def test_event_moves_on(self):
        self.add({'event': 'read_aio', 'state': 2, 'errno': errno.ENOSPC},
                 **{'set-state': [{'event': 'write_aio', 'state': 1,
                                   'new_state': 2}]})
        self.assertEqual(self.outcomes('read', 'write', 'read'),
                         [None, None, errno.ENOSPC])

    def test_rules_see_the_state_before(self):
        self.add({'event': 'read_aio', 'state': 2},
                 **{'set-state': [{'event': 'read_aio', 'state': 1,
                                   'new_state': 2},
                                  {'event': 'read_aio', 'state': 2,
                                   'new_state': 3}]})
        self.assertEqual(self.outcomes('read', 'read'), [None, errno.EIO])

    def test_one_event_a_write(self):
        self.add({'event': 'read_aio', 'state': 2},
                 **{'set-state': [{'event': 'pwritev', 'state': 1,
                                   'new_state': 2},
                                  {'event': 'pwritev', 'state': 2,
                                   'new_state': 3}]})
        self.assertEqual(self.outcomes('write', 'read'), [None, errno.EIO])

    def test_first_state(self):
        self.add({'event': 'none', 'state': 1})
        self.assertEqual(self.outcome('read'), errno.EIO)

    def test_none_happens_at_open_only(self):
        self.add({'event': 'none', 'state': 2},
                 **{'set-state': [{'event': 'write_aio', 'new_state': 2}]})
        self.assertEqual(self.outcomes('write', 'read'), [None, None])


class Options(case.Case):

    def setUp(self):
        super().setUp()
        self.vm = self.daemon()

    def options(self, **options):
        return dict({'driver': 'blkdebug', 'node-name': 'debug', 'image': {
            'driver': 'null-co', 'size': MIB}}, **options)

    def refused(self, desc, **options):
        options = {key.replace('_', '-'): v for key, v in options.items()}
        self.assert_error(self.vm, 'blockdev-add', self.options(**options),
                          desc)

    def test_limits(self):
        for name, value in (('align', 3), ('align', 2 ** 32),
                            ('max-transfer', 2 ** 31 - 1),
                            ('opt-discard', 2 ** 31 - 1)):
            self.refused(f'Cannot meet constraints with {name} {value}',
                         **{name: value})
        for name in ('max-transfer', 'opt-write-zero', 'max-write-zero',
                     'opt-discard', 'max-discard'):
            self.refused(f'Cannot meet constraints with {name} 512',
                         align=4096, **{name: 512})
            self.refused(f"Parameter '{name}' expects int32_t",
                         **{name: 2 ** 32})
        self.refused('Cannot meet constraints with max-discard 6144',
                     opt_discard=4096, max_discard=6144)
        for name in 'align', 'max-transfer', 'max-discard':
            self.refused(f"Parameter '{name}' expects a non-negative number "
                         'below 2^64', **{name: -1})

    def test_rules(self):
        self.refused("Parameter 'inject-error[0].event' is missing",
                     inject_error=[{}])
        self.refused("Parameter 'event' does not accept value 'x'",
                     inject_error=[{'event': 'x'}])
        self.refused("Parameter 'iotype' does not accept value 'x'",
                     inject_error=[{'event': 'none', 'iotype': 'x'}])
        self.refused("Parameter 'set-state[0].new_state' is missing",
                     set_state=[{'event': 'none'}])

    def filename(self):
        node, = [n for n in self.vm.cmd('query-named-block-nodes')
                 if n['node-name'] == 'debug']
        self.assertEqual(node['image'].get('actual-size'), None)
        self.assertEqual(node['file'], node['image']['filename'])
        return node['file']

    def test_filename(self):
        image = images.make(self.path('a.img'), MIB, [])
        self.vm.cmd('blockdev-add', {
            'driver': 'blkdebug', 'node-name': 'debug',
            'image': {'driver': 'file', 'filename': image}})
        self.assertEqual(self.filename(), f'blkdebug::{image}')

    def test_shows_what_is_behind(self):
        """As a filter does, though it is asked for more than one."""
        self.vm.cmd('blockdev-add', {'driver': 'null-co', 'node-name': 'z'})
        self.vm.cmd('blockdev-add', self.options(image='z'))
        node, = [n for n in self.vm.cmd('query-named-block-nodes')
                 if n['node-name'] == 'debug']
        self.assertEqual(node['backing_file_depth'], 1)
        self.assertEqual(node['image']['backing-image']['format'], 'null-co')
        self.assert_error(
            self.vm, 'blockdev-snapshot', {'node': 'z', 'overlay': 'debug'},
            'Filters cannot be used as overlays')

    def test_json_filename(self):
        self.vm.cmd('blockdev-add', self.options(**{
            'inject-error': [{'event': 'read_aio', 'once': True}]}))
        self.assertEqual(self.filename(), (
            'json:{"inject-error.0.once": true, "image": {"driver": '
            '"null-co", "size": 1048576}, "driver": "blkdebug", '
            '"inject-error.0.event": "read_aio"}'))

    def test_perms(self):
        self.vm.cmd('blockdev-add', self.options(**{
            'take-child-perms': ['write'], 'unshare-child-perms': ['write']}))
        edge, = self.vm.cmd('x-debug-query-block-graph')['edges']
        self.assertEqual(edge['perm'], ['write'])
        self.assertNotIn('write', edge['shared-perm'])

    def test_reopen(self):
        self.vm.cmd('blockdev-add', {'driver': 'null-co', 'node-name': 'z'})
        self.vm.cmd('blockdev-add', self.options(image='z'))
        self.vm.cmd('blockdev-reopen', {'options': [
            self.options(image='z', **{'read-only': True})]})
        self.assert_error(self.vm, 'blockdev-reopen', {'options': [
            self.options(image='z', align=512)]},
            "Cannot change the option 'align'")

    @ours_only('needs to resize the image then')
    def test_odd_end(self):
        """The image's size is no multiple of the unit."""
        image = images.make(self.path('a.img'), 10 * 512, [(0, 5120, 7)])
        self.vm.cmd('blockdev-add', {
            'driver': 'blkdebug', 'node-name': 'debug', 'align': 4096,
            'image': {'driver': 'file', 'filename': image}})
        server = exports.Server(self.vm)
        server.add('debug')
        guest = server.connect('debug')
        guest.pwrite(b'y' * 512, 9 * 512)
        self.assertEqual(guest.pread(1024, 8 * 512),
                         b'\7' * 512 + b'y' * 512)
        exports.disconnect(guest)
        self.assertEqual(os.path.getsize(image), 5120)


if __name__ == '__main__':
    case.main()
