#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Installs what a set of tasks needs from Debian, and nothing that is there
# already. Usage: install-deps.sh build|demo|check|bench|fuzz|lint ...
set -eu

build="gcc libc6-dev make meson ninja-build pkg-config python3 libglib2.0-dev
    libjson-c-dev liburing-dev libgnutls28-dev libgcrypt20-dev
    zlib1g-dev libdeflate-dev libzstd-dev libedit-dev libfuse3-dev
    python3-docutils"
# (nbdinfo runs `file` to say what it finds, and shows rubbish without)
demo="e2fsprogs file libnbd-bin python3-libnbd"
# qemu-utils and qemu-system-common (qemu-storage-daemon): the second
# implementation that the tests compare with.
check="$demo qemu-utils qemu-system-common qemu-system-x86 nbdkit procps gnutls-bin clang-14
    libclang-rt-14-dev valgrind"
bench="qemu-system-common nbdkit"
fuzz="clang-14 libclang-rt-14-dev"
lint="clang-14 clang-tidy-14 clang-format-14 cppcheck git"

packages=
for task in "$@"; do
    case $task in
    build) packages="$packages $build" ;;
    demo) packages="$packages $build $demo" ;;
    check) packages="$packages $build $check" ;;
    bench) packages="$packages $build $bench" ;;
    fuzz) packages="$packages $build $fuzz" ;;
    lint) packages="$packages $build $lint" ;;
    *) echo "install-deps.sh: unknown task '$task'" >&2; exit 2 ;;
    esac
done

missing=
for package in $packages; do
    if ! dpkg-query -W -f '${Status}' "$package" 2>/dev/null |
        grep -q 'ok installed'; then
        missing="$missing $package"
    fi
done
[ -n "$missing" ] || exit 0

as_root=
if [ "$(id -u)" -ne 0 ]; then
    as_root=sudo
fi
echo "Installing:$missing"
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update -qq
# shellcheck disable=SC2086 # a list of words
$as_root apt-get install -y -qq --no-install-recommends $missing >/dev/null
