"""What this package registers."""

from __future__ import annotations

import lensbench
from lensbench import Entry

_HERE = "lensbench_reference"


@lensbench.hookimpl
def lensbench_encoders() -> list[Entry]:
    """Encoders."""
    return [
        Entry(
            "aae",
            f"{_HERE}.encoders.coding:AdversarialAutoencoder",
            summary="Autoencoder whose codes a critic brings to a prior.",
            citation="Makhzani et al. 2015, arXiv:1511.05644; "
            "Alexander et al. 2020, arXiv:2008.12731",
            licence="MIT",
        ),
        Entry(
            "dcae",
            f"{_HERE}.encoders.dcae:ConvolutionalAutoencoder",
            summary="Deep convolutional autoencoder.",
            citation="Alexander et al. 2020, arXiv:2008.12731",
            licence="MIT",
        ),
        Entry(
            "equivariant",
            f"{_HERE}.encoders.equivariant:EquivariantNetwork",
            summary="Convolutional network that commutes with turns, and with flips if asked.",
            citation="Weiler & Cesa 2019, arXiv:1911.08251; Alexander et al. 2019, "
            "arXiv:1909.07346",
            licence="MIT",
        ),
        Entry(
            "hf",
            f"{_HERE}.encoders.hf_models:HuggingFaceEncoder",
            summary="A vision model of transformers from a folder: hf:PATH.",
            citation="Wolf et al. 2019, arXiv:1910.03771, and whoever made the model",
            licence="MIT",
        ),
        Entry(
            "mae-vit",
            f"{_HERE}.encoders.vit:VisionTransformer",
            summary="Vision transformer made for masked autoencoding.",
            citation="Dosovitskiy et al. 2020, arXiv:2010.11929; He et al. 2021, arXiv:2111.06377",
            licence="MIT",
            pretraining="mae",
        ),
        Entry(
            "pixels",
            f"{_HERE}.encoders.pixels:Pixels",
            summary="The image averaged to a small grid, without weights.",
            licence="MIT",
        ),
        Entry(
            "rbm",
            f"{_HERE}.encoders.rbm:BoltzmannMachine",
            summary="Restricted Boltzmann machine on a small grid of pixels.",
            citation="Hinton 2002, doi:10.1162/089976602760128018; "
            "Alexander et al. 2020, arXiv:2008.12731",
            licence="MIT",
        ),
        Entry(
            "resnet18",
            f"{_HERE}.encoders.resnet:ResNet18",
            summary="Residual network of 18 layers: the supervised CNN of the field.",
            citation="He et al. 2015, arXiv:1512.03385; Alexander et al. 2019, arXiv:1909.07346",
            licence="MIT",
            reference=True,
        ),
        Entry(
            "resnet34",
            f"{_HERE}.encoders.resnet:ResNet34",
            summary="Residual network of 34 layers.",
            citation="He et al. 2015, arXiv:1512.03385",
            licence="MIT",
        ),
        Entry(
            "spectrum",
            f"{_HERE}.encoders.spectrum:Spectrum",
            summary="Hand-made features: spectrum, moments, shapes and gradients, without weights.",
            citation="Lotz et al. 2004, arXiv:astro-ph/0311352; "
            "Conselice 2003, arXiv:astro-ph/0303065; "
            "Dalal & Triggs 2005, doi:10.1109/CVPR.2005.177",
            licence="MIT",
        ),
        Entry(
            "timm",
            f"{_HERE}.encoders.timm_models:TimmEncoder",
            summary="Any vision model of timm: timm:resnet50.",
            citation="Wightman 2019, doi:10.5281/zenodo.4414861, and whoever made the model",
            licence="MIT",
        ),
        Entry(
            "vae",
            f"{_HERE}.encoders.coding:VariationalAutoencoder",
            summary="Variational autoencoder.",
            citation="Kingma & Welling 2013, arXiv:1312.6114; "
            "Alexander et al. 2020, arXiv:2008.12731",
            licence="MIT",
        ),
        Entry(
            "zoobot",
            f"{_HERE}.encoders.timm_models:ZoobotEncoder",
            summary="A network that learned from the volunteers of Galaxy Zoo.",
            citation="Walmsley et al. 2023, doi:10.21105/joss.05312",
            licence="MIT",
        ),
    ]


