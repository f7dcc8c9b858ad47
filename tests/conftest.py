from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session", autouse=True)
def no_size_in_the_environment() -> Iterator[None]:
    """GNU readline, which pytest imports, exports its own size to the workers: terminals of others must not see it."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("COLUMNS", "LINES"):
            patch.delenv(name, raising=False)
        yield
