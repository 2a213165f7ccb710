"""Finds plugins, resolves `name:options` and sets the broken ones apart."""

from lensbench.registry.catalogue import BrokenPlugin as BrokenPlugin
from lensbench.registry.catalogue import Catalogue as Catalogue
from lensbench.registry.catalogue import OutdatedPlugin as OutdatedPlugin
from lensbench.registry.catalogue import RegisteredPlugin as RegisteredPlugin
from lensbench.registry.discovery import load_catalogue as load_catalogue
from lensbench.registry.options import parse_reference as parse_reference