@lensbench.hookimpl
def lensbench_pretraining() -> list[Entry]:
    """Pretraining strategies."""
    return [
        Entry(
            "mae",
            f"{_HERE}.pretraining.mae:MaskedAutoencoding",
            summary="Reconstructs hidden patches from the visible ones.",
            citation="He et al. 2021, arXiv:2111.06377",
            licence="MIT",
        ),
        Entry(
            "none",
            f"{_HERE}.pretraining.none:NoPretraining",
            summary="Random initial weights.",
            licence="MIT",
        ),
        Entry(
            "simclr",
            f"{_HERE}.pretraining.simclr:SimCLR",
            summary="Contrasts two views of an image with the other images of a batch.",
            citation="Chen et al. 2020, arXiv:2002.05709",
            licence="MIT",
        ),
        Entry(
            "supervised",
            f"{_HERE}.pretraining.supervised:SupervisedPretraining",
            summary="Learns one target of other scenes, the substructure class by default.",
            citation="Alexander et al. 2019, arXiv:1909.07346",
            licence="MIT",
        ),
    ]


@lensbench.hookimpl
def lensbench_datasets() -> list[Entry]:
    """Datasets."""
    return [
        Entry(
            "images",
            f"{_HERE}.datasets.images:Images",
            summary="Images on disk, in FITS or .npy, observed from their own resolution.",
            licence="MIT",
            targets=("sky",),
        ),
        Entry(
            "lenses",
            f"{_HERE}.datasets.lenses:Lenses",
            summary="Simulated galaxy-scale lenses with and without substructure.",
            citation="after Alexander et al. 2019, arXiv:1909.07346",
            licence="MIT",
            targets=("sky", "substructure", "theta_E"),
        ),
        Entry(
            "stored",
            f"{_HERE}.datasets.stored:Stored",
            summary="Labelled images on disk, as they are: DeepLense releases, HDF5, Parquet.",
            licence="MIT",
            targets=("substructure",),
            conditions=("as-stored",),
        ),
    ]


@lensbench.hookimpl
def lensbench_conditions() -> list[Entry]:
    """Conditions."""
    return [
        Entry(
            "as-stored",
            f"{_HERE}.datasets.stored:AS_STORED",
            summary="Images on disk as they are, under the condition that made them.",
            licence="MIT",
        )
    ]


@lensbench.hookimpl
def lensbench_tasks() -> list[Entry]:
    """Tasks."""
    return [
        Entry(
            "morphology",
            f"{_HERE}.tasks.morphology:Morphology",
            summary="Which substructure: none, cold dark matter subhaloes or a vortex.",
            citation="Alexander et al. 2019, arXiv:1909.07346",
            licence="MIT",
        ),
        Entry(
            "superres",
            f"{_HERE}.tasks.superres:SuperResolution",
            summary="The noise-free image of a sharper instrument, at twice the sampling.",
            licence="MIT",
        ),
    ]


@lensbench.hookimpl
def lensbench_transfers() -> list[Entry]:
    """Transfers."""
    return [
        Entry(
            "finetune",
            f"{_HERE}.transfers.finetune:FineTune",
            summary="Trains encoder and head together.",
            licence="MIT",
        ),
        Entry(
            "linear",
            f"{_HERE}.transfers.linear:LinearProbe",
            summary="Trains the head on a frozen encoder.",
            citation="Alain & Bengio 2016, arXiv:1610.01644",
            licence="MIT",
        ),
    ]


