SELECT count() AS open FROM {{evidence:'quality_drift', 'input_drift'}} WHERE status = 'open' AND kind != 'unjudged'
