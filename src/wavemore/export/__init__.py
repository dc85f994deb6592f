"""Models in forms that other programs open: ONNX, and one page of HTML."""
