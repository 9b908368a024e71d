"""A probe as a callback of transformers' Trainer."""

from typing import Any

from transformers import TrainerCallback

from rnaexp.callbacks.probe import Probe
from rnaexp.progress import say


class TrainerProbe(TrainerCallback):
    """Probe the model before the first step and after each step that is due; figures stand in `state.log_history`."""

    def __init__(self, probe: Probe) -> None:
        self.probe = probe

    def on_train_begin(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
        """Before the first step; of a resumed training, the first probe is known from its history."""
        seen = (entry for entry in state.log_history if "rnaexp/seconds" in entry)
        self.probe.first = self.probe.first or next(seen, None)
        self._maybe(state, model)

    def on_step_end(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
        """After an optimiser step."""
        self._maybe(state, model)

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Say what the probes cost."""
        if state.is_world_process_zero:
            say(str(self.probe.cost))

    def _maybe(self, state: Any, model: Any) -> None:
        step = int(state.global_step)
        seen = any(entry.get("step") == step and "rnaexp/seconds" in entry for entry in state.log_history)
        # A resumed training probes no step twice.
        if model is not None and self.probe.due(step) and not seen and (found := self.probe(model, step)):
            state.log_history.append({"step": step, **found})
