"""The rules of a configuration on a board: made from the schema, and from nothing else."""

import copy
import json
from typing import Any

import pytest

from tools.artifacts import config_rules
from tools.artifacts.config_rules import RulesError

SCHEMA = json.loads(config_rules.SCHEMA.read_text())


def with_key(**rule: Any) -> str:
    """The rules of a schema with one more key."""
    schema = copy.deepcopy(SCHEMA)
    schema["properties"]["more"] = rule
    return config_rules.text_of(schema)


def word(pattern: str, maximum: int = 9) -> str:
    return with_key(type="string", pattern=pattern, maxLength=maximum, errorMessage="no")


def test_the_rules_are_what_the_schema_makes() -> None:
    assert config_rules.TARGET.read_text() == config_rules.text(), (
        "firmware/config/rules.py is stale: .venv/bin/python -m tools.artifacts.config_rules"
    )


@pytest.mark.parametrize(
    ("pattern", "rule"),
    [
        ("^[a-c]+$", '(checks.word, 1, 9, "abc", "no")'),
        ("^[!-~]+$", '(checks.word, 1, 9, None, "no")'),
        ("^[a-c][a-c_-]*$", '(checks.word, 1, 9, "abc_-", "no", "_-")'),
        ("^[ab]([ab.]*[ab])?$", '(checks.word, 1, 9, "ab.", "no", ".", ".")'),
    ],
)
def test_a_pattern_becomes_the_characters_that_may_stand_where(pattern: str, rule: str) -> None:
    assert f'"more": {rule},' in word(pattern)


def test_a_pattern_of_one_length_becomes_it() -> None:
    assert '"more": (checks.word, 3, 3, "AB", "no"),' in word("^[AB][AB][AB]$", 3)


@pytest.mark.parametrize(
    "rule",
    [
        {"type": "number"},
        {"type": "integer", "minimum": 1},  # without an end
        {"type": "string", "maxLength": 9},
        {"type": "string", "pattern": "^[a-z]+$", "errorMessage": "no"},  # of any length
        {"type": "object", "properties": {}},  # that takes any key
        {"allOf": [{"$ref": "#/$defs/url"}, {"pattern": "^ftp://"}]},
        {"type": "integer", "minimum": 1, "maximum": 9, "multipleOf": 2},
        {"type": "boolean", "const": True},
        {"$ref": "#/$defs/ipv4", "maxLength": 9},
    ],
)
def test_what_has_no_check_is_refused(rule: dict[str, Any]) -> None:
    with pytest.raises(RulesError):
        with_key(**rule)


@pytest.mark.parametrize(
    "pattern",
    ["^a+$", "^[^a]+$", "[a]+", "^[ab][b]*$", "^[ab]([ab]*[b])?$", "^[A][B]$", "^[A][A]$"],
)
def test_a_pattern_that_is_none_of_characters_is_refused(pattern: str) -> None:
    with pytest.raises(RulesError):
        word(pattern)


def test_a_key_that_is_required_has_words_for_when_it_is_missing() -> None:
    schema = copy.deepcopy(SCHEMA)
    del schema["properties"]["source_id"]["missingMessage"]
    with pytest.raises(RulesError, match="source_id"):
        config_rules.text_of(schema)
