# SPDX-License-Identifier: GPL-2.0-or-later
"""Guest I/O over NBD."""

from contextlib import ExitStack

from lib.measure import Row, alternate, values

DISK_BYTES = 512 << 20


def file_node(path, **options):
    return [{'driver': 'file', 'filename': str(path), 'node-name': 'file',
             **options},
            {'driver': 'raw', 'file': 'file', 'node-name': 'disk',
             **({'cache': options['cache']} if 'cache' in options else {})}]


def start_pair(bench, stack, make_node, writable, others=(), iothreads=0):
    """A server a program, each on a disk of its own; ours with that many
    threads, which QEMU 7.2 does not survive once a client has left."""
    return [stack.enter_context(server) for server in
            [bench.programs.serving(
                name, make_node(name), writable,
                iothreads=iothreads if name == 'tidemark' else 0)
             for name in ('tidemark', 'QEMU')] + list(others)]


class FileRuns:
    """The same load on a file, by every program in turn.

    Each program has its own copy, and each write run its own version of the
    data, which is looked for in the file afterwards.
    """

    def __init__(self, bench, folder, node_options, nbdkit, iothreads=0):
        self.bench = bench
        self.paths = {}
        self.version = 0
        self.stack = ExitStack()
        for name in ['tidemark', 'QEMU'] + (['nbdkit'] if nbdkit else []):
            self.paths[name] = bench.new_file(folder, f'{name}.img')
            bench.programs.fill(self.paths[name], DISK_BYTES)
        others = [bench.programs.nbdkit(self.paths['nbdkit'])] \
            if nbdkit else []
        self.servers = start_pair(
            bench, self.stack,
            lambda name: file_node(self.paths[name], **node_options), True,
            others, iothreads)

    def run(self, server, op, **load):
        if op == 'write':
            self.version += 1
            load.update(version=self.version % 60000,
                        check=self.paths[server.name])
        return self.bench.programs.load(
            server, op=op, seconds=self.bench.seconds, **load)

    def alternate(self, op, **load):
        return alternate(self.servers,
                         lambda server: self.run(server, op, **load),
                         self.bench.rounds)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stack.close()
        for path in self.paths.values():
            path.unlink()


def small_rows(name, results, goal, cpu_goal=None):
    """The rate, and what one request costs, against each other program."""
    ours = results[0]
    for reference, theirs in zip(('QEMU', 'nbdkit'), results[1:]):
        least = goal if reference == 'QEMU' else 1
        yield Row(name, '1/s', 'more', values(ours, 'rate'),
                  values(theirs, 'rate'), goal=least, reference=reference)
    yield Row(f'{name}, CPU', 'us', 'less', values(ours, 'cpu_us'),
              values(results[1], 'cpu_us'), goal=cpu_goal)


# The first run of each op reads what nobody has changed yet: reads come
# before writes.
def small_on_tmpfs(bench):
    with FileRuns(bench, bench.memory, {}, bench.has_nbdkit) as runs:
        for op, goals in (('read', (4, 5)), ('write', (3, 4))):
            for connections, goal in zip((1, 4), goals):
                results = runs.alternate(op, connections=connections)
                yield from small_rows(
                    f'4 KiB random {op}, {connections} conn', results, goal,
                    3)


def on_two_threads(bench):
    """An export on two threads: what the second processor brings, if the
    load leaves it, and what sharing a disk costs."""
    with FileRuns(bench, bench.memory, {}, False, iothreads=2) as runs:
        for op, goal in (('read', 5), ('write', 4)):
            results = runs.alternate(op, connections=4)
            yield from small_rows(f'4 KiB random {op}, 4 conn, 2 threads',
                                  results, goal)
            ours, theirs = runs.alternate(
                op, connections=4, block=1 << 20, depth=8, sequential=True)
            yield Row(f'1 MiB sequential {op}, 4 conn, 2 threads', 'MiB/s',
                      'more', values(ours, 'rate'), values(theirs, 'rate'),
                      goal=2)


def small_on_disk(bench):
    options = {'cache': {'direct': True}, 'aio': 'io_uring'}
    with FileRuns(bench, bench.disk, options, False) as runs:
        for op, goal in (('read', 1.7), ('write', 2.5)):
            results = runs.alternate(op)
            yield from small_rows(f'4 KiB random {op}, direct disk', results,
                                  goal)


def sequential(bench):
    with FileRuns(bench, bench.memory, {}, False) as runs:
        for op in ('read', 'write'):
            for connections, goal in ((4, 2), (1, 1.15)):
                ours, theirs = runs.alternate(
                    op, connections=connections, block=1 << 20, depth=8,
                    sequential=True)
                yield Row(f'1 MiB sequential {op}, {connections} conn',
                          'MiB/s', 'more', values(ours, 'rate'),
                          values(theirs, 'rate'), goal=goal)


def null_node(**options):
    return [{'driver': 'null-co', 'node-name': 'disk', **options}]


def slow_disk(bench):
    """10 ms: the rate is depth / 10 ms where nothing holds it up. It must not
    say that it reads as zeroes: QEMU would not ask it."""
    with ExitStack() as stack:
        servers = start_pair(
            bench, stack,
            lambda _: null_node(size=1 << 30, **{'latency-ns': 10 ** 7}),
            False)
        for depth, limit in ((16, 1200), (64, 5000), (256, 20000)):
            ours, theirs = alternate(
                servers,
                lambda server: bench.programs.load(
                    server, seconds=bench.seconds, depth=depth, no_data=True),
                bench.rounds)
            yield Row(f'4 KiB random read, 10 ms disk, depth {depth}', '1/s',
                      'more', values(ours, 'rate'), values(theirs, 'rate'),
                      limit=limit)


def with_bitmaps(bench):
    """What active bitmaps cost: CPU of a write with them and without."""
    path = bench.new_file(bench.memory, 'marked.img')
    bench.programs.fill(path, DISK_BYTES)
    for name in ('tidemark', 'QEMU'):
        for bitmaps, goal in ((1, 0.97), (8, 0.90)):
            yield cost_of_bitmaps(bench, path, name, bitmaps,
                                  goal if name == 'tidemark' else None)
    path.unlink()


def cost_of_bitmaps(bench, path, name, bitmaps, goal):
    """One server; the bitmaps of its node are enabled and disabled."""
    with bench.programs.serving(name, file_node(path), True,
                                bitmaps) as server:
        def run(active):
            verb = 'enable' if active else 'disable'
            for number in range(bitmaps):
                server.qmp.cmd(f'block-dirty-bitmap-{verb}',
                               {'node': 'disk', 'name': f'bitmap{number}'})
            return bench.programs.load(server, op='write', version=1,
                                       seconds=bench.seconds, check=path)

        with_them, without = alternate((True, False), run, bench.rounds)
    return Row(f'{name}: write CPU, {bitmaps} active bitmaps', 'us', 'less',
               values(with_them, 'cpu_us'), values(without, 'cpu_us'),
               goal=goal, reference='disabled')


CASES = [
    ('small', small_on_tmpfs),
    ('threads', on_two_threads),
    ('disk', small_on_disk),
    ('sequential', sequential),
    ('slow-disk', slow_disk),
    ('marking', with_bitmaps),
]
