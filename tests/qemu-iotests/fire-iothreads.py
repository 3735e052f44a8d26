#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Under fire: exports on three threads, each with clients of every disk.

The tests of the other files under fire, where clients write at one disk from
several threads at once while bitmaps and backups come and go on the main one.
"""

import importlib
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lib import case
from lib.case import ours_only

instant = importlib.import_module('fire-instant')
control = importlib.import_module('fire-control')
clients = importlib.import_module('fire-clients')
monitors = importlib.import_module('fire-monitors')
fire_quit = importlib.import_module('fire-quit')


class Threads:
    """QEMU serves an export on one thread, and aborts when a client goes."""
    iothreads = 3
    rounds = 3


@ours_only('QEMU aborts')
class Instant(Threads, instant.Instant):
    pass


@ours_only('QEMU aborts')
class OddSize(Threads, instant.OddSize):
    pass


@ours_only('QEMU aborts')
class Control(Threads, control.Control):
    pass


@ours_only('QEMU aborts')
class SmallWrites(Threads, control.SmallWrites):
    pass


@ours_only('QEMU aborts')
class Clients(Threads, clients.Clients):
    pass


@ours_only('QEMU aborts')
class Monitors(Threads, monitors.Monitors):
    pass


@ours_only('QEMU aborts')
class Quit(Threads, fire_quit.Quit):
    pass


if __name__ == '__main__':
    case.main()
