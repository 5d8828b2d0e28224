"""Contract suites: the tests that every task has to pass, for your own ones, too.

Each suite is a class of pytest tests. A subclass supplies one fixture and inherits all tests; see
`evo_nas.testing.tasks.TaskContract`. Only this package imports pytest.
"""

import pytest

# Before the suites are imported: pytest explains a failed assert only in modules that it knows to be tests.
pytest.register_assert_rewrite(f"{__name__}.tasks")
