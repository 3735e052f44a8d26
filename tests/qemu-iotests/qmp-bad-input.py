#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Bad input on QMP: a clear error, and every other client is served on."""

import json
import socket
import threading

from lib import case
from lib.case import ours_only
from lib.qmp import QMP, Closed

PARSE = 'JSON parse error, '
EXPECTING = PARSE + 'expecting value'
NOT_OBJECT = 'QMP input must be a JSON object'
DEPTH = 'JSON nesting depth limit exceeded'


def with_id(text):
    return '{"execute": "query-version", "id": ' + text + '}'


class BadInput(case.Case):

    def setUp(self):
        super().setUp()
        self.unix = self.path('qmp')
        self.vm = self.daemon(
            '--chardev', f'socket,id=u,path={self.unix},server=on,wait=off',
            '--monitor', 'u')

    def client(self):
        """A second, negotiated client; the first one watches."""
        client = self.vm.connect(self.unix)
        self.addCleanup(client.close)
        return client

    def answers(self, data, client=None):
        """The error texts that DATA brings; a good request must follow it."""
        client = client or self.client()
        client.send_raw(data if isinstance(data, bytes) else data.encode())
        client.send_raw('\n{"execute": "query-block", "id": "end"}\n')
        out = []
        while True:
            reply = client.recv_reply()
            if reply.get('id') == 'end':
                self.assertEqual(reply['return'], [])
                client.close()
                self.assert_served()
                return out
            self.assertEqual(reply['error']['class'], 'GenericError')
            out.append(reply['error']['desc'])

    def assert_served(self):
        self.assertEqual(self.vm.cmd('query-block'), [])

    def pour(self, data):
        """Sends DATA while reading what comes back; the answers."""
        client = self.client()

        def send():
            try:
                client.send_raw(data)
                client.sock.shutdown(socket.SHUT_WR)
            except OSError:
                pass

        sender = threading.Thread(target=send)
        sender.start()
        try:
            return client.recv_until_closed()
        finally:
            client.close()
            sender.join()

    def assert_errors(self, data, *descs):
        self.assertEqual(self.answers(data), list(descs), data)

    def test_words(self):
        self.assert_errors('nan', PARSE + "invalid keyword 'nan'")
        self.assert_errors('abc def', PARSE + "invalid keyword 'abc'",
                           PARSE + "invalid keyword 'def'")
        self.assert_errors('{a:1}', PARSE + "invalid keyword 'a'")
        self.assert_errors(with_id('tru'), PARSE + "invalid keyword 'tru'")

    def test_structure(self):
        self.assert_errors('}', EXPECTING)
        self.assert_errors(']', EXPECTING)
        self.assert_errors('[1]]]', NOT_OBJECT, EXPECTING, EXPECTING)
        self.assert_errors('{"a" 1}', PARSE + 'missing : in object pair')
        self.assert_errors('{"a": 1,}', EXPECTING)
        self.assert_errors('{"a":}', EXPECTING)
        self.assert_errors('[1 2]', PARSE + 'expected separator in list')
        self.assert_errors('{"execute": "query-version", "execute": "quit"}',
                           PARSE + 'duplicate key')
        self.assert_errors(with_id('{"a": 1, "a": 1}'),
                           PARSE + 'duplicate key')

    def test_stray_characters(self):
        self.assert_errors('@', PARSE + "stray '@'")
        self.assert_errors('%s', PARSE + "stray '%'")
        self.assert_errors('#\n\n!', PARSE + "stray '#'", PARSE + "stray '!'")
        self.assert_errors(b'\x00', PARSE + "stray ''")
        self.assert_errors(b'\xff', PARSE + "stray '\ufffd'")

    def test_request_after_garbage_in_one_packet(self):
        client = self.client()
        client.send_raw('@@ {"execute": "query-block", "id": 1}\n')
        self.assertEqual(client.recv()['error']['desc'], PARSE + "stray '@'")
        self.assertEqual(client.recv(), {'return': [], 'id': 1})

    def test_not_a_number(self):
        self.assert_errors(with_id('NaN'), PARSE + "stray 'N'", EXPECTING)
        self.assert_errors(with_id('01'), PARSE + "stray '01'", EXPECTING)
        self.assert_errors(with_id('-'), PARSE + "stray '-}'")

    @ours_only('accepts 1e999 and answers with `inf`, which is no JSON')
    def test_infinity(self):
        self.assertEqual(len(self.answers(with_id('1e999'))), 1)

    def test_large_integers(self):
        client = self.client()
        for text in ('18446744073709551615', '-9223372036854775808',
                     '9223372036854775807'):
            client.send_raw(with_id(text))
            self.assertTrue(client.recv_line().endswith(
                b'"id": ' + text.encode() + b'}'))

    @ours_only('turns integers beyond 64 bits into doubles')
    def test_too_large_integers(self):
        for text in '18446744073709551616', '-9223372036854775809':
            self.assertEqual(len(self.answers(with_id(text))), 1)

    def test_strings(self):
        # (what QEMU says when the rest of the line follows)
        self.assert_errors('"open', PARSE + "stray '\"open\n'")
        self.assert_errors(with_id('"a\tb"'), PARSE + "stray '\"a\t'",
                           EXPECTING)
        self.assert_errors(with_id('"a\x01b"'), PARSE + "stray '\"a\x01'",
                           EXPECTING)
        self.assert_errors(with_id('"\\x"'),
                           PARSE + 'invalid escape sequence in string')

    def test_surrogates(self):
        for text, code in ('"\\ud800"', 'd800'), ('"\\udc00x"', 'dc00'), \
                ('"\\ud834\\u0041"', 'd834'):
            self.assert_errors(
                with_id(text),
                PARSE + f'\\u{code} is not a valid Unicode character')

    def test_utf8(self):
        start, end = b'{"execute": "query-version", "id": "', b'"}'
        self.assert_errors(start + b'\xed\xa0\x80' + end,
                           PARSE + 'invalid UTF-8 sequence in string')
        self.assert_errors(start + b'\xff' + end,
                           PARSE + "stray '\"\ufffd'", EXPECTING)

    def test_depth(self):
        client = self.client()
        # The object around it is a level of its own.
        client.send_raw(with_id('[' * 1023 + ']' * 1023))
        self.assertIn(b'"return"', client.recv_line())
        client.close()
        self.assert_errors('[' * 1024 + ']' * 1024, NOT_OBJECT)

    def test_too_deep(self):
        client = self.client()
        client.send_raw('[' * 1025)
        self.assertEqual(client.recv()['error']['desc'], DEPTH)
        client.send_raw(']\n{"execute": "query-block", "id": "end"}\n')
        while client.recv().get('id') != 'end':
            pass
        self.assert_served()

    @ours_only('reads a byte at a time, so this takes minutes')
    def test_very_deep(self):
        self.assertIn(b'JSON nesting depth limit exceeded',
                      self.pour(b'[' * 5000000))
        self.assert_served()

    @ours_only('reads a byte at a time, so this takes minutes')
    def test_huge_documents(self):
        for text in ('{"execute": "' + 'a' * (80 << 20) + '"}',
                     '[' + '{},' * (200 << 10) + '{}]'):
            self.assertIn(b'"error"', self.pour(text.encode()))
            self.assert_served()
        with open(f'/proc/{self.vm.pid}/status', encoding='ascii') as f:
            peak_kib = [int(line.split()[1]) for line in f
                        if line.startswith('VmHWM')][0]
        self.assertLess(peak_kib, 1 << 20)

    def test_long_strings(self):
        client = self.client()
        text = 'a' * 100000
        client.send_raw(with_id(f'"{text}"'))
        self.assertEqual(client.recv()['id'], text)

    def test_half_document_and_gone(self):
        for text in ('{', '{"execute": "quit"', '{"execute": "quit', '"', '[',
                     '{"execute": "quit", "id": "\\u', '\\', 'tru'):
            client = self.client()
            client.send_raw(text)
            client.close()
            self.assert_served()
        self.assertTrue(self.vm.alive())
        # The next client starts with a clean slate.
        client = self.client()
        self.assertEqual(client.cmd('query-block'), [])

    def test_gone_without_a_word(self):
        for _ in range(20):
            QMP.unix(self.unix).close()
        self.assert_served()

    def test_gone_in_negotiation(self):
        for _ in range(10):
            client = self.vm.connect(self.unix, negotiate=False)
            client.send_raw('{"execute": "qmp_capabilities"}' * 3)
            client.close()
        self.assert_served()

    def test_reads_no_replies(self):
        """A client that only asks is stopped, not buffered for ever."""
        client = self.client()
        client.sock.setblocking(False)
        request = b'{"execute": "query-qmp-schema"}\n' * 100
        sent = 0
        try:
            while sent < 64 << 20:
                sent += client.sock.send(request)
        except BlockingIOError:
            pass
        self.assertLess(sent, 64 << 20)
        self.assert_served()
        client.close()
        self.assert_served()

    @ours_only('the monitor socket can be dead for good')
    def test_replies_unread_and_gone(self):
        for _ in range(5):
            client = self.client()
            client.send_raw(b'\x00\xff@}' * 1000 +
                            b'{"execute": "query-qmp-schema"}\n' * 200)
            client.close()
            self.assert_served()
        self.assertEqual(self.client().cmd('query-block'), [])

    def test_wrong_types_everywhere(self):
        names = [c['name'] for c in self.vm.cmd('query-commands')]
        names = [n for n in names if n not in ('quit', 'qmp_capabilities')]
        for name in names:
            for value in [[]], {'': {}}, {'a': 1, 'b': []}, {'x' * 5000: 1}:
                reply = self.vm.execute(name, value)
                self.assertEqual(reply['error']['class'], 'GenericError',
                                 f'{name} {value}')
        # And wrong types for members that are known.
        for name, member in (
                ('blockdev-add', 'driver'), ('blockdev-del', 'node-name'),
                ('block-export-add', 'type'), ('block-export-del', 'id'),
                ('nbd-server-start', 'addr'), ('transaction', 'actions'),
                ('block-dirty-bitmap-add', 'node'),
                ('block-dirty-bitmap-merge', 'bitmaps'),
                ('blockdev-backup', 'device'), ('job-cancel', 'id')):
            for value in 1, 1.5, True, None, [1], {'a': 1}, 'x\u0000':
                reply = self.vm.execute(name, {member: value})
                self.assertIn(reply['error']['class'],
                              ('GenericError', 'DeviceNotActive'),
                              f'{name} {member} {value}')
        self.assert_served()

    def test_random_bytes(self):
        """The same bytes each time; whatever they say, no crash."""
        state = 12345
        data = bytearray()
        alphabet = b'{}[]:,"\'\\u0123tfn-+.e \n\x00\xff\xc3\xa9ab%'
        for _ in range(20000):
            state = (state * 1103515245 + 12345) & 0x7fffffff
            data.append(alphabet[(state >> 16) % len(alphabet)])
        client = self.client()
        client.send_raw(bytes(data))
        # (whatever is open, this closes)
        client.send_raw(b'\n' + b']}' * 3000 + b'\n')
        client.send_raw('{"execute": "query-block", "id": "end"}\n')
        try:
            while client.recv().get('id') != 'end':
                pass
        except (Closed, json.JSONDecodeError):
            pass
        self.assert_served()


if __name__ == '__main__':
    case.main()
