"""The page: records and predictions as one HTML file that works from disk, offline."""

from lensbench.leaderboard.page.assemble import page as page
from lensbench.leaderboard.page.payload import Cite as Cite
from lensbench.leaderboard.page.payload import payload as payload
from lensbench.leaderboard.page.source import Source as Source
from lensbench.leaderboard.page.source import open_source as open_source
