"""websocket: text has to be UTF-8, and is refused as soon as it is not."""

from support import equal, only
from websocket_talks import BAD_UTF8, BINARY, GREEK, TEXT, frame, received, refused

HEAP = "16M"
GOOD_UTF8 = (
    b"\x00",
    b"\x7f",
    b"\xc2\x80",
    b"\xdf\xbf",
    b"\xe0\xa0\x80",
    b"\xec\xbf\xbf",
    b"\xed\x80\x80",
    b"\xed\x9f\xbf",
    b"\xee\x80\x80",
    b"\xef\xbf\xbf",
    b"\xf0\x90\x80\x80",
    b"\xf3\xbf\xbf\xbf",
    b"\xf4\x8f\xbf\xbf",
    GREEK,
)


def test_well_formed_text_is_received(websocket_server):
    pieces = [frame(TEXT, each) for each in GOOD_UTF8]
    equal(received(websocket_server, *pieces), [each.decode() for each in GOOD_UTF8])


def test_ill_formed_text_is_refused(websocket_server):
    for each in BAD_UTF8:
        equal(refused(websocket_server, 1007, frame(TEXT, b"ok"), frame(TEXT, each)), ["ok"])


def test_characters_may_be_split_between_fragments(websocket_server):
    for text in (GREEK, b"\xf0\x9f\x98\x80\xe2\x82\xac"):
        pieces = [frame(TEXT, text[:1], fin=0)]
        pieces += [frame(0, text[i : i + 1], fin=0) for i in range(1, len(text))]
        equal(received(websocket_server, *(pieces + [frame(0)])), [text.decode()])


def test_ill_formed_text_in_fragments_is_refused(websocket_server):
    for each in BAD_UTF8:
        pieces = [frame(TEXT, b"", fin=0)]
        pieces += [frame(0, each[i : i + 1], fin=0) for i in range(len(each))]
        refused(websocket_server, 1007, *(pieces + [frame(0)]))


def test_ill_formed_text_is_refused_at_once(websocket_server):
    # The server waits for the close frame and sends nothing more: the message never ends.
    for bad in (b"\xf4\x90", b"\xed\xa0", b"\xe0\x80", b"\xc0", b"\xff", b"\xce\x28"):
        refused(websocket_server, 1007, frame(TEXT, GREEK, fin=0), frame(0, bad, fin=0))
        refused(websocket_server, 1007, frame(TEXT, GREEK + bad, length=(2, 2000)))


@only("cpython")  # whose decoder is strict, and a judge
def test_check_of_utf8_agrees_with_a_strict_decoder():
    from plexus.websocket.frames import utf8

    edges = (0x00, 0x28, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC2, 0xE0, 0xF0, 0xFF)
    tails = [b""] + [bytes((a,)) for a in edges] + [bytes((a, b)) for a in edges for b in edges]
    tails += [bytes((a, b, c)) for a in (0x80, 0x8F, 0x90, 0xBF) for b in edges for c in edges]
    for first in range(256):
        for tail in tails:
            data = bytes((first,)) + tail
            try:
                data.decode()
                good = True
            except UnicodeDecodeError:
                good = False
            assert (utf8(data, 0) == 0) == good, data
            state = 0
            for i in range(len(data)):
                state = state if state < 0 else utf8(data[i : i + 1], state)
            assert (state == 0) == good, data


def test_binary_may_be_any_bytes(websocket_server):
    equal(received(websocket_server, *[frame(BINARY, each) for each in BAD_UTF8]), list(BAD_UTF8))
