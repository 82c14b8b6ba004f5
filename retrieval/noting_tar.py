"""A tar, or several that were concatenated, that says what is wrong with it."""

import tarfile


class NotingHeader(tarfile.TarInfo):
    """A header that tells its tar of blocks that are none: `ignore_zeros` passes over them without a word."""

    @classmethod
    def fromtarfile(cls, tar):
        try:
            return super().fromtarfile(tar)
        except tarfile.EOFHeaderError:
            tar.zero_blocks += 1
            raise
        except (tarfile.InvalidHeaderError, tarfile.TruncatedHeaderError):
            tar.bad_header = tar.bad_header or tar.fileobj.tell()
            raise


class NotingTar(tarfile.TarFile):
    """Open it with `ignore_zeros=True`."""

    tarinfo = NotingHeader
    zero_blocks = 0  # up to here: two end a tar
    bad_header = None  # bytes from the beginning
