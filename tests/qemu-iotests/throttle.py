#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""throttle-group objects and throttle nodes: names, limits, life; that
requests go in the end, and do not hold up changes of the graph."""

import json
import socket

from lib import case, exports
from lib.case import ours_only
from lib.images import KIB, MIB


class Throttled(case.Case):

    def setUp(self):
        super().setUp()
        self.vm = self.daemon()
        self.vm.cmd('blockdev-add', {'driver': 'null-co', 'node-name': 'z',
                                     'size': MIB, 'read-zeroes': True})

    def group(self, name, **limits):
        limits = {k.replace('_', '-'): v for k, v in limits.items()}
        self.vm.cmd('object-add', {'qom-type': 'throttle-group', 'id': name,
                                   'limits': limits})

    def options(self, name, group, file='z'):
        return {'driver': 'throttle', 'node-name': name, 'file': file,
                'throttle-group': group}

    def add(self, *args):
        self.vm.cmd('blockdev-add', self.options(*args))

    def refused(self, command, desc, **args):
        self.assert_error(self.vm, command, args, desc)


class Groups(Throttled):

    def limits_refused(self, desc, **limits):
        self.refused('object-add', desc, **{
            'qom-type': 'throttle-group', 'id': 'g',
            'limits': {k.replace('_', '-'): v for k, v in limits.items()}})

    def test_names(self):
        self.group('g')
        for qom_type in 'throttle-group', 'authz-list':
            self.refused('object-add', "attempt to add duplicate property 'g' "
                         "to object (type 'container')",
                         id='g', **{'qom-type': qom_type})
        self.refused('object-add', "Parameter 'id' expects an identifier",
                     id='1', **{'qom-type': 'throttle-group'})
        self.refused('object-del', "object 'nosuch' not found", id='nosuch')
        self.vm.cmd('object-del', {'id': 'g'})
        self.group('g')

    def test_limits(self):
        self.limits_refused(
            'bps/iops/max total values and read/write values cannot be used '
            'at the same time', iops_total=10, iops_read=5)
        self.limits_refused('iops size requires an iops value to be set',
                            iops_size=4096)
        for bad in -1, 10 ** 15 + 1:
            self.limits_refused('bps/iops/max values must be within [0, '
                                '1000000000000000]', bps_total=bad)
        self.limits_refused('bps_max/iops_max cannot be lower than bps/iops',
                            bps_total=10, bps_total_max=5)
        self.limits_refused('bps_max/iops_max require corresponding bps/iops '
                            'values', bps_total_max=5)
        self.limits_refused('burst length set without burst rate',
                            bps_total=10, bps_total_max_length=5)
        self.limits_refused('the burst length cannot be 0',
                            bps_total=10, bps_total_max_length=0)
        self.limits_refused('burst length too high for this burst rate',
                            bps_total=10, bps_total_max=10 ** 14,
                            bps_total_max_length=50000)
        self.limits_refused('bps-total-max-length value must be in the range '
                            '[0, 4294967295]', bps_total=10,
                            bps_total_max=100,
                            bps_total_max_length=5000000000)

    def test_command_line(self):
        vm = self.daemon('--object',
                         'throttle-group,id=g,limits.iops-total=10',
                         '--blockdev', 'throttle,node-name=t,throttle-group=g,'
                         'file.driver=null-co')
        self.assert_error(vm, 'object-del', {'id': 'g'},
                          "object 'g' is in use, can not be deleted")


class Nodes(Throttled):

    def test_group_must_exist(self):
        self.vm.cmd('object-add', {'qom-type': 'authz-list', 'id': 'other'})
        for name in 'nosuch', 'other':
            self.refused('blockdev-add',
                         f"Throttle group '{name}' does not exist",
                         **self.options('t', name))
        self.refused('blockdev-add', "Parameter 'throttle-group' is missing",
                     driver='throttle', file='z')

    def test_in_use(self):
        self.group('g')
        self.add('t', 'g')
        self.add('u', 'g', 't')
        self.vm.cmd('blockdev-del', {'node-name': 'u'})
        self.refused('object-del', "object 'g' is in use, can not be deleted",
                     id='g')
        self.vm.cmd('blockdev-del', {'node-name': 't'})
        self.vm.cmd('object-del', {'id': 'g'})

    def test_query(self):
        self.group('g')
        self.add('t', 'g')
        node, = [n for n in self.vm.cmd('query-named-block-nodes')
                 if n['node-name'] == 't']
        self.assertEqual(node['drv'], 'throttle')
        self.assertEqual(node['iops'], 0)
        self.assertEqual(node['image']['virtual-size'], MIB)
        self.assertEqual(node['file'], (
            'json:{"throttle-group": "g", "driver": "throttle", "file": '
            '{"read-zeroes": true, "driver": "null-co", "size": 1048576}}'))
        self.assertEqual(node['backing_file_depth'], 1)
        self.assertNotIn('backing_file', node)
        self.assertEqual(node['image']['backing-image']['format'], 'null-co')
        node = self.vm.cmd('query-named-block-nodes', {'flat': True})[0]
        self.assertEqual(node['backing_file_depth'], 0)
        self.assertNotIn('backing-image', node['image'])

    def test_reopen(self):
        self.group('g')
        self.group('h')
        self.add('t', 'g')
        self.vm.cmd('blockdev-reopen', {'options': [self.options('t', 'h')]})
        self.refused('object-del', "object 'h' is in use, can not be deleted",
                     id='h')
        self.vm.cmd('object-del', {'id': 'g'})
        self.refused('blockdev-reopen', "Throttle group 'g' does not exist",
                     options=[self.options('t', 'g')])
        self.refused('blockdev-reopen',
                     "Failed to find node with node-name='nosuch'",
                     options=[self.options('t', 'h'),
                              {'driver': 'raw', 'node-name': 'nosuch',
                               'file': 't'}])


class Requests(Throttled):

    def serve(self, *names):
        server = exports.Server(self.vm)
        guests = []
        for name in names:
            server.add(name)
            guests.append(server.connect(name))
            self.addCleanup(self.part, guests[-1])
        return guests

    @staticmethod
    def part(guest):
        try:
            exports.disconnect(guest)
        except exports.nbd.Error:
            pass  # the daemon has gone

    def send(self, guest, n, length=4 * KIB):
        """Cookies of N writes that are under way."""
        data = exports.nbd.Buffer.from_bytearray(bytearray(length))
        return [guest.aio_pwrite(data, i * length) for i in range(n)]

    def finish(self, guest, cookies):
        while cookies:
            guest.poll(-1)
            cookies = [c for c in cookies if not guest.aio_command_completed(c)]

    def test_all_go(self):
        self.group('g', iops_total=200)
        self.add('t', 'g')
        guest, = self.serve('t')
        guest.pwrite(b'x' * 512, 0)
        self.assertEqual(len(guest.pread(4 * KIB, 0)), 4 * KIB)
        guest.zero(4 * KIB, 0)
        guest.trim(4 * KIB, 0)
        guest.flush()
        self.finish(guest, self.send(guest, 60))

    def test_members_take_turns(self):
        """Of two busy members each gets half, whoever came first."""
        self.group('g', iops_total=100)
        self.add('t', 'g')
        self.add('u', 'g')
        first, second = self.serve('t', 'u')
        many = self.send(first, 150)
        few = self.send(second, 10)
        self.finish(second, few)
        self.assertLess(sum(first.aio_command_completed(c) for c in many), 75)

    def test_reopen_while_they_wait(self):
        self.group('g', iops_total=1)
        self.group('h')
        self.add('t', 'g')
        guest, = self.serve('t')
        cookies = self.send(guest, 20)
        self.vm.cmd('blockdev-reopen', {'options': [self.options('t', 'h')]})
        self.finish(guest, cookies)

    @ours_only('waits for the requests')
    def test_hard_delete(self):
        """The end of an export does not wait for its throttled requests."""
        self.group('g', bps_total=1)
        self.add('t', 'g')
        guest, = self.serve('t')
        self.send(guest, 20)
        self.vm.cmd('block-export-del', {'id': 't', 'mode': 'hard'})
        self.vm.qmp.event('BLOCK_EXPORT_DELETED')
        self.vm.cmd('blockdev-del', {'node-name': 't'})

    @ours_only('waits for the requests, for hours')
    def test_quit(self):
        self.group('g', bps_total=1)
        self.add('t', 'g')
        guest, = self.serve('t')
        self.send(guest, 20)
        self.vm.cmd('quit')
        self.vm.wait()

    def test_end_while_it_opens(self):
        """The signal comes while its file waits for a mute NBD server."""
        self.group('g')
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(self.path('mute'))
            server.listen()
            self.vm.qmp.send_raw(json.dumps({
                'execute': 'blockdev-add', 'arguments': self.options(
                    't', 'g', {'driver': 'nbd', 'server': {
                        'type': 'unix', 'path': self.path('mute')}})}))
            client, _ = server.accept()
            self.vm.popen.terminate()
            client.close()
            self.assertEqual(self.vm.wait(), 0)


if __name__ == '__main__':
    case.main()
