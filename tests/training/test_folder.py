"""The folder that a run trains into."""

import pytest

from o1j.errors import Unavailable, UsageError
from o1j.training import folder


def test_a_folder_is_one_run_s_at_a_time(tmp_path) -> None:
    with folder.work(tmp_path / "student") as place:
        assert place.is_dir()
        with pytest.raises(UsageError, match="another run"), folder.work(tmp_path / "student"):
            pass
        assert place.is_dir()
    assert not place.exists()


def test_what_a_killed_run_left_goes_and_nothing_else(tmp_path) -> None:
    for name in (".o1j-killed", "checkpoints"):
        (tmp_path / name).mkdir()
    with folder.work(tmp_path) as place:
        assert {path.name for path in tmp_path.iterdir()} == {place.name, "checkpoints"}


def test_a_folder_that_cannot_be_made_or_written_to_is_named(tmp_path) -> None:
    (tmp_path / "file").touch()
    for output, message in ((tmp_path / "file" / "x", "can't be made"), (folder.Path("/proc/self"), "written to")):
        with pytest.raises(Unavailable, match=message), folder.work(output):
            pass


def test_a_disk_too_small_is_told_of_before_anything_is_trained(tmp_path) -> None:
    gib = 2**30
    with pytest.raises(Unavailable, match=r"the trained model takes 2\.0 GiB, and 1\.0 GiB are free"):
        folder.room(tmp_path, free=gib, model=2 * gib, checkpoint=0)
    assert "checkpoints take 8.0 GiB each" in folder.room(tmp_path, free=10 * gib, model=2 * gib, checkpoint=8 * gib)
    assert folder.room(tmp_path, free=10 * gib, model=2 * gib, checkpoint=0) is None
    assert folder.room(tmp_path, free=18 * gib, model=2 * gib, checkpoint=8 * gib) is None
