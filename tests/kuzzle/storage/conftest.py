"""Makes the assertions of the contract suites tell what they compared."""

import pytest

for suite in ("filling", "storage", "writes", "search", "paging", "highlights", "types", "collapse"):
    pytest.register_assert_rewrite(f"tests.contracts.{suite}")
