#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A server on a listening socket that the client of a machine's monitor passes
along, so that nobody needs to agree on a path."""

import json
import socket

import nbd

from lib import case, images, machine
from lib.images import MIB


class Passed(machine.MachineCase):

    def setUp(self):
        super().setUp()
        images.make(self.path('disk'), MIB)
        self.vm = self.machine(
            '-machine', 'none', '-blockdev',
            f'driver=file,node-name=n,filename={self.path("disk")}')

    def pass_fd(self, name, fd):
        request = {'execute': 'getfd', 'arguments': {'fdname': name}}
        socket.send_fds(self.vm.qmp.sock, [json.dumps(request).encode()],
                        [fd])
        self.assertEqual(self.vm.qmp.recv_reply(), {'return': {}})

    @staticmethod
    def addr(name):
        return {'addr': {'type': 'fd', 'data': {'str': name}}}

    def test_server(self):
        path = self.path('nbd.sock')
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            listener.listen()
            self.pass_fd('ears', listener.fileno())
        self.vm.cmd('nbd-server-start', self.addr('ears'))
        self.vm.cmd('block-export-add', {'type': 'nbd', 'id': 'e',
                                         'node-name': 'n', 'name': 'n'})
        for _ in range(2):
            handle = nbd.NBD()
            handle.set_export_name('n')
            handle.connect_unix(path)
            self.assertEqual(handle.get_size(), MIB)
            handle.shutdown()
        self.vm.cmd('nbd-server-stop')
        with socket.socket(socket.AF_UNIX) as probe:
            with self.assertRaises(OSError):  # QEMU removes it
                probe.connect(path)
        # The name went with the socket.
        self.assert_error(self.vm, 'nbd-server-start', self.addr('ears'),
                          "File descriptor named 'ears' has not been found")

    def test_refusals(self):
        for name in 'none', '0':
            self.assert_error(
                self.vm, 'nbd-server-start', self.addr(name),
                f"File descriptor named '{name}' has not been found")
        with open(self.path('disk'), 'rb') as disk:
            self.pass_fd('disk', disk.fileno())
        self.assert_error(self.vm, 'nbd-server-start', self.addr('disk'),
                          "File descriptor 'disk' is not a socket")


if __name__ == '__main__':
    case.main()
