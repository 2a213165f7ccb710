"""Writes the project of a new plugin, from templates that are part of this package."""

from lensbench.scaffold.project import PLUGIN_KINDS as PLUGIN_KINDS
from lensbench.scaffold.project import Project as Project
from lensbench.scaffold.project import new_project as new_project
