# SPDX-License-Identifier: GPL-2.0-or-later
"""QMP: transactions, many commands, many nodes."""

from contextlib import ExitStack

from lib.measure import Row, alternate
from lib.qmp import Qmp

from .bitmaps import add, bitmap, expect, remove
from .nbd import null_node, start_pair

DISK_BYTES = 64 << 30
ACTIONS = 200
COMMANDS = 20000
NODES = 1000


def names():
    return [f'b{number}' for number in range(ACTIONS)]


def bitmap_count(server):
    node, = [node for node in server.qmp.cmd('query-named-block-nodes',
                                             {'flat': True})
             if node['node-name'] == 'disk']
    return len(node.get('dirty-bitmaps', []))


class Pair:
    """A disk of 64 GiB that keeps nothing, in both programs: on bigger ones a
    transaction of QEMU's takes many seconds."""

    def __init__(self, bench):
        self.bench = bench
        self.stack = ExitStack()
        self.servers = start_pair(
            bench, self.stack, lambda _: null_node(size=DISK_BYTES), True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stack.close()

    def alternate(self, run):
        return alternate(self.servers, run, self.bench.rounds)


def adding(bench):
    actions = [{'type': 'block-dirty-bitmap-add', 'data': bitmap(name)}
               for name in names()]

    def run(server):
        seconds = server.qmp.timed('transaction', {'actions': actions})
        expect(bitmap_count(server) == ACTIONS, 'bitmaps are missing')
        remove(server, *names())
        return seconds * 1e3

    with Pair(bench) as disk:
        ours, theirs = disk.alternate(run)
    yield Row(f'transaction: add {ACTIONS} bitmaps', 'ms', 'less', ours,
              theirs, limit=5)


def on_existing(bench, text, actions, limit):
    def run(server):
        return server.qmp.timed('transaction', {'actions': actions}) * 1e3

    with Pair(bench) as disk:
        for server in disk.servers:
            for name in names() + ['source']:
                add(server, name)
        ours, theirs = disk.alternate(run)
        for server in disk.servers:
            expect(bitmap_count(server) == ACTIONS + 1,
                   'bitmaps are missing')
    yield Row(f'transaction: {text} {ACTIONS} bitmaps', 'ms', 'less', ours,
              theirs, limit=limit)


def transactions(bench):
    yield from adding(bench)
    yield from on_existing(
        bench, 'clear', [{'type': 'block-dirty-bitmap-clear',
                          'data': bitmap(name)} for name in names()], 5)
    yield from on_existing(
        bench, 'merge into', [
            {'type': 'block-dirty-bitmap-merge',
             'data': {'node': 'disk', 'target': name,
                      'bitmaps': ['source']}} for name in names()], 5)


def commands(bench):
    """The answers must all be there, and successes."""
    data = Qmp.encode('query-version') * COMMANDS

    def run(server):
        return COMMANDS / server.qmp.pipelined(data, COMMANDS)

    with ExitStack() as stack:
        servers = [stack.enter_context(
            bench.programs.daemon(name, null_node(size=1 << 20)))
            for name in ('tidemark', 'QEMU')]
        for server in servers:
            server.qmp.cmd('query-version')
        ours, theirs = alternate(servers, run, bench.rounds)
    yield Row('QMP commands, pipelined', '1/s', 'more', ours, theirs,
              limit=50000)


def nodes(bench):
    """Fresh daemons: each adds its nodes once."""
    data = b''.join(
        Qmp.encode('blockdev-add', {'driver': 'null-co', 'size': 1 << 30,
                                    'node-name': f'node{number}'})
        for number in range(NODES))

    def run(name):
        with bench.programs.daemon(name, null_node(size=1 << 20)) as server:
            seconds = server.qmp.pipelined(data, NODES)
            found = server.qmp.cmd('query-named-block-nodes', {'flat': True})
            expect(len(found) == NODES + 1, 'nodes are missing')
            return seconds * 1e3

    ours, theirs = alternate(('tidemark', 'QEMU'), run, bench.rounds)
    yield Row(f'add {NODES} nodes', 'ms', 'less', ours, theirs, limit=100)


CASES = [
    ('transaction', transactions),
    ('qmp', commands),
    ('nodes', nodes),
]
