# SPDX-License-Identifier: GPL-2.0-or-later
"""Passwords of encrypted images, and tools that work on these."""

from . import tools

PASSWORDS = {'s0': '123456', 's1': 'abc', 's2': 'xyz', 'bad': 'wrong'}
SECRETS = [arg for name, word in PASSWORDS.items()
           for arg in ('--object', f'secret,id={name},data={word}')]


def patient(img, *args, **kwargs):
    """An img command that makes keys. QEMU fails now and then where the time
    that a program takes is not told exactly: then it is tried again."""
    check = kwargs.pop('check', True)
    for left in reversed(range(100)):
        done = img(*args, check=False, **kwargs)
        if 'accurate CPU usage' not in done.stderr or not left:
            break
    if check and done.returncode:
        raise AssertionError(f'{args}: {done.stderr}')
    return done


def qcow2_options(path, secret='s0', **others):
    """The options of an encrypted qcow2 image, for --image-opts."""
    return ''.join([f'driver=qcow2,file.filename={path},'
                    f'encrypt.key-secret={secret}'] +
                   [f',{name}={value}' for name, value in others.items()])


def create_qcow2(path, size, *args, options='', secret='s0', kind='luks',
                 img=tools.img):
    """A new one; ARGS: more of the command line. OPTIONS: of -o."""
    words = f'encrypt.format={kind},encrypt.key-secret={secret}'
    if kind == 'luks':
        words += ',encrypt.iter-time=10'
    return patient(img, 'create', '-q', '-f', 'qcow2', *SECRETS, *args, '-o',
                   words + (options and ',' + options), path, *([size] if size
                                                                else []))
