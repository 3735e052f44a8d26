#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Options of qcow2 images, at blockdev-add and blockdev-reopen, and the images
behind them that come, go and change places: each answer is QEMU's."""

from lib import case, tools

QEMU = '/usr/bin/qemu-storage-daemon'
BIG = 1 << 62
OPTIONS = (
    {'l2-cache-size': 1 << 20},
    {'l2-cache-size': 2 << 20, 'cache-size': 1 << 20},
    {'refcount-cache-size': 2 << 20, 'cache-size': 1 << 20},
    {'cache-size': 1 << 20, 'l2-cache-size': 1, 'refcount-cache-size': 1},
    *({'l2-cache-entry-size': size}
      for size in (1000, 256, 131072, 65536, 512, 0, -1)),
    *({name: size} for size in (-1, BIG, 0)
      for name in ('l2-cache-size', 'refcount-cache-size', 'cache-size')),
    *({'cache-clean-interval': value} for value in (-1, 1 << 40, 5, 0)),
    {'lazy-refcounts': True}, {'lazy-refcounts': False},
    {'overlap-check': 'none'}, {'overlap-check': 'bogus'},
    {'overlap-check': {'template': 'all', 'main-header': False}},
    {'overlap-check': {'main-header': False}},
    {'pass-discard-request': True, 'pass-discard-snapshot': False,
     'pass-discard-other': True},
    {'data-file': 'other'}, {'data-file': None}, {'backing': 'nosuch'},
    {'backing': 'other'}, {'backing': None}, {'backing': ''}, {'nosuch': 1},
    {'size': 1}, {'detect-zeroes': 'unmap'},
    {'discard': 'ignore', 'detect-zeroes': 'unmap'}, {'file': 'nosuch'},
    {'file': ''}, {'file': 'other'}, {'read-only': True},
    {'read-only': False}, {'auto-read-only': True},
    {'cache': {'direct': True}}, {'cache': {'no-flush': True}},
    {'force-share': True}, {'driver': 'raw'}, {'node-name': 'x'},
)


class Session:
    """A daemon, and what it answered."""

    def __init__(self, test, binary):
        self.vm = test.daemon(binary=binary)
        self.test = test
        self.answers = []

    def run(self, command, args):
        reply = self.vm.execute(command, args)
        answer = reply.get('error', reply.get('return'))
        self.answers.append((command, args, answer))
        return 'error' not in reply

    def add(self, options):
        return self.run('blockdev-add', options)

    def remove(self, name):
        return self.run('blockdev-del', {'node-name': name})

    def reopen(self, *options):
        return self.run('blockdev-reopen', {'options': list(options)})


class Reopen(case.Case):

    def both(self, play):
        """play(session) for ours and QEMU's; the answers must be equal."""
        sessions = [Session(self, binary) for binary in (None, QEMU)]
        for session in sessions:
            play(session)
            session.vm.quit()
        for mine, other in zip(*(s.answers for s in sessions)):
            with self.subTest(mine[0], args=mine[1]):
                self.assertEqual(mine, other)

    def create(self, name, *options):
        tools.foreign_img('create', '-q', '-f', 'qcow2', *options,
                          self.path(name), *(() if '-b' in options
                                             else ('64M',)))

    def file(self, node, name):
        return {'driver': 'file', 'node-name': node,
                'filename': self.path(name)}

    def test_options(self):
        for name in 'a', 'b':
            self.create(name)
        self.create('v2', '-o', 'compat=0.10')
        disk = {'driver': 'qcow2', 'node-name': 'disk', 'file': 'file'}

        def play(session):
            for node, name in (('file', 'a'), ('other', 'b'), ('v2', 'v2')):
                session.add(self.file(node, name))
            for more in OPTIONS + ({'file': 'v2', 'lazy-refcounts': True},):
                if session.add({**disk, **more}):
                    session.remove(more.get('node-name', 'disk'))
            session.add(disk)
            for more in OPTIONS:
                session.reopen({**disk, **more})
                session.reopen(disk)
                session.reopen({**disk, 'backing': None})

        self.both(play)

    def test_data_file(self):
        self.create('d', '-o', f'data_file={self.path("raw")}')
        disk = {'driver': 'qcow2', 'node-name': 'disk', 'file': 'file'}

        def play(session):
            session.add(self.file('file', 'd'))
            session.add(self.file('raw', 'raw'))
            session.add(self.file('other', 'raw'))
            for more in ({'data-file': None}, {'data-file': 'nosuch'},
                         {'data-file': 'raw'}):
                session.add({**disk, **more})
            for more in ({}, {'data-file': 'other'}, {'data-file': None},
                         {'data-file': 'raw'}):
                session.reopen({**disk, **more})

        self.both(play)

    def hd(self, number, **more):
        return {'driver': 'qcow2', 'node-name': f'hd{number}',
                'file': self.file(f'hd{number}-file', f'c{number}'), **more}

    def chain(self):
        self.create('c0')
        for number in 1, 2:
            self.create(f'c{number}', '-b', self.path(f'c{number - 1}'),
                        '-F', 'qcow2')

    def test_backing_by_name(self):
        self.chain()
        hd = self.hd

        def play(session):
            session.add(hd(0))
            session.add(hd(1, backing='hd0'))
            session.add(hd(2, backing=None))
            for options in (
                    hd(0), hd(0, backing=None), hd(1), hd(1, backing='hd0'),
                    hd(1, backing=None), hd(1), hd(1, backing='hd0'), hd(2),
                    hd(2, backing='hd1'), hd(2), hd(2, backing='hd0'),
                    hd(0, backing='hd2'), hd(2, backing='hd2'),
                    hd(2, backing=''), hd(2, backing='not-found'),
                    hd(2, backing={'driver': 'null-co', 'node-name': 'n'}),
                    hd(2, backing='hd0', **{'read-only': True}),
                    hd(2, backing=None, **{'read-only': False})):
                session.reopen(options)
            for name in 'hd2', 'hd1', 'hd0':
                session.remove(name)

        self.both(play)

    def test_backing_of_the_header(self):
        self.chain()
        hd = self.hd

        def play(session):
            session.add(hd(2))
            for options in hd(2), hd(2, backing=None), hd(2):
                session.reopen(options)
            session.remove('hd2')
            below = hd(1, backing=None)
            session.add(hd(2, backing=below))
            for backing in (below, 'hd1', hd(1),
                            {**below, 'read-only': True},
                            {**below, 'driver': 'raw'}, None):
                session.reopen(hd(2, backing=backing))
            session.remove('hd2')

        self.both(play)

    def test_places(self):
        """Several nodes of one command."""
        self.chain()
        hd = self.hd

        def play(session):
            session.add(hd(0))
            session.add(hd(1, backing='hd0'))
            session.add(hd(2, backing='hd1'))
            session.reopen(hd(2, backing='hd0'), hd(1, backing=None))
            session.reopen(hd(1, backing='hd2'), hd(2, backing=None))
            session.reopen(hd(2, backing='hd1'), hd(1, backing='hd0'))
            for name in 'hd2', 'hd1', 'hd0':
                session.remove(name)

        self.both(play)


if __name__ == '__main__':
    case.main()
