"""Freed memory is kept where the C library can; elsewhere nothing breaks."""

import platform

from luthier.runs.allocator import keep_freed_memory


def test_glibc_takes_the_setting():
    assert keep_freed_memory() is (platform.libc_ver()[0] == "glibc")
