"""What goes wrong in alerting."""

from __future__ import annotations

from watchkeeper.schemas.settings_file import SettingsFileError


class AlertsFileError(SettingsFileError):
    """`alerts.yaml` is refused."""
