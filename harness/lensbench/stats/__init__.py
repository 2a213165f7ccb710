"""Intervals on scores."""

from lensbench.stats.intervals import Interval as Interval
from lensbench.stats.intervals import bootstrap as bootstrap
from lensbench.stats.intervals import mean_interval as mean_interval
