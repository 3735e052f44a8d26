# SPDX-License-Identifier: GPL-2.0-or-later
"""Tests of the tools whose expectation is what Debian's tools do.

Each case is a line of shell. It runs twice, in an empty folder each, with the
programs under test and with Debian's first on PATH; what is printed on both
streams and the exit code must be the same. Under --oracle both are QEMU's,
which shows that the cases are deterministic.
"""

import os
import re
import shutil
import subprocess

from . import case, program

# What may differ from run to run.
VOLATILE = (
    (r'(bytes|iB), (\d+) ops; .*ops/sec\)', r'\1, \2 ops'),
    (r'disk size: .*', 'disk size'),
    (r'"actual-size": \d+', '"actual-size"'),
    (r'#block\d+', '#block'),
    (r'(iters"?:) \d+', r'\1'),
    (r'\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b', 'UUID'),
    (r'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d', 'DATE'),
    (r'"date-(n?sec)": \d+', r'"date-\1"'),
    (r'completed in \d+\.\d+', 'completed in T'),
)

# Images that many cases begin with: a chain o2 -> o -> q of qcow2, and raw.
IMAGES = '''
qemu-img create -q -f raw r.img 1M
qemu-img create -q -f qcow2 q.img 1M
qemu-img create -q -f qcow2 -b q.img -F qcow2 o.img
qemu-img create -q -f qcow2 -b o.img -F qcow2 o2.img
qemu-io -f raw -c 'write -q -P 1 0 64k' r.img
qemu-io -f qcow2 -c 'write -q -P 1 0 64k' q.img
qemu-io -f qcow2 -c 'write -q -P 2 128k 64k' o.img
qemu-io -f qcow2 -c 'write -q -P 3 256k 4k' o2.img
'''


# `bash end p...` ends the processes with those pid files, and waits until they
# are gone, but for what their parents may not have noticed: a server takes its
# socket away at its end, and the next run has one at the same place. QEMU's
# server forgets a signal that comes right after its start.
END = '''
cat >end <<'X'
for p; do P=$(cat $p); while [ -e /proc/$P/exe ]; do kill $P 2>/dev/null; sleep 0.01; done; done
X
'''


def settled(text):
    for pattern, plain in VOLATILE:
        text = re.sub(pattern, plain, text)
    return text


class ShellDiff(case.Case):
    """A case whose `table`s are lines of shell."""

    # Shell that runs before each line, by Debian's programs.
    setup = ''

    def run_line(self, line, folder):
        shutil.rmtree(self.path('w'), ignore_errors=True)
        os.mkdir(self.path('w'))
        env = dict(os.environ, LC_ALL='C', TZ='UTC')
        system = '/usr/bin:/bin'
        for shell, path in ((self.setup, system),
                            (line, f'{folder}:{system}')):
            done = subprocess.run(
                ['bash', '-c', shell], cwd=self.path('w'),
                env=dict(env, PATH=path), stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                errors='replace', timeout=program.TIMEOUT_S, check=False)
        return {'code': done.returncode, 'out': settled(done.stdout),
                'err': settled(done.stderr)}

    def table(self, text):
        """Runs each line of TEXT, on both sides, in the same folder."""
        ours = os.path.dirname(program.find('qemu-img'))
        for line in text.splitlines():
            line = line.strip()
            if line and not line.startswith('#'):
                with self.subTest(line):
                    self.assertEqual(self.run_line(line, ours),
                                     self.run_line(line, '/usr/bin'), line)
