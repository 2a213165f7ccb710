"""The content-addressed folder of artefacts and records; the only room that touches run files."""

from lensbench.store.artefacts import Store as Store
from lensbench.store.keys import key_of as key_of
from lensbench.store.opening import open_store as open_store
