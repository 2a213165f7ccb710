"""Finds plugins, resolves `name:options` and sets the broken ones apart."""

from lensbench.registry.catalogue import Broken as Broken
from lensbench.registry.catalogue import Catalogue as Catalogue
from lensbench.registry.catalogue import Outdated as Outdated
from lensbench.registry.catalogue import Registered as Registered
from lensbench.registry.discovery import load_catalogue as load_catalogue
from lensbench.registry.options import parse_reference as parse_reference
