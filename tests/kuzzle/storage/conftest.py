"""Makes the assertions of the contract suites tell what they compared."""

import pytest

pytest.register_assert_rewrite("tests.contracts.storage", "tests.contracts.search")
