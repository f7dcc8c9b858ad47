from __future__ import annotations

from collections.abc import Iterator

import platformdirs
import pytest
import torch
from threadpoolctl import ThreadpoolController

from fmnist_tui.data import DataError, Dataset, Sources, load
from fmnist_tui.data.apt import Apt

NOT_HERE = "these commands are not to be run"
CACHE = platformdirs.user_cache_path("fmnist-tui")  # before other packages' tests give it another place


@pytest.fixture(scope="session")
def thread_pools() -> ThreadpoolController:
    return ThreadpoolController()


@pytest.fixture(autouse=True)
def one_thread(thread_pools: ThreadpoolController) -> Iterator[None]:
    """Small steps are quickest on one thread; what a test sets itself is undone after it."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with thread_pools.limit(limits=1):
        yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def fashion_mnist() -> Dataset:
    """The real data, from Debian's folder or the user's cache; nothing is fetched here."""
    offline = Sources(mirrors=(), apt=Apt(apt_get=NOT_HERE, dpkg_deb=NOT_HERE, is_root=False))
    try:
        return load(None, CACHE, sources=offline)
    except DataError as error:
        pytest.fail(f"this test needs the real data: run `fmnist-tui data` once to fetch it ({error})")
