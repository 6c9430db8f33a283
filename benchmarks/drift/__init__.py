"""What `make drift-bench` runs: false alarms and delays of drift detection, the corrected estimates, the gate."""
