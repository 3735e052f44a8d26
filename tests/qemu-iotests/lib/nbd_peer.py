# SPDX-License-Identifier: GPL-2.0-or-later
"""NBD servers played by hand, byte by byte, for clients under test."""

import socket
import struct
import threading

from . import case

OPTION_REPLY = 0x3e889045565a9
FLAGS = 1 | 4 | 8 | 32 | 64 | 128
SIZE = 1 << 20


def reply(option, kind, data=b''):
    return struct.pack('>QIII', OPTION_REPLY, option, kind, len(data)) + data


def chunk(flags, kind, cookie, data=b''):
    return struct.pack('>IHHQI', 0x668e33ef, flags, kind, cookie,
                       len(data)) + data


class Peer:
    """One connection of a client, read by hand."""

    def __init__(self, sock):
        self.sock = sock

    def recv(self, count):
        data = b''
        while len(data) < count:
            part = self.sock.recv(count - len(data))
            if not part:
                raise EOFError
            data += part
        return data

    def send(self, data):
        self.sock.sendall(data)

    def negotiate(self, answers):
        """ANSWERS: bytes by option number; others are unknown to us."""
        self.send(b'NBDMAGICIHAVEOPT' + struct.pack('>H', 3))
        self.recv(4)
        while True:
            _, option, count = struct.unpack('>QII', self.recv(16))
            self.recv(count)
            answer = answers.get(option, reply(option, 0x80000001))
            self.send(answer)
            if option == 7 and answer.endswith(reply(7, 1)):
                return

    def serve(self, handle, form='>IHHQQI'):
        """Calls HANDLE(peer, command, cookie, offset, count) for each."""
        while True:
            _, _, command, cookie, offset, count = struct.unpack(
                form, self.recv(struct.calcsize(form)))
            if command == 1:
                self.recv(count)
            if command == 2:
                return
            handle(self, command, cookie, offset, count)


INFO = reply(7, 3, struct.pack('>HQH', 0, SIZE, FLAGS)) + reply(7, 1)
CHUNKS = {8: reply(8, 1), 7: INFO,
          10: reply(10, 4, b'\0\0\0\7base:allocation') + reply(10, 1)}


class ClientCase(case.Case):
    def setUp(self):
        super().setUp()
        self.sock = self.path('nbd.sock')

    def server(self, talk):
        """A server whose connections are each TALK(peer)."""
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(self.sock)
        listener.listen(8)
        self.addCleanup(listener.close)

        def serve(conn):
            with conn:
                try:
                    talk(Peer(conn))
                except (EOFError, OSError):
                    pass

        def run():
            while True:
                try:
                    conn = listener.accept()[0]
                except OSError:
                    return
                threading.Thread(target=serve, args=(conn,),
                                 daemon=True).start()
        threading.Thread(target=run, daemon=True).start()

    def uri(self, export=''):
        return f'nbd+unix:///{export}?socket={self.sock}'

    def add(self, vm, **options):
        server = {'type': 'unix', 'path': self.sock}
        return vm.execute('blockdev-add',
                          {'driver': 'nbd', 'node-name': 'n',
                           'server': server, **options})

    def assert_refused(self, vm, desc, **options):
        self.assertEqual(self.add(vm, **options),
                         {'error': {'class': 'GenericError', 'desc': desc}})

    def export(self, vm, node, name, **options):
        vm.cmd('block-export-add', type='nbd', id=name, name=name,
               **{'node-name': node, 'writable': True}, **options)

    def disk_server(self, latency_ns=0):
        """A daemon that exports a disk `e` at our socket."""
        vm = self.daemon('--blockdev', 'null-co,node-name=d,size=1048576,'
                         f'read-zeroes=on,latency-ns={latency_ns}')
        vm.cmd('nbd-server-start',
               addr={'type': 'unix', 'data': {'path': self.sock}})
        self.export(vm, 'd', 'e')
        return vm
