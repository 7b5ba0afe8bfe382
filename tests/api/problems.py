"""What every refusal of the API looks like."""

from typing import Any

from django.http import HttpResponse


def problem(answer: HttpResponse, http: int, code: str) -> dict[str, Any]:
    """The body of a problem answer, having checked its shape."""
    assert (answer.status_code, answer["Content-Type"]) == (http, "application/problem+json"), answer.content
    body: dict[str, Any] = answer.json()  # type: ignore[attr-defined]
    assert body.keys() >= {
        "type", "title", "status", "code", "detail", "way_out", "retryable", "errors", "trace_id",
    }  # fmt: skip
    assert (body["code"], body["status"], body["type"]) == (code, http, f"urn:assay:problem:{code}")
    assert body["trace_id"] == answer["X-Trace-Id"]
    assert "Traceback" not in answer.content.decode()
    return body
