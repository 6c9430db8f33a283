SELECT count() AS findings FROM {{of_session}} WHERE status = 'open'
