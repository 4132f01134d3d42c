"""The picture in the README is what the demo shows."""

from pi_drivers.cli import picture
from pi_drivers.cli.meta import ROOT


def test_the_picture_of_the_demo_is_what_the_generator_draws():
    drawn = (ROOT / "docs" / "demo.svg").read_text(encoding="utf-8")

    assert drawn == picture.picture(), "run: python -m pi_drivers.cli.generate"


def test_the_picture_shows_a_rover_under_way_and_fetches_nothing():
    drawn = picture.picture().replace("&#160;", " ")

    for text in ("./run.sh demo", "rover after 5.0 s: a bend to the right", "left wheel", "+90%", "temperature_c"):
        assert text in drawn
    assert "url(http" not in drawn
    assert "@font-face" not in drawn
