"""How many threads matrix products take in this process."""

from __future__ import annotations

import threadpoolctl


def bound_blas_threads(threads: int) -> None:
    """Bounds them for the whole process, until they are bounded anew: their number changes what sums round to.

    Newer versions of threadpoolctl do so for the first thread that asked, for as long as that thread lives, and for any
    other silently not: whoever trains now takes over from whoever did before.
    """
    openblas = getattr(threadpoolctl, "OpenBLASController", None)
    take_over = getattr(openblas, "clear_controlling_thread", None)
    if take_over:
        take_over(force=True)
    threadpoolctl.threadpool_limits(threads, user_api="blas")
