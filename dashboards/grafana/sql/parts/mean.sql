-- The weighted mean of values from 0 to 1, and Wilson's 95 % interval for as many sessions as the weights are worth.
sum(value * weight) / sum(weight) AS mean,
    pow(sum(weight), 2) / sum(weight * weight) AS worth,
    (mean + 1.9208 / worth) / (1 + 3.8416 / worth) AS centre,
    1.96 * sqrt(greatest(mean * (1 - mean), 0) / worth + 0.9604 / (worth * worth)) / (1 + 3.8416 / worth) AS half
