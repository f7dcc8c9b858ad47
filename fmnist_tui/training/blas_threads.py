"""How many threads matrix products take in this process."""

from __future__ import annotations

import threadpoolctl


def bound_blas_threads(threads: int) -> None:
    """Limit the threads of BLAS for the whole process: their number changes how floating-point sums round.

    Newer versions of threadpoolctl let only the first thread that set a limit change it while that thread is alive, and
    silently ignore others. Here the latest caller takes over.
    """
    openblas = getattr(threadpoolctl, "OpenBLASController", None)
    take_over = getattr(openblas, "clear_controlling_thread", None)
    if take_over:
        take_over(force=True)
    threadpoolctl.threadpool_limits(threads, user_api="blas")
