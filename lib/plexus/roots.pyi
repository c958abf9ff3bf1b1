ROOTS: tuple[bytes, ...]
