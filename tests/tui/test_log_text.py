from __future__ import annotations

from fmnist_tui.tui.training.log import epoch_detail, log_text

from .samples import epoch


def lines(width: int) -> list[str]:
    log = [("12:00:01", "started", "v0, 266,610 parameters"), ("12:00:09", "epoch 3", epoch_detail(epoch(3)))]
    return log_text(log, "", width).plain.splitlines()


def test_times_events_and_details_are_columns() -> None:
    first, second = lines(100)
    assert first == "12:00:01  started     v0, 266,610 parameters"
    assert second == "12:00:09  epoch 3     val  84.00% ★  loss 0.8000  val loss 0.7000  3.0 s"


def test_a_number_is_never_parted_from_its_unit_or_its_name() -> None:
    for width in range(46, 100):
        joined = " ".join(line.strip() for line in lines(width)[1:])
        wanted = ["12:00:09 epoch 3", "val 84.00% ★", "loss 0.8000", "val loss 0.7000", "3.0 s"]
        assert joined.split() == " ".join(wanted).split()
        for part in ("84.00% ★", "loss 0.8000", "val loss 0.7000", "3.0 s"):
            assert any(part in line for line in lines(width)), (width, part)


def test_what_the_trainer_printed_comes_last() -> None:
    text = log_text([("12:00:01", "alert", "loss is NaN")], "Traceback", 60).plain
    assert text.endswith("Output of the trainer process:\nTraceback")
