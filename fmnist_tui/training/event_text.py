"""Events as lines of text."""

from __future__ import annotations

from fmnist_tui.text import counted, duration, grouped, percent
from fmnist_tui.training import events


def format_event(event: events.Event) -> str:
    """The event as one line of text, or "" if it isn't worth one."""
    match event:
        case events.Epoch():
            return _epoch_line(event)
        case events.RunStarted():
            steps = f"{counted(event.epochs, 'epoch')} of {counted(event.steps_per_epoch, 'step')}"
            return f"started: {event.version}, {grouped(event.parameters)} parameters, {steps}"
        case events.Paused() | events.Continued() | events.Resumed():
            return f"{type(event).__name__.lower()} at step {event.step}"
        case events.RunFinished():
            saved = "saved, can be resumed" if event.reason == "stopped" and event.resumable else ""
            return ": ".join(filter(None, [event.reason, event.message or saved]))
    return _short_line(event)


def _short_line(event: events.Event) -> str:
    match event:
        case events.Queued():
            return event.text
        case events.Stage(name) if event.kind is not events.StageKind.VALIDATING:
            return name
        case events.StopRequested(how):
            return f"stop requested: {'after the current epoch' if how == 'after-epoch' else how}"
        case events.Sharing(runs):
            return f"{runs} runs share the device" if runs > 1 else "has the device for itself again"
        case events.Alert(_, message):
            return f"alert: {message}"
    return ""


def _epoch_line(epoch: events.Epoch) -> str:
    return (
        f"epoch {epoch.epoch}: loss {epoch.train_loss:.4f}, validation loss {epoch.validation_loss:.4f}, "
        f"validation {percent(epoch.validation_accuracy)}{' (best)' if epoch.is_best else ''}, "
        f"{duration(epoch.seconds)}"
    )
