"""Forms that carry pictures."""

from aisle.api import multipart


def test_a_forms_field_may_be_called_anything() -> None:
    for name in ("größe", "꙰\x04RPh%𪟔\x1c¼", "字"):
        body = f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n7\r\n--x--\r\n'.encode()
        assert multipart.read(body, b"x") == {name: "7"}
