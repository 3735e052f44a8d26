# SPDX-License-Identifier: GPL-2.0-or-later
"""Tests of `img` whose expectation is what Debian's qemu-img does.

Both programs run the same command lines, each in a folder of its own that was
filled in the same way; what they print, their exit codes and the files they
leave must be the same. Under --oracle both are QEMU's, which shows that the
cases are deterministic.
"""

import hashlib
import os
import re

from . import case, program, tools

ORACLE = '/usr/bin/qemu-img'


def fingerprint(folder):
    """name -> (size, checksum) of all files."""
    found = {}
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        if os.path.isfile(path):
            with open(path, 'rb') as f:
                content = f.read()
            found[name] = (len(content),
                           hashlib.sha256(content).hexdigest())
    return found


class DiffCase(case.Case):
    """A case with two folders: `sides` lists (program, folder)."""

    def setUp(self):
        super().setUp()
        self.sides = []
        for name, path in (('ours', program.find('qemu-img')),
                           ('theirs', ORACLE)):
            folder = self.path(name)
            os.mkdir(folder)
            self.sides.append((path, folder))

    def fill(self, make):
        """make(folder) puts the same files into both."""
        for _path, folder in self.sides:
            make(folder)

    @staticmethod
    def clean(text):
        """Progress only by its end; several workers' errors by the first."""
        text = re.sub(r'( *\(\d+\.\d+/100%\)[\r\n])+', r'\1', text)
        lines = text.splitlines(keepends=True)
        kept = []
        for line in lines:
            if not (kept and 'error while ' in line and
                    'error while ' in kept[-1] and 'warning' not in line):
                kept.append(line)
        return ''.join(kept)

    def both(self, *args, files=True, normal=None, **kwargs):
        """Runs qemu-img ARGS on both sides and compares. `normal` is applied
        to what they print, `files` False leaves the files out."""
        results = []
        for path, folder in self.sides:
            done = tools.run([path, *args], check=False, cwd=folder, **kwargs)
            out, err = self.clean(done.stdout), self.clean(done.stderr)
            if normal:
                out, err = normal(out), normal(err)
            results.append({'code': done.returncode, 'out': out, 'err': err,
                            'files': fingerprint(folder) if files else None})
        self.assertEqual(results[0], results[1], f'img {" ".join(args)}')
        return results[0]

    def table(self, text, **kwargs):
        """Runs each line of TEXT as a command line (words by blanks)."""
        for line in text.splitlines():
            if line.strip() and not line.lstrip().startswith('#'):
                with self.subTest(line.strip()):
                    self.both(*line.split(), **kwargs)
