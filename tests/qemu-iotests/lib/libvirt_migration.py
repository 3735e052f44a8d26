# SPDX-License-Identifier: GPL-2.0-or-later
"""Replays what libvirt did at the two ends of a migration (see
libvirt_replay.py); each end has a Replay of its own."""

import array
import socket

from . import libvirt_replay
from .program import TIMEOUT_S


class End(libvirt_replay.Replay):
    """One end. `reached` are the states of the migration so far."""

    def __init__(self, case, steps, make_stage):
        super().__init__(case, steps, make_stage)
        self.reached = []
        self.number = 0

    def run_until(self, stop=None):
        """The steps in front of the step STOP; None: all."""
        rest = self.steps[self.number:]
        upto = len(rest) if stop is None else rest.index(stop)
        self.number += upto
        self.run_steps(rest[:upto])

    def take_guest(self, other):
        """The guest is here now, with all that it wrote."""
        self.guest = other.guest

    def ask(self, command, arguments):
        if command == 'getfd':
            self.take_events()
            return self.send_socket(arguments['fdname'])
        return super().ask(command, arguments)

    def send_socket(self, name):
        """libvirt connects to the other end, and hands that over."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as out:
            out.settimeout(TIMEOUT_S)
            out.connect(self.case.path('migrate.sock'))
            out.setblocking(True)
            text = '{"execute":"getfd","arguments":{"fdname":"%s"}}\r\n' % name
            self.stage.qmp.sock.sendmsg(
                [text.encode()], [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                                   array.array('i', [out.fileno()]))])
            return self.stage.qmp.recv_reply()

    def take_events(self):
        for event in self.stage.qmp.events:
            if event['event'] == 'MIGRATION':
                self.reached.append(event['data']['status'])
        return super().take_events()

    def step_see(self, step):
        if step['see'] == 'STOP':
            self.running = False
        if step['see'] == 'MIGRATION':
            self.wait_for_state(step['status'])
        super().step_see(step)

    def wait_for_state(self, state):
        self.take_events()
        while state not in self.reached:
            message = self.stage.qmp.recv()
            assert 'event' in message, message
            self.stage.qmp.events.append(message)
            self.take_events()
