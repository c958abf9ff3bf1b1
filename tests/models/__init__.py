"""Register-level models of the sensors, for tests and demo; they run on both interpreters."""
