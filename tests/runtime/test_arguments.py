"""The module's command line: nothing in it keeps the module from starting."""

import logging

import pytest

from pi_drivers.runtime.arguments import Address, parse_address, parse_arguments


@pytest.mark.parametrize(
    ("name", "level"),
    [("debug", logging.DEBUG), ("TRACE", logging.DEBUG), ("Warn", logging.WARNING), ("error", logging.ERROR)],
)
def test_levels_of_viam_server_are_known(name, level):
    arguments = parse_arguments(["/tmp/m.sock", f"--log-level={name}"])
    assert (arguments.log_level, arguments.complaint) == (level, None)


def test_an_unknown_level_is_info_and_one_complaint():
    arguments = parse_arguments(["/tmp/m.sock", "--log-level=loud"])
    assert arguments.log_level == logging.INFO
    assert "'loud' is not known" in (arguments.complaint or "")


def test_options_of_a_later_viam_server_are_ignored():
    assert parse_arguments(["/tmp/m.sock", "--log-level=info", "--new=1", "more"]).address == "/tmp/m.sock"


def test_the_address_is_needed():
    with pytest.raises(SystemExit):
        parse_arguments([])


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("/tmp/viam/m.sock", Address(path="/tmp/viam/m.sock")),
        ("/tmp/12:30/m.sock:5", Address(path="/tmp/12:30/m.sock:5")),
        ("unix:///tmp/m.sock", Address(path="/tmp/m.sock")),
        ("m.sock", Address(path="m.sock")),
        ("127.0.0.1:9000", Address(host="127.0.0.1", port=9000)),
        ("localhost:9000", Address(host="localhost", port=9000)),
        ("tcp://localhost:9000", Address(host="localhost", port=9000)),
        ("[::1]:9000", Address(host="::1", port=9000)),
        (":9000", Address(host="127.0.0.1", port=9000)),
    ],
)
def test_a_host_and_a_port_are_told_from_a_path(text, address):
    assert parse_address(text) == address
