# SPDX-License-Identifier: GPL-2.0-or-later
"""How a process under test ended, and whether it may have ended so."""

import signal

# What sanitizers and failed assertions write on standard error.
BAD_SIGNS = (
    'ERROR: AddressSanitizer', 'ERROR: LeakSanitizer', 'runtime error:',
    'WARNING: ThreadSanitizer', 'ERROR: libFuzzer', 'Assertion ',
    '** (process:', 'GLib-CRITICAL', 'GLib-ERROR',
)


def describe_exit(returncode):
    """An exit code in words."""
    if returncode is not None and returncode < 0:
        try:
            name = signal.Signals(-returncode).name
        except ValueError:
            name = str(-returncode)
        return f'died by signal {name}'
    return f'exit code {returncode}'


def find_bad_sign(stderr_text):
    """The line that shows a crash or a sanitizer report, or None."""
    for line in stderr_text.splitlines():
        if any(sign in line for sign in BAD_SIGNS):
            return line
    return None


def check_exit(name, returncode, stderr_text):
    """Raises AssertionError when the process crashed or was faulted."""
    bad = find_bad_sign(stderr_text)
    if bad or (returncode is not None and returncode < 0):
        raise AssertionError(
            f'{name}: {describe_exit(returncode)}\n{stderr_text}')
