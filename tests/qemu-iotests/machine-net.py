#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Networks by name: made, connected with cards that are plugged in, forgotten.
No packet goes anywhere."""

import array
import os
import socket

from lib import case, hmp
from lib.case import ours_only
from lib.machine import MachineCase

PORTS = [word for i in range(4) for word in (
    '-device', f'pcie-root-port,id=p{i},bus=pcie.0,chassis={i + 1}')]

WRONG = [
    ({}, "Parameter 'id' is missing"),
    ({'type': 'user'}, "Parameter 'id' is missing"),
    ({'id': 'n1'}, "Parameter 'type' is missing"),
    ({'type': 'user', 'id': 'n0'}, "Duplicate ID 'n0'"),
    ({'type': 'user', 'id': '1n'}, "Parameter 'id' expects an identifier"),
    ({'type': 'user', 'id': ''}, "Parameter 'id' expects an identifier"),
    ({'type': 'foo', 'id': 'n1'},
     "Parameter 'type' does not accept value 'foo'"),
    ({'type': 'nic', 'id': 'n1'},
     "network backend 'nic' is not compiled into this binary"),
    ({'type': 'user', 'id': 'n1', 'foo': 1}, "Parameter 'foo' is unexpected"),
    ({'type': 'user', 'id': 'n1', 'restrict': 'x'},
     "Invalid parameter type for 'restrict', expected: boolean"),
    ({'type': 'user', 'id': 'n1', 'hostfwd': 'tcp::0-:22'},
     "Invalid parameter type for 'hostfwd', expected: array"),
    ({'type': 'socket', 'id': 'n1'},
     'exactly one of listen=, connect=, mcast= or udp= is required'),
    ({'type': 'hubport', 'id': 'n1'}, "Parameter 'hubid' is missing"),
    ({'type': 'hubport', 'id': 'n1', 'hubid': 0, 'netdev': 'nope'},
     "netdev 'nope' not found"),
    ({'type': 'dgram', 'id': 'n1'}, 'dgram requires local= parameter'),
    ({'type': 'tap', 'id': 'n1', 'fd': 'nofd'},
     "File descriptor named 'nofd' has not been found"),
    ({'type': 'vhost-vdpa', 'id': 'n1'},
     'vhost-vdpa: neither vhostdev= nor vhostfd= was specified'),
]

LINES = [
    ('netdev_add user,id=n0', "Error: Duplicate ID 'n0'\n"),
    ('netdev_add user,id=m0,hostfwd=tcp::0-:22', ''),
    ('netdev_add type=user,id=m1,restrict=on', ''),
    ('netdev_add user,id=m2,foo=1', "Error: Invalid parameter 'foo'\n"),
    ('netdev_add user', "Error: Parameter 'id' is missing\n"),
    ('netdev_add id=m2', "Error: Parameter 'type' is missing\n"),
    ('set_link m0 off', ''),
    ('netdev_del m0', ''),
    ('netdev_del m0', "Error: Device 'm0' not found\n"),
]


class Net(MachineCase):
    def start(self):
        vm = self.machine('-machine', 'q35', *PORTS)
        vm.cmd('netdev_add', {'type': 'user', 'id': 'n0'})
        return vm

    def plug(self, vm, port, **more):
        return {'driver': 'virtio-net-pci', 'bus': f'p{port}', **more}

    def test_wrong(self):
        vm = self.start()
        for args, text in WRONG:
            with self.subTest(args=args):
                self.assert_error(vm, 'netdev_add', args, text)
        for name, args in (('netdev_del', {'id': 'n1'}),
                           ('set_link', {'name': 'n1', 'up': True})):
            self.assert_error(vm, name, args, "Device 'n1' not found",
                              cls='DeviceNotFound')

    def test_card(self):
        """What clients do to plug a card in, and to take it out again."""
        vm = self.start()
        prop = "Property 'virtio-net-device.netdev'"
        self.assert_error(vm, 'device_add', self.plug(vm, 0, netdev='n1'),
                          f"{prop} can't find value 'n1'")
        vm.cmd('device_add', self.plug(vm, 0, id='nic0', netdev='n0'))
        self.assert_error(vm, 'device_add', self.plug(vm, 1, netdev='n0'),
                          f"{prop} can't take value 'n0', it's in use")
        vm.cmd('set_link', {'name': 'nic0', 'up': False})
        vm.cmd('set_link', {'name': 'n0', 'up': True})
        self.assert_error(vm, 'query-rx-filter', {'name': 'n0'},
                          "net client(n0) isn't a NIC")
        self.assert_error(vm, 'netdev_del', {'id': 'nic0'},
                          "Device 'nic0' not found", cls='DeviceNotFound')
        vm.cmd('netdev_del', {'id': 'n0'})
        vm.cmd('netdev_add', {'type': 'user', 'id': 'n0', 'hostfwd': []})

    def test_hub(self):
        vm = self.start()
        vm.cmd('netdev_add', {'type': 'hubport', 'id': 'h0', 'hubid': 0,
                              'netdev': 'n0'})
        self.assert_error(vm, 'device_add', self.plug(vm, 1, netdev='n0'),
                          "Property 'virtio-net-device.netdev' can't take "
                          "value 'n0', it's in use")

    def test_people(self):
        vm = self.start()
        for line, text in LINES:
            self.assertEqual(hmp.run(vm, line), text, line)

    @ours_only('QEMU wants a device of its host')
    def test_descriptor(self):
        """One that came for a network is no longer named, and closed."""
        vm = self.start()
        here, there = os.pipe()
        vm.qmp.sock.sendmsg(
            [b'{"execute":"getfd","arguments":{"fdname":"t"}}'],
            [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
              array.array('i', [there]))])
        self.assertEqual(vm.qmp.recv_reply(), {'return': {}})
        os.close(there)
        vm.cmd('netdev_add', {'type': 'tap', 'id': 't0', 'fd': 't'})
        with open(here, 'rb') as f:
            self.assertEqual(f.read(), b'')
        self.assert_error(vm, 'closefd', {'fdname': 't'},
                          "File descriptor named 't' not found")

    def test_options(self):
        vm = self.machine('-machine', 'q35', *PORTS, '-netdev',
                          '{"type":"user","id":"j0"}', '-netdev', 'user,id=k0',
                          '-device', 'virtio-net-pci,netdev=j0,id=nic0',
                          '-device', 'virtio-net-pci,netdev=k0,id=nic1')
        self.assert_error(vm, 'netdev_add', {'type': 'user', 'id': 'k0'},
                          "Duplicate ID 'k0'")
        vm.cmd('netdev_del', {'id': 'j0'})


if __name__ == '__main__':
    case.main()
