# SPDX-License-Identifier: GPL-2.0-or-later
"""The kind of disk that the workflow tests run on.

IOTEST_FLAVOUR chooses it:
  raw     raw over a file (the default)
  qcow2   qcow2 over a file
  nbd     raw over an NBD client; nbdkit serves the file, one process a disk
"""

import os
import subprocess

from . import images, program, tools
from .program import TIMEOUT_S

ALL = 'raw', 'qcow2', 'nbd'


def name():
    flavour = os.environ.get('IOTEST_FLAVOUR') or 'raw'
    if flavour not in ALL:
        raise RuntimeError(f'IOTEST_FLAVOUR={flavour}: not one of {ALL}')
    return flavour


def image_format():
    """What qemu-img calls the format of the image."""
    return 'qcow2' if name() == 'qcow2' else 'raw'


def keeps_bitmaps():
    return name() == 'qcow2'


def make(path, size_bytes, content=None):
    """An image of the flavour at PATH with CONTENT (bytes) at its start."""
    if content is None:
        tools.img('create', '-q', '-f', image_format(), path, size_bytes)
        return path
    plain = path + '.plain'
    images.make(plain, size_bytes)
    with open(plain, 'r+b') as file:
        file.write(content)
    tools.img('convert', '-f', 'raw', '-O', image_format(), plain, path)
    os.remove(plain)
    return path


def contents(path, size_bytes):
    """All bytes that a guest would see; nobody has the image open."""
    if image_format() == 'raw':
        return images.read(path, 0, size_bytes)
    plain = path + '.plain'
    tools.foreign_img('convert', '-f', 'qcow2', '-O', 'raw', path, plain)
    try:
        return images.read(plain)
    finally:
        os.remove(plain)


def serve(case, path):
    """An nbdkit on a socket, for the time of CASE; its socket."""
    socket = path + '.sock'
    child = subprocess.Popen(
        [program.find_foreign('nbdkit'), '-f', '-U', socket, 'file', path],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    case.addCleanup(child.wait, TIMEOUT_S)
    case.addCleanup(child.kill)  # clients may still be there
    assert program.wait_listening(child, socket), 'nbdkit does not start'
    return socket


def storage_options(case, path):
    """Options of the node below the format."""
    if name() != 'nbd':
        return {'driver': 'file', 'filename': path, 'discard': 'unmap'}
    return {'driver': 'nbd', 'discard': 'unmap', 'server': {
        'type': 'unix', 'path': serve(case, path)}}


def node_options(case, node_name, path, **more):
    """Options of blockdev-add for the image at PATH."""
    return {'driver': image_format(), 'node-name': node_name,
            'discard': 'unmap', 'file': storage_options(case, path), **more}
