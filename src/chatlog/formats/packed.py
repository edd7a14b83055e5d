"""Single files that are compressed: gzip, and zstd where something that reads it is installed.

Knows how they begin and how they are opened as a stream; how much may come out of one is `source`'s to say.
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Callable
from functools import cache, partial
from importlib import import_module
from typing import IO, Any, NamedTuple

try:
    from lzma import LZMAError
except ImportError:  # a Python that was built without it, whose zipfile does without it too
    LZMAError = zlib.error  # type: ignore[assignment, misc]

#: What may be raised by packed bytes that are damaged.
DAMAGE = (EOFError, LZMAError, zlib.error)
GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
#: What such files are called behind their proper name.
ENDINGS = (".gz", ".zst", ".zstd")
#: The modules that read zstd: Python's own since 3.14, its backport, and the older package.
_ZSTD = ("compression.zstd", "backports.zstd", "zstandard")
#: The most that a stream may ask to look back on, so that memory is bounded: 128 MB, as the format's own tools allow.
_WINDOW_LOG = 27


class _Unpacker(NamedTuple):
    """A way to open a packed stream, and what it raises for one that is damaged."""

    open: Callable[[IO[bytes]], IO[bytes]]
    damage: tuple[type[Exception], ...]


def is_packed(head: bytes, name: str) -> bool:
    """Whether a file that begins and is called so is to be unpacked: zstd where it can be, or where it is history."""
    if head.startswith(ZSTD):
        return _zstd() is not None or ".json" in name
    return head.startswith(GZIP)


def opened(stream: IO[bytes], head: bytes) -> IO[bytes]:
    """Return a stream of what is in a packed one.  Raises OSError where nothing here can read it."""
    unpacker = _GZIP if head.startswith(GZIP) else _zstd()
    if unpacker is None:
        stream.close()
        raise OSError("it is compressed with zstd, which needs: pip install 'chatlog[zstd]'")
    return io.BufferedReader(_Unpacked(stream, unpacker))


class _Unpacked(io.RawIOBase):
    """What is in a packed stream; one that is damaged raises OSError."""

    def __init__(self, packed: IO[bytes], unpacker: _Unpacker) -> None:
        self.packed = packed
        self.damage = unpacker.damage
        self.stream = unpacker.open(packed)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        try:
            chunk = self.stream.read(len(buffer))
        except self.damage:
            raise OSError("what it is packed as is damaged") from None
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def close(self) -> None:
        self.packed.close()
        super().close()


def _open_gzip(stream: IO[bytes]) -> IO[bytes]:
    return io.BufferedReader(gzip.GzipFile(fileobj=stream))


_GZIP = _Unpacker(_open_gzip, (gzip.BadGzipFile, *DAMAGE))


@cache
def _zstd() -> _Unpacker | None:
    for name in _ZSTD:
        try:
            module: Any = import_module(name)
        except ImportError:
            continue
        if name == "zstandard":
            return _Unpacker(_open_with_zstandard, (module.ZstdError,))
        options = {module.DecompressionParameter.window_log_max: _WINDOW_LOG}
        return _Unpacker(partial(module.ZstdFile, options=options), (module.ZstdError, EOFError))
    return None


def _open_with_zstandard(stream: IO[bytes]) -> IO[bytes]:
    zstandard: Any = import_module("zstandard")
    unpacker = zstandard.ZstdDecompressor(max_window_size=1 << _WINDOW_LOG)
    reader: IO[bytes] = unpacker.stream_reader(stream, read_across_frames=True, closefd=False)
    return reader
