# SPDX-License-Identifier: GPL-2.0-or-later
"""The programs that are compared, started on the same work.

A server is used by one run at a time; the others sleep meanwhile, which costs
nothing.
"""

import itertools
import json
import subprocess
import time
from pathlib import Path

from .qmp import Qmp


class Server:
    """A running server with an NBD socket; the daemons have a monitor."""

    counter = itertools.count()

    def __init__(self, name, argv, nbd, qmp_path=None):
        self.name = name
        self.nbd = nbd
        self.popen = subprocess.Popen(argv)
        self.pid = self.popen.pid
        self.qmp = None
        wait_for = qmp_path or nbd
        while not Path(wait_for).exists():
            if self.popen.poll() is not None:
                raise RuntimeError(f'{argv[0]} ended at once')
            time.sleep(0.005)
        if qmp_path:
            self.qmp = self._connect(qmp_path)

    @staticmethod
    def _connect(path):
        while True:
            try:
                return Qmp(path)
            except ConnectionRefusedError:
                time.sleep(0.005)

    def cpu_seconds(self):
        """CPU time of all its threads so far."""
        # The clock of a process: its number, inverted, above the kind.
        return time.clock_gettime((~self.pid << 3) | 2)

    def rss_bytes(self):
        with open(f'/proc/{self.pid}/smaps_rollup', encoding='ascii') as file:
            for line in file:
                if line.startswith('Rss:'):
                    return int(line.split()[1]) << 10
        raise RuntimeError('no Rss')

    def stop(self):
        if self.qmp:
            self.qmp.cmd('quit')
            self.qmp.close()
        else:
            self.popen.terminate()
        self.popen.wait(60)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.popen.poll() is None:
            self.stop()


class Programs:
    """Where the programs are, and a folder for their sockets."""

    def __init__(self, build, folder, reference):
        self.build = Path(build)
        self.folder = Path(folder)
        self.daemons = {
            'tidemark': [str(self.build / 'tidemark'), 'daemon'],
            'QEMU': [reference],
        }
        self.load_program = str(self.build / 'tests/bench/nbd-load')

    def _path(self, kind):
        return str(self.folder / f'{kind}{next(Server.counter)}')

    def daemon(self, name, blockdevs, exports=(), iothreads=()):
        """Starts daemon @name with these nodes, exports (dictionaries) of
        them, and threads."""
        nbd, qmp = self._path('nbd'), self._path('qmp')
        argv = list(self.daemons[name])
        for iothread in iothreads:
            argv += ['--object', f'iothread,id={iothread}']
        for blockdev in blockdevs:
            argv += ['--blockdev', json.dumps(blockdev)]
        argv += ['--chardev', f'socket,id=qmp,path={qmp},server=on,wait=off',
                 '--monitor', 'chardev=qmp',
                 '--nbd-server', f'addr.type=unix,addr.path={nbd},'
                 'max-connections=64']
        for export in exports:
            argv += ['--export', json.dumps({'type': 'nbd', **export})]
        return Server(name, argv, nbd, qmp)

    def serving(self, name, node, writable=False, bitmaps=0, iothreads=0):
        """Starts daemon @name with the node @node as export `disk`. The node
        has that many active bitmaps; that many threads serve it, or the main
        one."""
        threads = [f't{number}' for number in range(iothreads)]
        export = {'id': 'disk', 'node-name': node[-1]['node-name'],
                  'name': 'disk', 'writable': writable}
        if threads:
            export['iothread'] = threads
        server = self.daemon(name, node + [], [export], threads)
        for number in range(bitmaps):
            server.qmp.cmd('block-dirty-bitmap-add',
                           {'node': node[-1]['node-name'],
                            'name': f'bitmap{number}'})
        return server

    def nbdkit(self, path):
        nbd = self._path('nbd')
        return Server('nbdkit', ['nbdkit', '-f', '-U', nbd, 'file', path],
                      nbd)

    def fill(self, path, size_bytes):
        """A disk that holds the pattern of version 0."""
        subprocess.run([self.load_program, 'fill', path, str(size_bytes)],
                       check=True)

    def load(self, server, export='disk', **options):
        """Puts load on @server. What the generator says, and cpu_us: the
        server's CPU time per request."""
        argv = [self.load_program, '--export', export]
        for key, value in options.items():
            key = key.replace('_', '-')
            if value is True:
                argv.append(f'--{key}')
            elif value not in (False, None):
                argv.append(f'--{key}={value}')
        before = server.cpu_seconds()
        output = subprocess.run([*argv, server.nbd], check=True,
                                stdout=subprocess.PIPE).stdout
        result = json.loads(output)
        spent = server.cpu_seconds() - before
        result['rate'] = result['requests'] / result['seconds']
        result['cpu_us'] = spent / result['requests'] * 1e6
        return result
