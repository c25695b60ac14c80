"""Language models and embedders: what they are asked, and what is used of their output."""

import os

# ONNX Runtime reports to its maker when models are loaded and run, unless this is set before it is
# imported (Privacy.md of its version 1.32). What Ken does stays on the machine.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
