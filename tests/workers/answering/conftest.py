"""A person, and a document that only she may read."""

import pytest

from tests.workers.answering.asking import only
from tests.workers.slack_company import Company


@pytest.fixture
def alice(company: Company) -> int:
    alice = company.person("alice")
    company.person("bob")
    company.library.document("hers", "The budget is canary.", only(alice))
    return alice
