"""The campaign itself: it must see what it is there to see."""

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from pi_drivers.errors import StaleReadingError
from pi_drivers.models.camera import camera, frame_keeper
from pi_drivers.models.camera.camera import CameraModel
from pi_drivers.models.sensor import sht31
from pi_drivers.models.sensor.sht31 import Sht31
from pi_drivers.runtime.poller import Poller
from pi_drivers.runtime.worker import BusWorker
from tests.campaign.cases import Case, run
from tests.campaign.plan import plan_of
from tests.campaign.subjects import SUBJECTS

AIR = next(one for one in SUBJECTS if one.model == "sht31")
EYES = [one for one in SUBJECTS if one.model in {"webcam", "csi-camera"}]


def test_every_kind_of_fault_is_tried_at_every_transaction():
    plan = plan_of(AIR)
    # A reset, a status word (written, read), a measurement (written, read); then measurements only.
    assert (plan.start, plan.reading) == (5, 4)
    assert len(plan.cases) == len(plan.kinds) * (5 + 4)


def test_a_sound_sensor_answers_wrongly_never_and_recovers():
    outcome = run(Case(AIR, "unplugged", at_start=False, skip=1))
    assert outcome.sound
    assert outcome.errors > 10
    assert outcome.answers > 25


def test_a_checksum_that_is_ignored_is_seen_as_a_wrong_value(monkeypatch):
    monkeypatch.setattr(Sht31, "_checked", lambda _, word: int.from_bytes(word[:2], "big"))
    outcome = run(Case(AIR, "one wrong bit", at_start=False, skip=1))
    assert outcome.wrong


def test_a_reading_that_is_served_for_ever_is_seen_as_a_wrong_value(monkeypatch):
    monkeypatch.setattr(Poller, "latest", lambda poller: poller._newest)
    outcome = run(Case(AIR, "unplugged", at_start=False, skip=0))
    assert outcome.wrong


def test_a_thread_that_is_left_behind_is_seen(monkeypatch):
    left = []
    monkeypatch.setattr(BusWorker, "stop", lambda worker, last_job=None: left.append(worker))
    outcome = run(Case(AIR, "one NACK", at_start=False, skip=0))
    monkeypatch.undo()
    for worker in left:
        worker.stop()
    assert any("bus i2c-1" in text for text in outcome.leaked)


def test_a_sensor_that_does_not_come_back_is_seen(monkeypatch):
    monkeypatch.setattr(sht31.Sht31Sensor, "_readings", _never_again)
    outcome = run(Case(AIR, "one NACK", at_start=False, skip=0))
    assert not outcome.recovered


@pytest.mark.parametrize("eye", EYES, ids=lambda one: one.title)
def test_a_sound_camera_shows_nothing_wrong_and_recovers(eye):
    outcome = run(Case(eye, "unplugged", at_start=False, skip=1))
    assert outcome.sound
    assert outcome.errors > 10
    assert outcome.answers > 25


@pytest.mark.parametrize("eye", EYES, ids=lambda one: one.title)
def test_a_picture_that_is_served_for_ever_is_seen_as_wrong(eye, monkeypatch):
    monkeypatch.setattr(camera, "fresh", lambda _label, sample, *_: sample)
    outcome = run(Case(eye, "silence", at_start=False, skip=0))
    assert any("too_old_ms" in text for text in outcome.wrong)


def test_a_damaged_picture_is_seen_as_wrong(monkeypatch):
    monkeypatch.setattr(frame_keeper, "checked", lambda frame: frame)
    outcome = run(Case(EYES[0], "half, 1", at_start=False, skip=0))
    assert any("damage" in text for text in outcome.wrong)


def test_a_picture_with_another_one_s_time_is_seen_as_wrong(monkeypatch):
    monkeypatch.setattr(CameraModel, "_timestamp", lambda *_: Timestamp())
    outcome = run(Case(EYES[0], "lost, 1", at_start=False, skip=0))
    assert outcome.wrong


def _never_again(*_: object) -> None:
    raise StaleReadingError("it is gone")


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda one: one.title)
def test_each_sensor_has_a_plan_and_names_what_it_must_say(subject):
    plan = plan_of(subject)
    assert plan.start >= 1
    assert plan.reading >= 1
    assert len(plan.kinds) >= 2
