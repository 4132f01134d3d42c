"""State that outlives a rebuild: in a file where there is a place for it, never a reason to fail."""

import json

from pi_drivers.runtime.kept_state import KeptState


def test_without_a_place_it_lasts_as_long_as_the_process():
    KeptState(("encoder", "kept-1"), on_disk=True).save({"ticks": 7})
    assert KeptState(("encoder", "kept-1"), on_disk=True).load() == {"ticks": 7}
    assert KeptState(("encoder", "kept-2"), on_disk=True).load() == {}


def test_with_module_data_it_lies_in_a_file(tmp_path, monkeypatch):
    monkeypatch.setenv("VIAM_MODULE_DATA", str(tmp_path))
    KeptState(("encoder", "e1"), on_disk=True).save({"ticks": 7})
    assert json.loads((tmp_path / "state" / "encoder-e1.json").read_text()) == {"ticks": 7}
    assert KeptState(("encoder", "e1"), on_disk=True).load() == {"ticks": 7}


def test_a_name_cannot_leave_the_directory(tmp_path, monkeypatch):
    monkeypatch.setenv("VIAM_MODULE_DATA", str(tmp_path))
    KeptState(("encoder", "../../etc/x"), on_disk=True).save({"ticks": 7})
    assert [path.parent for path in tmp_path.rglob("*.json")] == [tmp_path / "state"]
    assert KeptState(("encoder", "../../etc/x"), on_disk=True).load() == {"ticks": 7}


def test_a_spoiled_file_counts_as_none(tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("VIAM_MODULE_DATA", str(tmp_path))
    (tmp_path / "state").mkdir()
    for content in ('{"ticks": ', "[1]", "\xff"):
        (tmp_path / "state" / "encoder-e9.json").write_text(content, encoding="latin-1")
        assert KeptState(("encoder", "e9"), on_disk=True).load() == {}
    assert "cannot be read and is ignored" in caplog.text


def test_a_place_that_cannot_be_written_is_a_warning(tmp_path, monkeypatch, caplog):
    (tmp_path / "state").write_text("a file where the directory should be")
    monkeypatch.setenv("VIAM_MODULE_DATA", str(tmp_path))
    KeptState(("encoder", "e8"), on_disk=True).save({"ticks": 7})
    assert "cannot be written" in caplog.text


def test_what_is_not_meant_for_the_disk_does_not_go_there(tmp_path, monkeypatch):
    monkeypatch.setenv("VIAM_MODULE_DATA", str(tmp_path))
    KeptState(("encoder", "e7"), on_disk=False).save({"ticks": 7})
    assert list(tmp_path.iterdir()) == []
    assert KeptState(("encoder", "e7"), on_disk=False).load() == {"ticks": 7}
