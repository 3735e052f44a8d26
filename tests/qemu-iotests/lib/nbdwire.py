# SPDX-License-Identifier: GPL-2.0-or-later
"""The NBD protocol by hand, so that anything at all can be sent.

Numbers and layouts are those of the NBD protocol document.
"""

import socket
import struct

from .program import TIMEOUT_S

MAGIC = b'NBDMAGIC'
OPTION_MAGIC = b'IHAVEOPT'
REPLY_MAGIC = 0x3e889045565a9
FIXED_NEWSTYLE = 1
NO_ZEROES = 2

OPT_EXPORT_NAME, OPT_ABORT, OPT_LIST, OPT_STARTTLS = 1, 2, 3, 5
OPT_INFO, OPT_GO, OPT_STRUCTURED = 6, 7, 8
OPT_LIST_META, OPT_SET_META = 9, 10
OPT_EXTENDED = 11

REP_ACK, REP_SERVER, REP_INFO, REP_META = 1, 2, 3, 4
REP_ERR = 1 << 31
REP_ERR_UNSUP, REP_ERR_POLICY, REP_ERR_INVALID = (
    REP_ERR | 1, REP_ERR | 2, REP_ERR | 3)
REP_ERR_UNKNOWN, REP_ERR_TOO_BIG = REP_ERR | 6, REP_ERR | 9
REP_ERR_EXT_HEADER_REQD = REP_ERR | 10

CMD_READ, CMD_WRITE, CMD_DISC, CMD_FLUSH, CMD_TRIM = 0, 1, 2, 3, 4
CMD_CACHE, CMD_ZERO, CMD_STATUS = 5, 6, 7
REQUEST_MAGIC = 0x25609513
SIMPLE_MAGIC, CHUNK_MAGIC = 0x67446698, 0x668e33ef
EXT_REQUEST_MAGIC, EXT_CHUNK_MAGIC = 0x21e41c71, 0x6e8a278c
FLAG_FUA, FLAG_REQ_ONE, FLAG_PAYLOAD_LEN = 1, 8, 32

EINVAL = 22
# How the protocol names "request too large".
EOVERFLOW = 75


class Closed(Exception):
    """The server closed the connection."""


class Wire:
    """A connection on which nothing is checked for the server's sake."""

    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(TIMEOUT_S)
        self.sock.connect(path)
        self.handle = 0

    def close(self):
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data)

    def recv(self, length):
        out = b''
        while len(out) < length:
            try:
                data = self.sock.recv(length - len(out))
            except ConnectionResetError:
                data = b''
            if not data:
                raise Closed(f'closed after {len(out)} of {length} bytes')
            out += data
        return out

    def recv_until_closed(self):
        """All that still comes; fails when the server does not close."""
        out = b''
        try:
            while data := self.sock.recv(65536):
                out += data
        except ConnectionResetError:
            pass
        return out

    # -- negotiation

    def greet(self, flags=FIXED_NEWSTYLE | NO_ZEROES):
        """The server's greeting, and our flags; the server's flags."""
        assert self.recv(16) == MAGIC + OPTION_MAGIC
        server_flags, = struct.unpack('>H', self.recv(2))
        self.send(struct.pack('>I', flags))
        return server_flags

    def option(self, number, data=b'', length=None, magic=OPTION_MAGIC):
        """Sends an option; LENGTH may lie about the data."""
        self.send(magic + struct.pack(
            '>II', number, len(data) if length is None else length) + data)

    def option_reply(self):
        """(option, type, data) of one reply."""
        magic, option, kind, length = struct.unpack('>QIII', self.recv(20))
        assert magic == REPLY_MAGIC, hex(magic)
        return option, kind, self.recv(length)

    def option_replies(self):
        """All replies to an option; the last is an ACK or an error."""
        out = []
        while True:
            _, kind, data = self.option_reply()
            out.append((kind, data))
            if kind == REP_ACK or kind & REP_ERR:
                return out

    def go(self, name, structured=False, contexts=()):
        """Negotiates to the end; the final replies of NBD_OPT_GO."""
        self.greet()
        if structured:
            self.option(OPT_STRUCTURED)
            assert self.option_replies()[-1][0] == REP_ACK
        if contexts:
            self.option(OPT_SET_META, meta(name, contexts))
            assert self.option_replies()[-1][0] == REP_ACK
        self.option(OPT_GO, go_data(name))
        replies = self.option_replies()
        assert replies[-1][0] == REP_ACK, replies
        return replies

    # -- transmission

    def request(self, command, offset=0, length=0, data=b'', flags=0,
                magic=REQUEST_MAGIC):
        """Sends one request; its handle."""
        self.handle += 1
        self.send(struct.pack('>IHHQQI', magic, flags, command, self.handle,
                              offset & (1 << 64) - 1, length) + data)
        return self.handle

    def simple_reply(self, length=0):
        """(error, handle, data) of a simple reply; data if no error."""
        magic, error, handle = struct.unpack('>IIQ', self.recv(16))
        assert magic == SIMPLE_MAGIC, hex(magic)
        return error, handle, b'' if error else self.recv(length)

    def chunk(self):
        """(flags, type, handle, data) of a structured reply chunk."""
        magic, flags, kind, handle, length = struct.unpack(
            '>IHHQI', self.recv(20))
        assert magic == CHUNK_MAGIC, hex(magic)
        return flags, kind, handle, self.recv(length)


    # -- with extended headers

    def ext_request(self, command, offset=0, length=0, data=b'', flags=0,
                    magic=EXT_REQUEST_MAGIC):
        """Sends one request; its handle. DATA sets the payload flag."""
        self.handle += 1
        self.send(struct.pack(
            '>IHHQQQ', magic, flags | (FLAG_PAYLOAD_LEN if data else 0),
            command, self.handle, offset, length) + data)
        return self.handle

    def ext_chunk(self):
        """(flags, type, handle, offset, data) of a chunk."""
        magic, flags, kind, handle, offset, length = struct.unpack(
            '>IHHQQQ', self.recv(32))
        assert magic == EXT_CHUNK_MAGIC, hex(magic)
        return flags, kind, handle, offset, self.recv(length)


def string(text):
    data = text.encode() if isinstance(text, str) else text
    return struct.pack('>I', len(data)) + data


def go_data(name, infos=()):
    """The data of NBD_OPT_INFO and NBD_OPT_GO."""
    return string(name) + struct.pack(f'>H{len(infos)}H', len(infos), *infos)


def meta(name, contexts):
    """The data of NBD_OPT_LIST_META_CONTEXT and _SET_META_CONTEXT."""
    return string(name) + struct.pack('>I', len(contexts)) + b''.join(
        string(context) for context in contexts)
