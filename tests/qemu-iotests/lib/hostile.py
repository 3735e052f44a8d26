# SPDX-License-Identifier: GPL-2.0-or-later
"""For tests of clients that want to do harm: how much memory a daemon holds,
and sending to somebody who may not read."""

from . import case, program
from .program import TIMEOUT_S

KIB, MIB = 1 << 10, 1 << 20


def sanitized():
    """Whether the programs under test count every allocation twice."""
    with open(program.find('qemu-storage-daemon'), 'rb') as f:
        return b'__asan_init' in f.read()


class Case(case.Case):
    """One daemon, `vm`, whose memory is watched from `settle` on."""

    def status_bytes(self, key):
        with open(f'/proc/{self.vm.pid}/status', encoding='ascii') as f:
            return [int(line.split()[1]) * KIB for line in f
                    if line.startswith(key + ':')][0]

    def settle(self):
        self.settled = self.status_bytes('VmRSS')

    def assert_bounded(self, limit):
        """Never has it held LIMIT bytes more than at first."""
        if program.is_oracle() or sanitized():
            return
        self.assertLess(self.status_bytes('VmHWM') - self.settled, limit)

    def pour(self, sock, data, limit):
        """Sends DATA again and again until nobody takes it for a while, or
        LIMIT bytes were sent; the bytes sent."""
        sock.settimeout(0.5)
        sent = 0
        try:
            while sent < limit:
                sent += sock.send(data)
        except (TimeoutError, BrokenPipeError, ConnectionResetError):
            pass
        sock.settimeout(TIMEOUT_S)
        return sent

    @staticmethod
    def send_all(sock, data):
        """Sends DATA and says that nothing follows, if the other side stays
        to hear it."""
        try:
            sock.sendall(data)
            sock.shutdown(1)
        except OSError:
            pass
