#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""NBD over TLS, byte by byte: what goes in the clear."""

import ssl

from lib import case, exports, nbdwire
from lib.case import ours_only
from lib.tls_case import ServerCase


class Wire(ServerCase):
    """The protocol by hand."""

    def setUp(self):
        super().setUp()
        self.creds()
        self.start(tls_creds='tls')

    def wire(self):
        wire = nbdwire.Wire(self.server.path)
        self.addCleanup(wire.close)
        wire.greet()
        return wire

    def secure(self, wire):
        wire.option(nbdwire.OPT_STARTTLS)
        self.assertEqual(wire.option_replies(), [(nbdwire.REP_ACK, b'')])
        context = ssl.create_default_context(
            cafile=self.pki.file('ca-cert.pem'))
        context.check_hostname = False
        context.load_cert_chain(self.pki.file('client-cert.pem'),
                                self.pki.file('client-key.pem'))
        wire.sock = context.wrap_socket(wire.sock)

    def test_nothing_before_tls(self):
        wire = self.wire()
        for number, data in (
                (nbdwire.OPT_LIST, b''), (nbdwire.OPT_LIST, b'x'),
                (nbdwire.OPT_INFO, nbdwire.go_data('disk')),
                (nbdwire.OPT_GO, nbdwire.go_data('disk')),
                (nbdwire.OPT_STRUCTURED, b''),
                (nbdwire.OPT_LIST_META, nbdwire.meta('disk', [])),
                (nbdwire.OPT_SET_META, nbdwire.meta('disk', [])),
                (99, b'')):
            wire.option(number, data)
            self.assertEqual(wire.option_replies(), [(
                nbdwire.REP_ERR | 5,
                f'Option {number:#x} not permitted before TLS'.encode())])
        self.secure(wire)

    def test_starttls_with_data(self):
        wire = self.wire()
        wire.option(nbdwire.OPT_STARTTLS, b'x')
        self.assertEqual(wire.option_replies(), [(
            nbdwire.REP_ERR_INVALID,
            b"option 'starttls' has unexpected length")])

    def test_export_name_before_tls(self):
        wire = self.wire()
        wire.option(nbdwire.OPT_EXPORT_NAME, b'disk')
        self.assertEqual(wire.recv_until_closed(), b'')

    def test_twice(self):
        wire = self.wire()
        self.secure(wire)
        wire.option(nbdwire.OPT_STARTTLS)
        self.assertEqual(wire.option_replies(), [(
            nbdwire.REP_ERR_INVALID, b'TLS already enabled')])
        wire.option(nbdwire.OPT_LIST)
        self.assertEqual(wire.option_replies(), [
            (nbdwire.REP_SERVER, nbdwire.string('disk')),
            (nbdwire.REP_ACK, b'')])

    def test_junk_instead_of_tls(self):
        for data in b'junk' * 100, b'', b'\x16\x03\x01\xff\xff' * 5000:
            wire = self.wire()
            wire.option(nbdwire.OPT_STARTTLS)
            self.assertEqual(wire.option_replies()[-1][0], nbdwire.REP_ACK)
            try:
                wire.send(data)
                wire.sock.shutdown(1)
            except OSError:
                pass
            wire.recv_until_closed()
        self.assert_serves()

    @ours_only('takes it for a handshake')
    def test_options_slipped_in_before_tls(self):
        """What comes with STARTTLS must not be believed afterwards."""
        wire = self.wire()
        wire.send(nbdwire.OPTION_MAGIC + b'\0\0\0\5\0\0\0\0' +
                  nbdwire.OPTION_MAGIC + b'\0\0\0\3\0\0\0\0')
        self.assertEqual(wire.option_reply()[1], nbdwire.REP_ACK)
        self.assertEqual(wire.recv_until_closed(), b'')
        self.assert_serves()

    def test_cut_connections(self):
        for _ in range(20):
            wire = self.wire()
            self.secure(wire)
            wire.option(nbdwire.OPT_GO, nbdwire.go_data('disk'))
            self.assertEqual(wire.option_replies()[-1][0], nbdwire.REP_ACK)
            wire.request(nbdwire.CMD_READ, 0, 65536)
            wire.close()
        self.assert_serves()

    def test_stop_with_a_client(self):
        handle = self.connect()
        handle.pread(512, 0)
        self.stop()
        self.assertEqual(exports.errno_of(handle.pread, 512, 0), 'ENOTCONN')

    @ours_only('hangs until these clients leave')
    def test_stop_in_handshakes(self):
        shaken, shaking = self.wire(), self.wire()
        self.secure(shaken)
        shaking.option(nbdwire.OPT_STARTTLS)
        self.assertEqual(shaking.option_replies()[-1][0], nbdwire.REP_ACK)
        self.stop()
        self.assertEqual(shaking.recv_until_closed(), b'')


if __name__ == '__main__':
    case.main()
