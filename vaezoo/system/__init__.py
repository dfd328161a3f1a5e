"""The system below: files, folders, signals, devices, processes. Nothing here knows of models."""
