"""Online agreement: how many of the detectors' findings are true, estimated while they run from what people say."""
