from .record import _Value

def compound_text(value: _Value) -> bytes: ...
def suffix(
    tags: dict[str, str] | None,
    session_id: str | None,
    source_id: str | None,
    is_event: bool = False,
) -> bytes: ...
