-- Seconds between points: whole minutes, and from ten minutes on whole hours.
if($__interval_s < 600, 60 * intDiv($__interval_s + 59, 60), 3600 * intDiv($__interval_s + 3599, 3600))
