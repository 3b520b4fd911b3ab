"""What tests of tasks share."""

import pytest

from tests.tasks.made_bert import write_bert


@pytest.fixture(scope="session")
def bert(tmp_path_factory):
    return write_bert(tmp_path_factory.mktemp("bert") / "tiny")
