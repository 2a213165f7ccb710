"""The page: records and predictions as one HTML file that works from disk, offline."""

from lensbench.leaderboard.page.building import build as build
from lensbench.leaderboard.page.building import values_of as values_of
from lensbench.leaderboard.page.evidence import Evidence as Evidence
from lensbench.leaderboard.page.evidence import gather as gather
