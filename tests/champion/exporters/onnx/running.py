"""Runs ONNX models in onnxruntime; a module that imports it is skipped where that is absent."""

from __future__ import annotations

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="needs evo-nas[onnx]")
onnxruntime = pytest.importorskip("onnxruntime", reason="needs evo-nas[onnx]")


class Running:
    """A model in onnxruntime, after the checker of ONNX has accepted it."""

    def __init__(self, model) -> None:
        onnx.checker.check_model(model, full_check=True)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3  # it remarks that an input with a default is no constant
        self.session = onnxruntime.InferenceSession(model.SerializeToString(), options)

    def __call__(self, **inputs):
        """Returns the outputs by name."""
        given = {name: np.asarray(each) for name, each in inputs.items() if each is not None}
        names = [output.name for output in self.session.get_outputs()]
        return dict(zip(names, self.session.run(None, given), strict=True))
