"""What stands in KEN_MODEL_BASE_URL works, or is refused by name with what to write."""

from pathlib import Path

import pytest

from workers.models.address import address_of
from workers.ops.production import contradictions
from workers.settings import Settings

SECRET = "hunter2"


@pytest.mark.parametrize(
    ("written", "bases"),
    [
        ("", ["https://api.openai.com/v1"]),
        ("https://h.example/v1", ["https://h.example/v1"]),
        (" https://h.example/v1/ ", ["https://h.example/v1"]),
        ("https://h.example//v1//", ["https://h.example/v1"]),
        ("https://h.example/v1/chat/completions", ["https://h.example/v1"]),
        ("https://h.example/v1/responses/", ["https://h.example/v1"]),
        ("https://h.example/v1/models", ["https://h.example/v1"]),
        ("http://127.0.0.1:11434", ["http://127.0.0.1:11434/v1", "http://127.0.0.1:11434"]),
        ("http://[::1]:8080/", ["http://[::1]:8080/v1", "http://[::1]:8080"]),
        ("https://h.example/llm", ["https://h.example/llm/v1", "https://h.example/llm"]),
        ("https://h.example/v1beta/openai/", ["https://h.example/v1beta/openai"]),
        ("https://a.openai.azure.com/openai/v1/", ["https://a.openai.azure.com/openai/v1"]),
        ("https://a.openai.azure.com", ["https://a.openai.azure.com/openai/v1"]),
        ("https://A.openai.azure.com./", ["https://A.openai.azure.com./openai/v1"]),
        ("https://h.example/openai", ["https://h.example/openai/v1", "https://h.example/openai"]),
        ("https://h.example/V1/Chat/Completions", ["https://h.example/V1"]),
        ("https://h.example/v1/embeddings", ["https://h.example/v1"]),
        ("http://h.example/api/chat", ["http://h.example/v1", "http://h.example"]),
        ("https://a.openai.azure.com/openai", ["https://a.openai.azure.com/openai/v1"]),
    ],
)
def test_an_address_is_taken_as_it_is_pasted(written: str, bases: list[str]) -> None:
    found = address_of(written, "m")
    assert list(found.bases) == bases
    assert found.is_azure == ("azure" in written)


def test_a_query_is_kept_and_azures_date_makes_it_azures() -> None:
    found = address_of(
        "https://a.openai.azure.com/openai/deployments/d/chat/completions?api-version=2025-04-01",
        "m",
    )
    assert found.bases == ("https://a.openai.azure.com/openai/deployments/d",)
    assert found.query == (("api-version", "2025-04-01"),)
    assert found.is_azure
    dated = address_of("https://proxy.example/openai?api-version=preview", "m")
    assert dated.is_azure
    assert dated.bases == (
        "https://proxy.example/openai",
        "https://proxy.example/openai/deployments/m",
    )
    routed = address_of("https://h.example/v1?route=eu", "m")
    assert (routed.query, routed.is_azure) == ((("route", "eu"),), False)


@pytest.mark.parametrize(
    ("written", "what"),
    [
        (f"https://user:{SECRET}@h.example/v1", "KEN_MODEL_API_KEY"),
        (f"https://{SECRET}@h.example/v1", "KEN_MODEL_API_KEY"),
        (f"https://h.example/v1?api_key={SECRET}", "KEN_MODEL_API_KEY"),
        (f"https://h.example/v1?key={SECRET}", "KEN_MODEL_API_KEY"),
        (f"https://h.example/v1?subscription-key={SECRET}", "KEN_MODEL_API_KEY"),
        (f"https://h.example/v1#{SECRET}", "https://HOST/v1"),
        (f"https://h.example/{SECRET} /v1", "https://HOST/v1"),
        (f"https://h.example\\{SECRET}", "https://HOST/v1"),
        (f"https://h.example/{SECRET}\u200b/v1", "https://HOST/v1"),
        (f"h.example/{SECRET}", "https://HOST/v1"),
        (f"ftp://h.example/{SECRET}", "https://HOST/v1"),
        (f"https:///{SECRET}", "https://HOST/v1"),
        (f"https://h.example:{SECRET}/v1", "https://HOST/v1"),
        (f"https://[{SECRET}/v1", "https://HOST/v1"),
        ("https://h.example:0/v1", "https://HOST/v1"),
    ],
)
def test_another_is_refused_at_the_start_by_name_and_never_shown(written: str, what: str) -> None:
    settings = Settings(home=Path("/nowhere"), model_base_url=written)
    (refused,) = [one for one in contradictions(settings, "worker") if "MODEL" in one]
    assert refused.startswith("KEN_MODEL_BASE_URL ")
    assert what in refused
    assert SECRET not in refused
    assert SECRET not in repr(settings)
