"""A message that is larger than the server takes, made smaller. Loaded when there is one."""

import json

# What goes, one after the other, until the rest fits: that it happened counts, not all the words.
_PARTS = ("result", "output", "data", "message", "error_message")
# What has to be there all the same, but for a command_status.
_EMPTY = {"result": {}, "data": ""}


def fitted(text, maximum):
    """A message (JSON) of up to `maximum` bytes, if leaving out texts and results helps."""
    if len(text.encode()) <= maximum:
        return text
    message = json.loads(text)
    is_status = message["type"] == "command_status"
    result = message.get("result")
    if isinstance(result, dict) and not is_status and "output" in result:
        del result["output"]
        text = json.dumps(message)
    for name in _PARTS:
        if len(text.encode()) <= maximum:
            break
        if message.pop(name, None) is not None:
            if name in _EMPTY and not is_status:
                message[name] = _EMPTY[name]
            text = json.dumps(message)
    return text
