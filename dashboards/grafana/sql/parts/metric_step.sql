-- Seconds between points of the pipeline's figures, which come every 15 seconds: from ten minutes on whole hours.
if($__interval_s < 600, greatest($__interval_s, 15), {{step}})
