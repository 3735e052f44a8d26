# SPDX-License-Identifier: GPL-2.0-or-later
"""Command lines of qemu-img at random, most of them sound, some not.

Files are called a, b, c, ...; whether one is there, and what it is, the
generator knows roughly (`kinds`), so that most lines get past the first check.
"""

NAMES = ['a', 'b', 'c', 'd', 'e']
SIZES = ['0', '512', '1000', '64k', '100k', '1M', '1536k', '2M', '1.5M', '3M']
BAD_SIZES = ['-1', 'x', '', '1Q', '8E', '9999999999999999999', '0x10000',
             '1.5', '+1M', '1M+', '1kk', '-5k']
FORMATS = ['raw', 'qcow2']
CACHES = ['none', 'writeback', 'writethrough', 'directsync', 'unsafe']
BITMAPS = ['b0', 'b1', 'b2']
TAGS = ['s0', 's1', '1', '2']
CLUSTERS = ['512', '4096', '4k', '64k', '65536', '2M', '16k']


class Words:
    """A generator of command lines from RNG."""

    def __init__(self, rng):
        self.rng = rng
        self.kinds = {}

    def some(self, chance):
        return self.rng.random() < chance

    def pick(self, values, bad=(), chance=0.06):
        if bad and self.some(chance):
            return self.rng.choice(bad)
        return self.rng.choice(values)

    def size(self):
        return self.pick(SIZES, BAD_SIZES)

    def name(self, fmt=None):
        known = [n for n in NAMES
                 if n in self.kinds and fmt in (None, self.kinds[n])]
        if known and not self.some(0.04):
            return self.rng.choice(known)
        return self.pick(NAMES + ['nosuch'])

    def format_of(self, name):
        """Usually the true one."""
        if self.some(0.08):
            return self.pick(FORMATS, ['nosuch', 'null-co', ''], 0.2)
        return self.kinds.get(name, 'raw')

    def flags(self, *pairs):
        """The words of each (chance, words...) that comes up."""
        words = []
        for chance, *values in pairs:
            if self.some(chance):
                words += [v() if callable(v) else v for v in values]
        return words

    def image(self, name, share=0.08, letter='-f'):
        """How an existing image is named: options, and the word itself."""
        fmt = self.format_of(name)
        way = self.rng.random()
        share_words = ['-U'] if self.some(share) else []
        if letter == '-f' and way < 0.1:
            return (share_words + ['--image-opts'],
                    f'driver={fmt},file.filename={name}')
        if letter == '-f' and way < 0.13:
            return (share_words + ['--image-opts'], f'file.filename={name}')
        if way < 0.18:
            return (share_words, 'json:{"driver":"%s","file":{"driver":'
                    '"file","filename":"%s"}}' % (fmt, name))
        if way < 0.21:
            return share_words, f'file:{name}'
        if way < 0.5:
            return share_words, name
        return share_words + [letter, fmt], name

    # --- creation options ---------------------------------------------------

    def create_options(self, fmt):
        pool = ['preallocation=' + self.pick(
            ['off', 'metadata', 'falloc', 'full'], ['x', ''])]
        if fmt == 'qcow2' or self.some(0.05):
            pool += [
                'compat=' + self.pick(['0.10', '1.1', 'v2', 'v3'], ['x']),
                'cluster_size=' + self.pick(CLUSTERS,
                                            ['256', '3k', '4M', 'x', '-1']),
                'refcount_bits=' + self.pick(
                    ['1', '2', '4', '8', '16', '32', '64'],
                    ['3', '128', '0', 'x']),
                'lazy_refcounts=' + self.pick(['on', 'off'], ['maybe']),
                'extended_l2=' + self.pick(['on', 'off'], ['x']),
                'compression_type=' + self.pick(['zlib', 'zstd'], ['x']),
                'data_file=' + self.pick(['ext', 'ext2']),
                'data_file_raw=' + self.pick(['on', 'off']),
                'size=' + self.size(), 'nosuch=1', 'encryption=off',
                'backing_file=' + self.name(), 'backing_fmt=raw',
            ]
            weights = [3, 3, 5, 3, 3, 3, 2, 1, .6, 1, .4, .3, .7, .4]
        else:
            pool += ['size=' + self.size(), 'nosuch=1', 'nocow=off',
                     'extent_size_hint=' + self.size()]
            weights = [6, 1, .3, .5, 1]
        count = self.rng.choice([1, 1, 1, 2, 2, 3])
        chosen = []
        while len(chosen) < count:
            one = self.rng.choices(pool, weights[:len(pool)])[0]
            if one not in chosen:
                chosen.append(one)
        return ','.join(chosen)

    def create(self):
        name, fmt = self.rng.choice(NAMES), self.pick(['raw', 'qcow2',
                                                       'qcow2'])
        words = ['create', '-f', self.pick([fmt], ['nosuch', 'null-co'], .02)]
        words += self.flags((0.3, '-q'), (0.02, '-u'))
        backing = fmt == 'qcow2' and self.some(0.35)
        if self.some(0.5):
            words += ['-o', self.create_options(fmt)]
        if self.some(0.03):
            words += ['-o', self.create_options(fmt)]
        if backing:
            below = self.name()
            words += ['-b', below]
            if not self.some(0.06):
                words += ['-F', self.format_of(below)]
            words += self.flags((0.05, '-u'))
        words.append(name)
        if not backing or self.some(0.4):
            if not self.some(0.04):
                words.append(self.size())
        words += self.flags((0.02, 'extra'))
        self.kinds[name] = fmt
        return words

    # --- looking ------------------------------------------------------------

    def info(self):
        options, word = self.image(self.name())
        return ['info', *options, *self.flags(
            (0.4, '--output=json'), (0.05, '--output=human'),
            (0.02, '--output=x'), (0.2, '--backing-chain')), word]

    def check(self):
        options, word = self.image(self.name('qcow2'))
        return ['check', *options, *self.flags(
            (0.4, '--output=json'), (0.2, '-q'), (0.1, '-r', 'leaks'),
            (0.1, '-r', 'all'), (0.02, '-r', 'x'),
            (0.05, '-T', lambda: self.pick(CACHES, ['x']))), word]

    def map(self):
        options, word = self.image(self.name())
        return ['map', *options, *self.flags(
            (0.5, '--output=json'),
            (0.15, '-s', self.size), (0.15, '-l', self.size),
            (0.1, '--start-offset', self.size),
            (0.05, '--max-length=64k')), word]

    def measure(self):
        words = ['measure', *self.flags(
            (0.6, '-O', lambda: self.pick(FORMATS, ['nosuch', 'null-co'])),
            (0.4, '--output=json'),
            (0.3, '-o', lambda: self.create_options('qcow2')),
            (0.03, '-l', lambda: self.pick(TAGS)))]
        if self.some(0.4):
            return words + ['--size', self.size()]
        options, word = self.image(self.name())
        return words + options + [word] + self.flags((0.03, '--size', '1M'))

    def compare(self):
        one, two = self.name(), self.name()
        options, word = self.image(one, letter='-f')
        words = ['compare', *options]
        if '--image-opts' in options:
            two_word = f'driver={self.format_of(two)},file.filename={two}'
        else:
            two_word = two
            if self.some(0.6):
                words += ['-F', self.format_of(two)]
        return words + self.flags(
            (0.2, '-s'), (0.2, '-q'), (0.2, '-p'),
            (0.1, '-T', lambda: self.pick(CACHES, ['x']))) + [word, two_word]

    # --- changing -----------------------------------------------------------

    def convert(self):
        source = self.name()
        target = self.rng.choice([n for n in NAMES if n != source])
        fmt = self.pick(FORMATS)
        options, word = self.image(source)
        words = ['convert', *options, *self.flags(
            (0.9, '-O', self.pick([fmt], ['nosuch', 'null-co'], .02)),
            (0.15, '-c'), (0.15, '-p'), (0.05, '-q'), (0.1, '-n'),
            (0.1, '-W'), (0.1, '-m', lambda: self.pick(
                ['1', '4', '16'], ['0', '17', 'x'])),
            (0.1, '-S', lambda: self.pick(['0', '4k', '512', '64k'],
                                          ['100', 'x', '32M'])),
            (0.3, '-o', lambda: self.create_options(fmt)),
            (0.1, '-t', lambda: self.pick(CACHES, ['x'])),
            (0.1, '-T', lambda: self.pick(CACHES, ['x'])),
            (0.05, '--salvage'), (0.04, '--target-is-zero'),
            (0.15, '--bitmaps'), (0.05, '--skip-broken-bitmaps'),
            (0.05, '-l', lambda: self.pick(TAGS)),
            (0.05, '-r', '100M'))]
        if self.some(0.12):
            below = self.name()
            words += ['-B', below]
            if not self.some(0.1):
                words += ['-F', self.format_of(below)]
        words.append(word)
        if self.some(0.08) and '--image-opts' not in options:
            words.append(self.name())
        self.kinds[target] = fmt if '-O' in words else 'raw'
        return words + [target]

    def dd(self):
        source = self.name()
        target = self.rng.choice([n for n in NAMES if n != source])
        fmt = self.pick(FORMATS)
        options, word = self.image(source)
        self.kinds[target] = fmt
        tail = [f'if={word}', f'of={target}']
        tail += self.flags(
            (0.5, 'bs=' + self.pick(['512', '1k', '64k', '1M'],
                                    ['0', 'x', '-1', '3G'])),
            (0.3, 'count=' + self.pick(['0', '1', '7', '100'], ['x', '-1'])),
            (0.3, 'skip=' + self.pick(['0', '1', '9', '5000'], ['x'])),
            (0.02, 'nosuch=1'))
        self.rng.shuffle(tail)
        return ['dd', *options, '-O', fmt, *tail]

    def resize(self):
        name = self.name()
        options, word = self.image(name, share=0)
        sign = self.pick(['', '', '', '+', '-'])
        words = ['resize', *options, *self.flags(
            (0.3, '--shrink'), (0.2, '-q'),
            (0.2, '--preallocation=' + self.pick(
                ['off', 'metadata', 'falloc', 'full'], ['x'])))]
        return words + [word, sign + self.size()]

    def rebase(self):
        name, below = self.name('qcow2'), self.name()
        options, word = self.image(name)
        words = ['rebase', *options, *self.flags(
            (0.4, '-u'), (0.2, '-p'), (0.1, '-q'),
            (0.1, '-t', lambda: self.pick(CACHES, ['x'])),
            (0.1, '-T', lambda: self.pick(CACHES, ['x'])))]
        words += ['-b', '' if self.some(0.3) else below]
        if not self.some(0.1):
            words += ['-F', self.format_of(below)]
        return words + [word]

    def commit(self):
        name = self.name('qcow2')
        options, word = self.image(name, share=0)
        return ['commit', *options, *self.flags(
            (0.2, '-d'), (0.2, '-p'), (0.2, '-q'), (0.1, '-b', self.name),
            (0.05, '-r', '1G'), (0.1, '-t', lambda: self.pick(CACHES))), word]

    def snapshot(self):
        options, word = self.image(self.name('qcow2'))
        action = self.pick(['-l', '-c', '-c', '-a', '-d'], ['-x', '-lc'])
        words = ['snapshot', *options, *self.flags((0.1, '-q')), action]
        if action in ('-c', '-a', '-d'):
            words.append(self.pick(TAGS))
        return words + self.flags((0.02, '-l')) + [word]

    def amend(self):
        options, word = self.image(self.name('qcow2'), share=0)
        return ['amend', *options, *self.flags(
            (0.2, '-p'), (0.1, '-q'), (0.05, '--force'),
            (0.05, '-t', 'none')),
            '-o', self.create_options('qcow2'), word]

    def bitmap(self):
        options, word = self.image(self.name('qcow2'), share=0)
        words = ['bitmap', *options]
        for _ in range(self.rng.choice([1, 1, 2, 3])):
            words += self.rng.choice([
                ['--add'], ['--add'], ['--add'], ['--remove'], ['--clear'],
                ['--enable'], ['--disable'],
                ['--merge', self.pick(BITMAPS)]])
        words += self.flags((0.2, '-g', self.pick(
            ['64k', '512', '1M'], ['3', 'x', '4G', '0'])))
        if self.some(0.1):
            other = self.name('qcow2')
            words += ['-b', other, '-F', self.format_of(other)]
        return words + [word, self.pick(BITMAPS)]

    def wrong(self):
        """Words that no parser should like."""
        command = self.pick(['info', 'create', 'convert', 'check', 'resize',
                             'dd', 'map', 'bitmap', 'snapshot',
                             'rebase', 'commit', 'compare', 'amend', 'nosuch',
                             'bench'])
        return [command, *self.flags(
            (0.3, '--nosuch'), (0.3, '-Z'), (0.3, '-f'), (0.3, self.name),
            (0.3, '--object', 'nosuch,id=x'), (0.2, '--object', 'secret'),
            (0.2, '-o', 'help'), (0.1, '-o', '?'), (0.2, '-f', 'qcow2'),
            (0.2, '--output', 'json'), (0.2, self.name),
            (0.2, '1M'), (0.2, '--image-opts'))]

    def line(self):
        makers = {self.create: 20, self.info: 8, self.check: 6, self.map: 8,
                  self.measure: 7, self.compare: 6, self.convert: 14,
                  self.dd: 5, self.resize: 7, self.rebase: 7, self.commit: 5,
                  self.snapshot: 6, self.amend: 6, self.bitmap: 8,
                  self.wrong: 4}
        return self.rng.choices(list(makers), list(makers.values()))[0]()

    def writes(self, name):
        """Commands of qemu-io that put something into an image of 1 MiB."""
        found = []
        for _ in range(self.rng.choice([1, 2, 3])):
            at = self.rng.randrange(0, 2000) * 512
            length = self.rng.choice([512, 4096, 65536, 131072, 200000 // 512
                                      * 512])
            found.append(self.rng.choice([
                f'write -P {self.rng.randrange(1, 255)} {at} {length}',
                f'write -P {self.rng.randrange(1, 255)} {at} {length}',
                f'write -z {at} {length}', f'write -zu {at} {length}',
                f'discard {at} {length}', f'write -P 0 {at} {length}']))
        return found
