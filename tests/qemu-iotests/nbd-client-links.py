#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Connections of the driver nbd: several at once, lost ones, late ones, and
the extended form of requests."""

import json
import os
import struct
import threading

from lib import case, images, program, tools
from lib.case import ours_only
from lib.nbd_peer import CHUNKS, FLAGS, SIZE, ClientCase, chunk, reply

READ, WRITE, FLUSH, STATUS = 0, 1, 3, 7
MULTI = 256
EXT_REQUEST = '>IHHQQQ'


def answers(flags=FLAGS, size=SIZE):
    go = reply(7, 3, struct.pack('>HQH', 0, size, flags)) + reply(7, 1)
    return {**CHUNKS, 7: go}


def data(cookie, offset, count, byte=b'\0'):
    return chunk(1, 1, cookie, struct.pack('>Q', offset) + byte * count)


def answer(peer, command, cookie, offset, count):
    """What an honest server says: all is zeroes."""
    if command == READ:
        peer.send(data(cookie, offset, count))
    elif command == STATUS:
        peer.send(chunk(1, 5, cookie, struct.pack('>III', 7, count, 0)))
    else:
        peer.send(chunk(1, 0, cookie))


class Several(ClientCase):
    """Each connection holds its first answer back until all there shall be
    have been asked: a client that uses fewer waits for ever."""

    def opts(self, **options):
        return ','.join(['driver=nbd', 'server.type=unix',
                         f'server.path={self.sock}',
                         *(f'{k}={v}' for k, v in options.items())])

    def io(self, *commands, **options):
        return tools.io(None, *commands, options=(
            '--image-opts', self.opts(**options)), check=False)

    def gathering(self, links, flags=FLAGS | MULTI):
        """A server that answers no read until LINKS connections are there and,
        from the second round on, each has been asked."""
        there = threading.Barrier(links)
        asked = threading.Barrier(links)
        self.peers = []

        def talk(peer):
            peer.negotiate(answers(flags))
            peer.log = []
            self.peers.append(peer)
            rounds = [there, asked]
            if self.peers[0] is not peer:
                rounds.pop(0).wait(50)

            def handle(peer, command, cookie, offset, count):
                peer.log.append(command)
                if command == READ and rounds:
                    rounds.pop(0).wait(50)
                answer(peer, command, cookie, offset, count)
            peer.serve(handle)
        self.server(talk)

    @ours_only('has one connection')
    def test_spread(self):
        self.gathering(4)
        # The first read ends when all four are there; those after it must
        # each get one to end.
        done = self.io('read 0 4k', *['aio_read 0 4k'] * 64, 'aio_flush',
                       'write 0 4k', 'flush', **{'multi-conn': 4})
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertEqual(len(self.peers), 4)
        self.assertEqual(sum(p.log.count(FLUSH) for p in self.peers), 1)

    @ours_only('has one connection')
    def test_server_says_no(self):
        self.gathering(1, FLAGS)
        done = self.io('read 0 4k', 'write 0 4k', 'flush',
                       **{'multi-conn': 4})
        self.assertEqual(done.returncode, 0)
        self.assertEqual(len(self.peers), 1)

    @ours_only('has one connection')
    def test_bounds(self):
        vm = self.daemon()
        for number in 0, 17:
            self.assert_refused(vm, "Parameter 'multi-conn' expects 1 to 16",
                                **{'multi-conn': number})

    @ours_only('has one connection')
    def test_one_dies(self):
        """The calls of a lost connection fail; the others serve on."""
        gate = threading.Event()
        count = []

        def talk(peer):
            peer.negotiate(answers(FLAGS | MULTI))
            count.append(peer)
            if len(count) == 2:
                gate.set()
                peer.recv(28)
                return  # dies with the first request in it

            def handle(peer, *request):
                gate.wait(50)
                answer(peer, *request)
            peer.serve(handle)
        self.server(talk)
        done = self.io('read 0 4k', *['aio_read 0 4k'] * 8, 'aio_flush',
                       'read 0 4k', **{'multi-conn': 2})
        # The second connection had up to half of those eight.
        lost = done.stdout.count('Input/output error')
        self.assertIn(lost, range(1, 5), done.stdout)
        self.assertEqual(done.stdout.count('read 4096/4096'), 10 - lost)

    def test_own_server(self):
        """Data over several connections is what it was."""
        image = images.make(self.path('disk.img'), SIZE)
        vm = self.daemon('--blockdev', f'file,node-name=d,filename={image}')
        vm.cmd('nbd-server-start',
               addr={'type': 'unix', 'data': {'path': self.sock}})
        self.export(vm, 'd', 'e')
        several = {} if program.is_oracle() else {'multi-conn': 8}
        self.io(*[f'aio_write -P {i + 1} {i}k 1k' for i in range(64)],
                'aio_flush', 'flush', export='e', **several)
        with open(image, 'rb') as f:
            got = f.read(64 << 10)
        self.assertEqual(got, b''.join(
            bytes([i + 1]) * 1024 for i in range(64)))


class Loss(ClientCase):

    def add_node(self, **options):
        vm = self.daemon()
        self.assertEqual(self.add(vm, **options), {'return': {}})
        vm.cmd('nbd-server-start',
               addr={'type': 'unix', 'data': {'path': self.path('own')}})
        self.export(vm, 'n', 'n')
        return vm, f"nbd+unix:///n?socket={self.path('own')}"

    def test_replayed(self):
        """What was under way is asked again of the next connection."""
        seen = []

        def talk(peer):
            peer.negotiate(answers())
            seen.append([])

            def handle(peer, *request):
                seen[-1].append(request[0])
                if request[0] == WRITE and len(seen) == 1:
                    raise EOFError
                answer(peer, *request)
            peer.serve(handle)
        self.server(talk)
        _, uri = self.add_node(**{'reconnect-delay': 50})
        done = tools.io(uri, 'read 0 4k', 'write -P 1 0 4k', 'flush')
        self.assertIn('wrote 4096/4096', done.stdout)
        self.assertIn(WRITE, seen[1])

    def test_fails_at_once(self):
        def talk(peer):
            peer.negotiate(answers())
            peer.recv(28)
        self.server(talk)
        _, uri = self.add_node()
        done = tools.io(uri, 'read 0 4k', check=False)
        self.assertIn('read failed: Input/output error', done.stdout)

    def test_fails_after_delay(self):
        last = []

        def talk(peer):
            if last:
                return
            last.append(1)
            peer.negotiate(answers())
            peer.recv(28)
        self.server(talk)
        _, uri = self.add_node(**{'reconnect-delay': 1})
        done = tools.io(uri, 'read 0 4k', 'read 0 4k', check=False)
        self.assertEqual(done.stdout.count('Input/output error'), 2)

    @ours_only('takes whatever has the name')
    def test_another_disk(self):
        """A server that came back with another size is not used."""
        sizes = [SIZE, 2 * SIZE]
        asked = []

        def talk(peer):
            size = sizes.pop(0) if sizes else SIZE
            first = len(sizes) == 1
            peer.negotiate(answers(size=size))
            if first:
                raise EOFError

            def handle(peer, *request):
                asked.append((size, request[0]))
                answer(peer, *request)
            peer.serve(handle)
        self.server(talk)
        _, uri = self.add_node(**{'reconnect-delay': 50})
        self.assertIn('read 4096/4096', tools.io(uri, 'read 0 4k').stdout)
        self.assertIn((SIZE, READ), asked)
        self.assertNotIn(2 * SIZE, [size for size, _ in asked])

    def test_killed_under_load(self):
        """A server that is killed and started anew loses no write."""
        image = images.make(self.path('disk.img'), SIZE)
        args = ('--blockdev', f'file,node-name=d,filename={image}',
                '--nbd-server', f'addr.type=unix,addr.path={self.sock}',
                '--export', 'nbd,id=e,name=,node-name=d,writable=on')
        server = self.daemon(*args)
        _, uri = self.add_node(**{'reconnect-delay': 50})
        commands = [f'aio_write -P {i % 255 + 1} {i % 256 * 4}k 4k'
                    for i in range(1024)]
        guest = threading.Thread(target=lambda: results.append(tools.io(
            uri, *commands, 'aio_flush', 'flush')))
        results = []
        guest.start()
        for _ in range(3):
            server.expect_crash = True
            server.popen.kill()
            server.popen.wait()
            if os.path.exists(self.sock):
                os.unlink(self.sock)
            server = self.daemon(*args)
        guest.join()
        self.assertEqual(results[0].stdout.count('wrote 4096/4096'), 1024)
        with open(image, 'rb') as f:
            for i in range(256):
                self.assertIn(f.read(4096), [
                    bytes([k % 255 + 1]) * 4096
                    for k in range(i, 1024, 256)], i)

    def test_open_timeout(self):
        vm = self.daemon()
        self.assert_refused(vm, f"Failed to connect to '{self.sock}': No such "
                                'file or directory', **{'open-timeout': 1})
        timer = threading.Timer(0.2, self.disk_server)
        timer.start()
        self.assertEqual(self.add(vm, export='e', **{'open-timeout': 50}),
                         {'return': {}})
        timer.join()


@ours_only('has no extended headers')
class Extended(ClientCase):
    size = 1 << 40

    def ext_answers(self):
        return {**answers(size=self.size), 11: reply(11, 1)}

    def ext(self, handle):
        def talk(peer):
            peer.negotiate(self.ext_answers())
            peer.serve(handle, EXT_REQUEST)
        self.server(talk)

    @staticmethod
    def chunk(flags, kind, cookie, offset, content=b'', count=None):
        return struct.pack('>IHHQQQ', 0x6e8a278c, flags, kind, cookie, offset,
                           len(content) if count is None else count) + content

    def status(self, cookie, offset, count, flags, n=1):
        return self.chunk(1, 6, cookie, offset, struct.pack(
            '>IIQQ', 7, n, count, flags))

    def test_one_status_for_a_tebibyte(self):
        asked = []

        def handle(peer, command, cookie, offset, count):
            asked.append((command, offset, count))
            peer.send(self.status(cookie, offset, count, 3))
        self.ext(handle)
        done = tools.img('map', '--output=json', '-f', 'raw', self.uri('e'))
        self.assertEqual([(e['start'], e['length'], e['zero'])
                          for e in json.loads(done.stdout)],
                         [(0, self.size, True)])
        self.assertIn((STATUS, 0, self.size), asked)

    def test_data(self):
        def handle(peer, command, cookie, offset, count):
            content = struct.pack('>Q', offset) + b'\5' * count
            peer.send(self.chunk(1, 1, cookie, offset, content)
                      if command == READ else
                      self.chunk(1, 0, cookie, offset))
        self.ext(handle)
        far = self.size - 4096
        done = tools.io(self.uri('e'), f'read -P 5 {far} 4k',
                        f'write {far} 4k', 'flush')
        self.assertIn('wrote 4096/4096', done.stdout)

    def assert_fails(self, make):
        def handle(peer, command, cookie, offset, count):
            peer.send(make(cookie, offset, count))
        self.ext(handle)
        done = tools.io(self.uri('e'), 'read 4k 4k', check=False)
        self.assertIn('read failed: Input/output error', done.stdout)

    def test_plain_chunk(self):
        self.assert_fails(data)

    def test_simple_reply(self):
        self.assert_fails(lambda c, o, n: struct.pack(
            '>IIQ', 0x67446698, 0, c) + bytes(n))

    def test_huge_chunk(self):
        self.assert_fails(lambda c, o, n: self.chunk(1, 1, c, o, b'',
                                                     (1 << 64) - 1))

    def test_wrong_offset(self):
        self.assert_fails(lambda c, o, n: self.chunk(
            1, 1, c, o, struct.pack('>Q', 0) + bytes(n)))

    def check_status(self, make):
        """A status that makes no sense is an error, not a map."""
        def handle(peer, command, cookie, offset, count):
            peer.send(make(cookie, offset, count))
        self.ext(handle)
        done = tools.img('map', '-f', 'raw', self.uri('e'), check=False)
        self.assertEqual(done.returncode, 1)

    def test_status_count(self):
        self.check_status(lambda c, o, n: self.status(c, o, n, 0, n=2))

    def test_status_empty(self):
        self.check_status(lambda c, o, n: self.status(c, o, 0, 0))

    def test_status_of_the_other_form(self):
        self.check_status(lambda c, o, n: self.chunk(
            1, 5, c, o, struct.pack('>III', 7, 4096, 0)))


if __name__ == '__main__':
    case.main()
