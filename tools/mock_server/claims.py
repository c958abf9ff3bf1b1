"""Claims: a device gets its API key from a person who approves it, instead of having it typed."""

import secrets
import time
from dataclasses import dataclass
from typing import Any

from tools.mock_server.calls import Call, Routes
from tools.mock_server.contract import ContractError
from tools.mock_server.faults import Answer, FaultError
from tools.mock_server.keys import KEY_PREFIX, Keys
from tools.mock_server.rates import Bucket, Rate

INTERVAL_S = 5
EXPIRES_IN_S = 900
DECISIONS = ("approved", "denied", "expired")
# From one address; this server takes all for one.
_NEW = Rate(10 / 60, burst=10)
_POLLS = Rate(30 / 60, burst=30)
_MAX_NAME_CHARS = 100
# Without those that are easily taken for each other.
_CODE_LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"


@dataclass
class _Claim:
    device_code: str
    user_code: str
    name: str | None
    made_s: float
    # "pending", one of DECISIONS, or "delivered": its key was fetched.
    status: str = "pending"

    def to_json(self) -> dict[str, Any]:
        """Without its secret."""
        return {"user_code": self.user_code, "name": self.name, "status": self.status}


class Claims:
    """The app's paths for claims, and what a person decides about them."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self.reset()

    def reset(self) -> None:
        """Forget claims; the keys that were given out stay good."""
        self._claims: dict[str, _Claim] = {}
        self._new, self._polls = Bucket(_NEW), Bucket(_POLLS)

    def routes(self) -> Routes:
        return {
            "/auth/claim": {"POST": self._create},
            "/auth/claim/": {"GET": self._poll},
        }

    def to_json(self) -> list[dict[str, Any]]:
        return [claim.to_json() for claim in self._claims.values()]

    def decide(self, user_code: str, decision: object) -> dict[str, Any]:
        """What the person does at the verification URL; raises FaultError."""
        if decision not in DECISIONS:
            raise FaultError("decision must be one of: " + ", ".join(DECISIONS))
        for claim in self._claims.values():
            if claim.user_code == user_code and claim.status == "pending":
                claim.status = str(decision)
                return claim.to_json()
        raise FaultError(f"no claim {user_code!r} is pending")

    def _create(self, call: Call) -> Answer:
        _limit(self._new)
        name = call.document.get("name")
        name = name.strip()[:_MAX_NAME_CHARS] or None if isinstance(name, str) else None
        letters = [secrets.choice(_CODE_LETTERS) for _ in range(8)]
        user_code = "".join(letters[:4]) + "-" + "".join(letters[4:])
        claim = _Claim(secrets.token_hex(32), user_code, name, time.monotonic())

        def commit() -> None:
            self._claims[claim.device_code] = claim

        return Answer.of_json(
            201,
            {
                "device_code": claim.device_code,
                "user_code": user_code,
                "verification_url": f"{call.base_url}/claim/{user_code}",
                "expires_in": EXPIRES_IN_S,
                "interval": INTERVAL_S,
            },
            verdict=f"claim {user_code}",
            commit=commit,
        )

    def _poll(self, call: Call) -> Answer:
        _limit(self._polls)
        claim = self._claims.get(call.argument)
        if claim is None:
            raise ContractError("unknown claim", 404)
        if claim.status == "pending" and time.monotonic() - claim.made_s > EXPIRES_IN_S:
            claim.status = "expired"
        verdict = f"claim {claim.user_code} {claim.status}"
        if claim.status == "approved":
            key = f"{KEY_PREFIX}{secrets.token_hex(16)}"

            def commit() -> None:
                claim.status = "delivered"
                self._keys.accept(key)

            found = {"status": "approved", "api_key": key, "org_id": "org_mock"}
            return Answer.of_json(200, found, verdict=verdict, commit=commit)
        if claim.status == "pending":
            return Answer.of_json(
                200, {"status": "pending", "interval": INTERVAL_S}, verdict=verdict
            )
        status = "denied" if claim.status == "denied" else "expired"
        return Answer.of_json(200, {"status": status}, verdict=verdict)


def _limit(bucket: Bucket) -> None:
    if not bucket.take():
        raise ContractError(
            "too many requests", 429, code="RATE_LIMITED", retry_after_s=bucket.wait_s()
        )
