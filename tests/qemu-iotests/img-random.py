#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Random command lines of qemu-img, beside QEMU's, on images that the earlier
lines left.

What is printed, the exit status and the images must be the same: the bytes of
raw ones; of qcow2 ones the guest's data, and what QEMU's info and check say but
for where clusters lie. IOTEST_IMG_SEED and IOTEST_IMG_RUNS try others:
`IOTEST_IMG_SEED=1000 IOTEST_IMG_RUNS=500 ./img-random.py`.
"""

import hashlib
import json
import os
import random
import re

from lib import case, tools
from lib.img_diff import ORACLE, DiffCase
from lib.img_random import Words

# Of these, all lines are alike. Others may hit where QEMU differs on purpose or
# by the state of its file system: holes within clusters, snapshots' names.
SEEDS = range(1, 13)
STEPS = 12
CHANGING = {'create', 'convert', 'dd', 'resize', 'rebase', 'commit',
            'snapshot', 'amend', 'bitmap', 'check'}
# Where clusters lie, when and how much space they take is each one's own.
OWN = [
    (r'( *\(\d+\.\d+/100%\)[\r\n])+', r'\1'),
    (r'disk size: .*', 'disk size: X'),
    (r'"actual-size": \d+', '"actual-size": X'),
    (r'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d', 'DATE'),
    (r'"(date-sec|date-nsec)": \d+', r'"\1": X'),
    (r',?\n *"(fragmented-clusters|image-end-offset)": \d+', ''),
    (r'\{,', '{'),
    (r'[\d.]+% fragmented', 'F'),
    (r'Image end offset: .*', ''),
    (r'#block\d+', '#block'),
    (r'"offset": \d+', '"offset": X'),
]


class Random(DiffCase):

    @staticmethod
    def clean(text):
        for pattern, replacement in OWN:
            text = re.sub(pattern, replacement, text)
        return text

    def theirs(self, *args, **kwargs):
        return tools.run([ORACLE, *args], check=False, **kwargs)

    def qcow2_state(self, folder, name):
        info = self.theirs('info', '--output=json', name, cwd=folder)
        check = self.theirs('check', '-f', 'qcow2', '--output=json', name,
                            cwd=folder)
        out = self.path('out.raw')
        self.theirs('convert', '-f', 'qcow2', '-O', 'raw', name, out,
                    cwd=folder)
        digest = None
        if os.path.exists(out):
            with open(out, 'rb') as f:
                digest = hashlib.sha256(f.read()).hexdigest()
            os.unlink(out)
        found = json.loads(check.stdout) if check.stdout else {}
        for member in ('image-end-offset', 'fragmented-clusters'):
            found.pop(member, None)
        return self.clean(info.stdout), check.returncode, found, digest

    def state(self, folder):
        found = {}
        for name in sorted(os.listdir(folder)):
            with open(os.path.join(folder, name), 'rb') as f:
                content = f.read()
            if content[:4] == b'QFI\xfb':
                found[name] = self.qcow2_state(folder, name)
            else:
                found[name] = (len(content),
                               hashlib.sha256(content).hexdigest())
        return found

    def write_somewhere(self, words):
        name = words.name()
        commands = words.writes(name)
        for _path, folder in self.sides:
            tools.run(['/usr/bin/qemu-io', '-f', words.kinds.get(name, 'raw'),
                       *(w for c in commands for w in ('-c', c)), name],
                      check=False, cwd=folder)

    def run_seed(self, seed):
        words = Words(random.Random(seed))
        done = []
        for _ in range(STEPS):
            if words.some(0.2):
                self.write_somewhere(words)
                continue
            line = words.line()
            done.append(' '.join(line))
            self.both(*line, files=False,
                      normal=lambda t: t.replace('/usr/bin/', ''))
            if line[0] in CHANGING:
                ours, theirs = (self.state(f) for _p, f in self.sides)
                self.assertEqual(ours, theirs, '\n'.join(done))

    def test_lines(self):
        first = os.environ.get('IOTEST_IMG_SEED')
        seeds = SEEDS if first is None else range(
            int(first), int(first) + int(os.environ['IOTEST_IMG_RUNS']))
        for seed in seeds:
            with self.subTest(seed=seed):
                for _path, folder in self.sides:
                    for name in os.listdir(folder):
                        os.unlink(os.path.join(folder, name))
                self.run_seed(seed)


if __name__ == '__main__':
    case.main()
