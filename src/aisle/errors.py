"""The tree of everything that can go wrong, each with an HTTP status, a stable code and a next step.

    AisleError                 500 internal_error
    ├── BadInput               422 invalid_request       the request or the file says something impossible
    │   ├── Malformed          400 malformed_request     it cannot even be read (broken JSON, wrong encoding)
    │   ├── TooLarge           413 request_too_large
    │   └── Unsupported        415 unsupported_format
    ├── Unauthorized           401 invalid_api_key
    ├── Forbidden              403 insufficient_scope
    ├── NotFound               404 not_found             unknown item, job, route, version
    │   └── NoModel            404 model_not_found       nothing trained yet for this task
    ├── Conflict               409 conflict              already there, already running
    │   └── HomeLocked         409 home_locked           another server works on this folder
    ├── Cancelled              409 cancelled             somebody stopped the job
    ├── RateLimited            429 rate_limit_exceeded   the caller's own limit
    ├── EngineFailed           500 engine_failed         one item broke the model; its neighbours were answered
    ├── Unavailable            503 unavailable           try again later (carries retry_after)
    │   ├── Overloaded         503 overloaded            a queue is full
    │   └── StorageFailed      503 storage_failed        disk full, read-only, or damaged
    ├── DeadlineExceeded       504 deadline_exceeded
    └── Misconfigured          500 misconfigured         settings, schema or model files do not fit this version

Messages say what happened and what to do. `param` is a JSON pointer into the request ("/items/3/price") or a setting's name.
"""

from typing import ClassVar


class AisleError(Exception):
    """Base of every error Aisle raises on purpose."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "Internal error"

    def __init__(self, detail: str, *, param: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.param = param


class BadInput(AisleError):
    status, code, title = 422, "invalid_request", "The request is not valid"


class Malformed(BadInput):
    status, code, title = 400, "malformed_request", "The request cannot be read"


class TooLarge(BadInput):
    status, code, title = 413, "request_too_large", "The request is too large"


class Unsupported(BadInput):
    status, code, title = 415, "unsupported_format", "The format is not supported"


class Unauthorized(AisleError):
    status, code, title = 401, "invalid_api_key", "A valid API key is needed"


class Forbidden(AisleError):
    status, code, title = 403, "insufficient_scope", "The API key does not allow this"


class NotFound(AisleError):
    status, code, title = 404, "not_found", "Not found"


class NoModel(NotFound):
    code, title = "model_not_found", "No model yet"


class Conflict(AisleError):
    status, code, title = 409, "conflict", "Conflict"


class HomeLocked(Conflict):
    code, title = "home_locked", "The shop's folder is in use"


class Cancelled(AisleError):
    status, code, title = 409, "cancelled", "The job was cancelled"


class EngineFailed(AisleError):
    code, title = "engine_failed", "The model failed on this request"


class Unavailable(AisleError):
    """Try again after `retry_after` seconds."""

    status, code, title = 503, "unavailable", "Not available right now"

    def __init__(self, detail: str, *, retry_after: float = 1.0, param: str | None = None) -> None:
        super().__init__(detail, param=param)
        self.retry_after = retry_after


class RateLimited(AisleError):
    """The caller's own limit; `retry_after` in seconds."""

    status, code, title = 429, "rate_limit_exceeded", "Too many requests"

    def __init__(self, detail: str, *, retry_after: float = 1.0, param: str | None = None) -> None:
        super().__init__(detail, param=param)
        self.retry_after = retry_after


class Overloaded(Unavailable):
    code, title = "overloaded", "Too much to do right now"


class StorageFailed(Unavailable):
    code, title = "storage_failed", "The shop's storage failed"


class DeadlineExceeded(AisleError):
    status, code, title = 504, "deadline_exceeded", "The answer took too long"


class Misconfigured(AisleError):
    code, title = "misconfigured", "The installation does not fit together"
