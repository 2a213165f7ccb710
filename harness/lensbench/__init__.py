"""Which vision model is better for strong lensing, where it breaks, and whether it holds.

These are the public names, the only ones that a plugin imports. They are loaded on first use,
so that registering a plugin costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lensbench.api.budget import Budget as Budget
    from lensbench.api.condition import Condition as Condition
    from lensbench.api.dataset import Dataset as Dataset
    from lensbench.api.dataset import Download as Download
    from lensbench.api.dataset import ObservedDataset as ObservedDataset
    from lensbench.api.dataset import ObservedImages as ObservedImages
    from lensbench.api.dataset import Scenes as Scenes
    from lensbench.api.dataset import Split as Split
    from lensbench.api.dataset import Target as Target
    from lensbench.api.encoder import CodingEncoder as CodingEncoder
    from lensbench.api.encoder import Encoder as Encoder
    from lensbench.api.encoder import EnergyEncoder as EnergyEncoder
    from lensbench.api.encoder import LayeredEncoder as LayeredEncoder
    from lensbench.api.encoder import MaskableEncoder as MaskableEncoder
    from lensbench.api.encoder import ReconstructingEncoder as ReconstructingEncoder
    from lensbench.api.encoder import VariationalEncoder as VariationalEncoder
    from lensbench.api.entry import Entry as Entry
    from lensbench.api.hookspecs import hookimpl as hookimpl
    from lensbench.api.predictor import Baseline as Baseline
    from lensbench.api.predictor import FitContext as FitContext
    from lensbench.api.predictor import Measurements as Measurements
    from lensbench.api.predictor import Predictor as Predictor
    from lensbench.api.predictor import TrainingSummary as TrainingSummary
    from lensbench.api.predictor import Transfer as Transfer
    from lensbench.api.pretraining import Objective as Objective
    from lensbench.api.pretraining import Pretraining as Pretraining
    from lensbench.api.pretraining import RestoringObjective as RestoringObjective
    from lensbench.api.progress import Progress as Progress
    from lensbench.api.psf_image import PsfImage as PsfImage
    from lensbench.api.samples import Features as Features
    from lensbench.api.samples import Samples as Samples
    from lensbench.api.task import FeatureShape as FeatureShape
    from lensbench.api.task import Metric as Metric
    from lensbench.api.task import PredictionKind as PredictionKind
    from lensbench.api.task import Predictions as Predictions
    from lensbench.api.task import SkyTarget as SkyTarget
    from lensbench.api.task import Task as Task
    from lensbench.compatibility import API_VERSION as API_VERSION
    from lensbench.data.census import Census as Census
    from lensbench.data.census import take_census as take_census
    from lensbench.data.census import usable_pixels as usable_pixels
    from lensbench.data.census import widened_psf as widened_psf
    from lensbench.data.downloads import locate as locate
    from lensbench.data.layouts import open_images as open_images
    from lensbench.errors import DataError as DataError
    from lensbench.errors import IncompatibleError as IncompatibleError
    from lensbench.errors import LensbenchError as LensbenchError
    from lensbench.errors import OptionError as OptionError
    from lensbench.errors import PluginError as PluginError
    from lensbench.errors import RunError as RunError
    from lensbench.errors import UndefinedError as UndefinedError
    from lensbench.registry.discovery import condition_of as condition_of
    from lensbench.registry.discovery import encoder_of as encoder_of
    from lensbench.sky.components import SceneModel as SceneModel
    from lensbench.sky.components import Sersic as Sersic
    from lensbench.sky.components import Shear as Shear
    from lensbench.sky.components import Sie as Sie
    from lensbench.sky.images import SourceImages as SourceImages
    from lensbench.sky.images import WithSourceImages as WithSourceImages
    from lensbench.sky.information import NormalPrior as NormalPrior
    from lensbench.sky.information import SmoothUniform as SmoothUniform
    from lensbench.sky.information import bayesian_bound as bayesian_bound
    from lensbench.sky.information import cramer_rao_bound as cramer_rao_bound
    from lensbench.sky.information import fisher_information as fisher_information
    from lensbench.sky.information import scene_model as scene_model
    from lensbench.sky.observation import imaging_operator as imaging_operator
    from lensbench.sky.population import Population as Population
    from lensbench.sky.population import ScenePopulation as ScenePopulation
    from lensbench.sky.populations import population_names as population_names
    from lensbench.sky.populations import population_of as population_of
    from lensbench.sky.resampling import resample as resample
    from lensbench.sky.scenes import draw_scenes as draw_scenes
    from lensbench.sky.targets import REAL_TARGETS as REAL_TARGETS
    from lensbench.sky.targets import scene_targets as scene_targets
    from lensbench.stats.intervals import positive_mean_interval as positive_mean_interval
    from lensbench.stats.intervals import quantile_interval as quantile_interval
    from lensbench.training.averaging import measure_statistics as measure_statistics
    from lensbench.training.encoding import checked_features as checked_features
    from lensbench.training.encoding import encode as encode
    from lensbench.training.encoding import feature_shape as feature_shape
    from lensbench.training.loop import TrainingLoop as TrainingLoop
    from lensbench.training.noise import background_and_noise as background_and_noise
    from lensbench.training.noise import in_units_of_noise as in_units_of_noise
    from lensbench.training.precision import Precision as Precision
    from lensbench.training.precision import products_in as products_in
    from lensbench.training.rings import RING_FEATURES as RING_FEATURES
    from lensbench.training.rings import log_ring_power as log_ring_power
    from lensbench.training.rings import ring_amplitudes as ring_amplitudes
    from lensbench.training.rings import ring_features as ring_features
    from lensbench.training.stretch import stretch as stretch
    from lensbench.training.stretch import unstretch as unstretch
    from lensbench.training.view import SkyView as SkyView

__version__ = "0.2.0"

_HOMES = {
    "API_VERSION": "compatibility",
    "Baseline": "api.predictor",
    "Budget": "api.budget",
    "Census": "data.census",
    "CodingEncoder": "api.encoder",
    "Condition": "api.condition",
    "DataError": "errors",
    "Dataset": "api.dataset",
    "Download": "api.dataset",
    "Encoder": "api.encoder",
    "EnergyEncoder": "api.encoder",
    "Entry": "api.entry",
    "FeatureShape": "api.task",
    "Features": "api.samples",
    "FitContext": "api.predictor",
    "IncompatibleError": "errors",
    "LayeredEncoder": "api.encoder",
    "LensbenchError": "errors",
    "MaskableEncoder": "api.encoder",
    "Measurements": "api.predictor",
    "Metric": "api.task",
    "NormalPrior": "sky.information",
    "Objective": "api.pretraining",
    "ObservedDataset": "api.dataset",
    "ObservedImages": "api.dataset",
    "OptionError": "errors",
    "PluginError": "errors",
    "Population": "sky.population",
    "PredictionKind": "api.task",
    "Precision": "training.precision",
    "Predictions": "api.task",
    "Predictor": "api.predictor",
    "Pretraining": "api.pretraining",
    "Progress": "api.progress",
    "PsfImage": "api.psf_image",
    "REAL_TARGETS": "sky.targets",
    "ReconstructingEncoder": "api.encoder",
    "RestoringObjective": "api.pretraining",
    "RING_FEATURES": "training.rings",
    "RunError": "errors",
    "Samples": "api.samples",
    "SceneModel": "sky.components",
    "ScenePopulation": "sky.population",
    "Scenes": "api.dataset",
    "Sersic": "sky.components",
    "Shear": "sky.components",
    "Sie": "sky.components",
    "SkyTarget": "api.task",
    "SkyView": "training.view",
    "SmoothUniform": "sky.information",
    "SourceImages": "sky.images",
    "Split": "api.dataset",
    "Target": "api.dataset",
    "Task": "api.task",
    "TrainingLoop": "training.loop",
    "TrainingSummary": "api.predictor",
    "Transfer": "api.predictor",
    "UndefinedError": "errors",
    "VariationalEncoder": "api.encoder",
    "WithSourceImages": "sky.images",
    "background_and_noise": "training.noise",
    "bayesian_bound": "sky.information",
    "checked_features": "training.encoding",
    "condition_of": "registry.discovery",
    "cramer_rao_bound": "sky.information",
    "draw_scenes": "sky.scenes",
    "encode": "training.encoding",
    "encoder_of": "registry.discovery",
    "feature_shape": "training.encoding",
    "fisher_information": "sky.information",
    "hookimpl": "api.hookspecs",
    "imaging_operator": "sky.observation",
    "in_units_of_noise": "training.noise",
    "products_in": "training.precision",
    "locate": "data.downloads",
    "log_ring_power": "training.rings",
    "measure_statistics": "training.averaging",
    "open_images": "data.layouts",
    "positive_mean_interval": "stats.intervals",
    "quantile_interval": "stats.intervals",
    "ring_amplitudes": "training.rings",
    "ring_features": "training.rings",
    "population_names": "sky.populations",
    "population_of": "sky.populations",
    "resample": "sky.resampling",
    "scene_model": "sky.information",
    "scene_targets": "sky.targets",
    "take_census": "data.census",
    "usable_pixels": "data.census",
    "widened_psf": "data.census",
    "stretch": "training.stretch",
    "unstretch": "training.stretch",
}

__all__ = sorted([*_HOMES, "__version__"])  # noqa: PLE0605 (built from the table above)


def __getattr__(name: str) -> Any:
    try:
        home = _HOMES[name]
    except KeyError:
        raise AttributeError(f"module 'lensbench' has no attribute {name!r}") from None
    value = getattr(importlib.import_module(f"lensbench.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)
