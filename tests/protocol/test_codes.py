from protocol import codes

WIRE_ORDER = "30 63 58 03 40 12 94 14 78 54 75 55 57 13 61 65 25 51 05"


def test_the_precedence_is_that_of_the_wire_profile() -> None:
    assert " ".join(codes.PRECEDENCE) == WIRE_ORDER


def test_every_code_has_a_meaning() -> None:
    named = {value for name, value in vars(codes.ResponseCode).items() if name.isupper()}
    assert named == set(codes.RESPONSE_MEANINGS)
    assert set(codes.PRECEDENCE) < named


def test_processing_codes_are_six_digits() -> None:
    named = [value for name, value in vars(codes.ProcessingCode).items() if name.isupper()]
    assert len(set(named)) == len(named)
    assert all(len(value) == 6 and value.isdigit() for value in named)
