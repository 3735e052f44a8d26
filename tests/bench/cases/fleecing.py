# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest writes to a frozen disk, and a reader reads the point in time."""

import filecmp
import shutil
import subprocess
import threading

from lib.measure import Row, alternate, values

DISK_BYTES = 1 << 30
CLUSTER = 64 << 10
# A cluster each, on average: then nearly half of them are written twice.
FIRST = DISK_BYTES // CLUSTER // 2


class Frozen:
    """A fresh copy of the disk with a filter above it, exported as `disk`,
    and the point in time, exported as `snap`. Without @filtered: as it is."""

    def __init__(self, bench, name, master, filtered=True):
        self.bench = bench
        self.master = master
        self.paths = [bench.new_file(bench.memory, f'{kind}.img')
                      for kind in ('active', 'temp')]
        shutil.copyfile(master, self.paths[0])
        with open(self.paths[1], 'wb') as file:
            file.truncate(DISK_BYTES)
        nodes = [{'driver': 'file', 'filename': str(path), 'node-name': node}
                 for path, node in zip(self.paths, ('active', 'temp'))]
        if filtered:
            nodes += [{'driver': 'copy-before-write', 'node-name': 'top',
                       'file': 'active', 'target': 'temp'},
                      {'driver': 'snapshot-access', 'node-name': 'snap',
                       'file': 'top'}]
        exports = [{'id': 'disk', 'name': 'disk', 'writable': True,
                    'node-name': 'top' if filtered else 'active'}]
        if filtered:
            exports.append({'id': 'snap', 'name': 'snap',
                            'node-name': 'snap'})
        self.server = bench.programs.daemon(name, nodes, exports)

    def write(self, **more):
        return self.bench.programs.load(self.server, op='write', version=1,
                                        check=self.paths[0], **more)

    def check_point_in_time(self):
        """All of it, through the export."""
        copy = self.bench.new_file(self.bench.memory, 'copy.img')
        subprocess.run(['nbdcopy', f'nbd+unix:///snap?socket='
                        f'{self.server.nbd}', str(copy)], check=True)
        same = filecmp.cmp(copy, self.master, shallow=False)
        copy.unlink()
        # QEMU's shows the live disk where a request begins in a copied area.
        if not same and self.server.name == 'tidemark':
            raise RuntimeError('what is read is not of the point in time')

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.stop()
        for path in self.paths:
            path.unlink()


def new_master(bench):
    master = bench.new_file(bench.memory, 'master.img')
    bench.programs.fill(master, DISK_BYTES)
    return master


def first_touch(bench):
    master = new_master(bench)

    def run(name):
        with Frozen(bench, name, master) as frozen:
            result = frozen.write(requests=FIRST)
            frozen.check_point_in_time()
            return result

    ours, theirs = alternate(('tidemark', 'QEMU'), run, bench.rounds)
    master.unlink()
    yield Row('frozen: 4 KiB random write, first touch', '1/s', 'more',
              values(ours, 'rate'), values(theirs, 'rate'), goal=2.5)
    yield Row('frozen: first touch, CPU', 'us', 'less',
              values(ours, 'cpu_us'), values(theirs, 'cpu_us'))


def second_touch(bench):
    """Against the same program without a filter."""
    master = new_master(bench)

    def run(filtered):
        with Frozen(bench, 'tidemark', master, filtered) as frozen:
            if filtered:
                # Copies everything.
                frozen.write(block=1 << 20, depth=4, sequential=True,
                             requests=DISK_BYTES >> 20)
            return frozen.write(seconds=bench.seconds)

    ours, bare = alternate((True, False), run, bench.rounds)
    master.unlink()
    yield Row('frozen: 4 KiB random write, second touch', '1/s', 'more',
              values(ours, 'rate'), values(bare, 'rate'), goal=0.9,
              reference='no filter')


def reader_beside_writer(bench):
    master = new_master(bench)

    def run(name):
        with Frozen(bench, name, master) as frozen:
            results = {}

            def read():
                results['reader'] = bench.programs.load(
                    frozen.server, 'snap', op='read', block=1 << 20, depth=8,
                    sequential=True, seconds=bench.seconds)

            reader = threading.Thread(target=read)
            reader.start()
            results['writer'] = frozen.write(seconds=bench.seconds)
            reader.join()
            frozen.check_point_in_time()
            return {'reader': results['reader']['rate'],
                    'writer': results['writer']['rate'],
                    'p99': results['writer']['p99_us']}

    ours, theirs = alternate(('tidemark', 'QEMU'), run, bench.rounds)
    master.unlink()
    yield Row('frozen: reader beside a writer', 'MiB/s', 'more',
              values(ours, 'reader'), values(theirs, 'reader'), goal=1.5)
    yield Row('frozen: writer beside a reader', '1/s', 'more',
              values(ours, 'writer'), values(theirs, 'writer'), goal=3)
    yield Row('frozen: that writer, p99', 'us', 'less', values(ours, 'p99'),
              values(theirs, 'p99'), goal=3)


def slow_writer(bench):
    """Who writes little is not held up by who reads all it can."""
    master = new_master(bench)
    writer = {'rate': 2000, 'seconds': bench.seconds}

    def run(name):
        with Frozen(bench, name, master) as frozen:
            alone = frozen.write(**writer)
        with Frozen(bench, name, master) as frozen:
            reader = threading.Thread(target=bench.programs.load, args=(
                frozen.server, 'snap'), kwargs={
                    'op': 'read', 'block': 1 << 20, 'depth': 8,
                    'sequential': True, 'seconds': bench.seconds})
            reader.start()
            beside = frozen.write(**writer)
            reader.join()
        return {'slower': beside['p50_us'] / alone['p50_us'],
                'p50': beside['p50_us'], 'p99': beside['p99_us']}

    ours, theirs = alternate(('tidemark', 'QEMU'), run, bench.rounds)
    master.unlink()
    yield Row('frozen: 2,000 writes a second, p50 beside a reader : alone',
              'x', 'less', values(ours, 'slower'), values(theirs, 'slower'),
              limit=1.3)
    yield Row('frozen: 2,000 writes a second beside a reader, p50', 'us',
              'less', values(ours, 'p50'), values(theirs, 'p50'))
    yield Row('frozen: 2,000 writes a second beside a reader, p99', 'us',
              'less', values(ours, 'p99'), values(theirs, 'p99'), goal=4)


CASES = [('first-touch', first_touch), ('second-touch', second_touch),
         ('fleecing', reader_beside_writer), ('slow-writer', slow_writer)]
