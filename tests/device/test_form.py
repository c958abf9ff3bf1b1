"""What is posted to the portal: taken as browsers send it, refused in any other shape."""

from firmware.setup.form import parse, text
from support import equal, raises

FIELDS = {"network": 32, "password": 64}


def test_fields_are_decoded():
    got = parse(b"network=Caf%C3%A9+%26+Bar&password=a%2bb%3D%26c", FIELDS)
    equal(got, {"network": "Café & Bar", "password": "a+b=&c"})


def test_a_field_that_was_not_sent_is_empty():
    equal(parse(b"network=a", FIELDS), {"network": "a", "password": ""})
    equal(parse(b"network&password=", FIELDS), {"network": "", "password": ""})


def test_a_field_may_have_so_many_bytes_and_no_more():
    parse(b"network=" + b"%C3%A9" * 16, FIELDS)
    with raises(ValueError, "network: ", "32 bytes"):
        parse(b"network=" + b"%C3%A9" * 17, FIELDS)


def test_a_field_that_is_there_twice_is_refused():
    with raises(ValueError, "form: network is there twice"):
        parse(b"network=a&password=b&network=c", FIELDS)
    with raises(ValueError, "twice"):
        parse(b"network=a&netwo%72k=c", FIELDS)


def test_a_field_that_the_page_does_not_have_is_refused_and_not_said_again():
    for body in (b"", b"other=1", b"network=a&", b"&network=a", b"a" * 500, b"Network=a"):
        with raises(ValueError, "form: ") as caught:
            parse(body, FIELDS)
        assert "other" not in str(caught.value) and "aaa" not in str(caught.value)


def test_what_is_no_utf8_is_refused():
    bad = ("%FF", "%C3", "%C3%28", "%C0%80", "%C1%81", "%E0%80%AF", "%ED%A0%80", "%F0%80%80%AF",
           "%F4%90%80%80", "%F8%88%80%80%80", "%80")  # fmt: skip
    for value in bad:
        with raises(ValueError, "password: "):
            parse(b"password=x" + value.encode(), FIELDS)


def test_control_characters_are_refused():
    for value in ("%00", "%0A", "%0D", "%1B", "%7F", "%C2%85", "%09"):
        with raises(ValueError, "password: "):
            parse(b"password=x" + value.encode(), FIELDS)


def test_what_no_browser_encodes_is_refused():
    for value in (b"%", b"%4", b"%4x", b"%+1", b"% 1", b"%-1", b"%0x", b"%\xc3\xa9"):
        with raises(ValueError, "password: "):
            parse(b"password=" + value, FIELDS)


def test_no_value_is_in_an_error():
    for body in (b"password=secret%00", b"password=" + b"secret" * 20, b"password=secret%z"):
        with raises(ValueError) as caught:
            parse(body, FIELDS)
        assert "secret" not in str(caught.value)


def test_the_name_of_a_network_is_text_or_nothing():
    equal(text("Café".encode(), 32), "Café")
    equal(text("€uro 😀".encode(), 32), "€uro 😀")
    equal(text(b"\xff\xfe", 32), None)
    equal(text(b"a" * 33, 32), None)
    equal(text(b"a\x00", 32), None)