@lensbench.hookimpl
def lensbench_baselines() -> list[Entry]:
    """Traditional methods."""
    return [
        Entry(
            "bicubic",
            f"{_HERE}.baselines.interpolation:Bicubic",
            summary="Bicubic interpolation.",
            citation="Keys 1981, doi:10.1109/TASSP.1981.1163711",
            licence="MIT",
            tasks=("superres",),
        ),
        Entry(
            "bilinear",
            f"{_HERE}.baselines.interpolation:Bilinear",
            summary="Bilinear interpolation.",
            citation="Getreuer 2011, doi:10.5201/ipol.2011.g_lmii",
            licence="MIT",
            tasks=("superres",),
        ),
        Entry(
            "hog-svm",
            f"{_HERE}.baselines.hog_svm:HogSvm",
            summary="Histograms of oriented gradients into a linear SVM, calibrated.",
            citation="Dalal & Triggs 2005, doi:10.1109/CVPR.2005.177; Platt 1999",
            licence="MIT",
            tasks=("finding", "morphology"),
        ),
        Entry(
            "lanczos",
            f"{_HERE}.baselines.interpolation:Lanczos",
            summary="Lanczos interpolation with three lobes.",
            citation="Duchon 1979, doi:10.1175/1520-0450(1979)018<1016:LFIOAT>2.0.CO;2",
            licence="MIT",
            tasks=("superres",),
        ),
        Entry(
            "lens-model",
            f"{_HERE}.baselines.lens_model:LensModel",
            summary="SIE, shear and a Sérsic source fitted to each image, from a blind start.",
            citation="Kormann et al. 1994 (A&A 284, 285); Marquardt 1963, doi:10.1137/0111030",
            licence="MIT",
            tasks=("regression",),
        ),
        Entry(
            "nearest",
            f"{_HERE}.baselines.interpolation:Nearest",
            summary="Each pixel's value in all its parts.",
            citation="Getreuer 2011, doi:10.5201/ipol.2011.g_lmii",
            licence="MIT",
            tasks=("superres",),
        ),
        Entry(
            "ocsvm",
            f"{_HERE}.baselines.ocsvm:OneClassSvm",
            summary="One-class SVM on principal components of normal images.",
            citation="Schölkopf et al. 2001, doi:10.1162/089976601750264965; arXiv:2008.12731",
            licence="MIT",
            tasks=("anomaly",),
        ),
        Entry(
            "pca-logreg",
            f"{_HERE}.baselines.pca:PcaLogisticRegression",
            summary="Principal components of the pixels into a logistic regression.",
            citation="Turk & Pentland 1991, doi:10.1162/jocn.1991.3.1.71",
            licence="MIT",
            tasks=("finding", "morphology"),
        ),
        Entry(
            "pca-residual",
            f"{_HERE}.baselines.pca:PcaResidual",
            summary="What the principal components of normal images leave unexplained.",
            citation="Jackson & Mudholkar 1979, doi:10.1080/00401706.1979.10489779",
            licence="MIT",
            tasks=("anomaly",),
        ),
        Entry(
            "richardson-lucy",
            f"{_HERE}.baselines.richardson_lucy:RichardsonLucy",
            summary="Richardson–Lucy deconvolution with the known PSF and sky.",
            citation="Richardson 1972, doi:10.1364/JOSA.62.000055; Lucy 1974, doi:10.1086/111605",
            licence="MIT",
            tasks=("superres",),
        ),
        Entry(
            "ring-radius",
            f"{_HERE}.baselines.ring_radius:RingRadius",
            summary="The mean radius of the ring's light, calibrated on labels.",
            citation="Narayan & Bartelmann 1996, arXiv:astro-ph/9606001",
            licence="MIT",
            tasks=("regression",),
        ),
        Entry(
            "shape-boosting",
            f"{_HERE}.baselines.shape_boosting:ShapeBoosting",
            summary="Shape statistics of galaxies into gradient boosting.",
            citation="Lotz et al. 2004, doi:10.1086/421849; Conselice 2003, doi:10.1086/375001",
            licence="MIT",
            tasks=("finding", "morphology"),
        ),
        Entry(
            "spectrum-logreg",
            f"{_HERE}.baselines.spectrum:SpectrumLogisticRegression",
            summary="Radial power spectrum and azimuthal moments into a logistic regression.",
            licence="MIT",
            tasks=("finding", "morphology"),
        ),
        Entry(
            "wiener",
            f"{_HERE}.baselines.wiener:Wiener",
            summary="Linear least-squares deconvolution with known PSF, noise and power spectrum.",
            citation="Wiener 1949",
            licence="MIT",
            tasks=("superres",),
        ),
    ]
