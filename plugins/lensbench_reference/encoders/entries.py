"""Encoders of this package."""

from __future__ import annotations

from lensbench import Entry

_HERE = "lensbench_reference.encoders"

ENTRIES = [
    Entry(
        "aae",
        f"{_HERE}.coding:AdversarialAutoencoder",
        summary="Adversarial autoencoder: a critic makes its codes follow a prior.",
        citation="Makhzani et al. 2015, arXiv:1511.05644; Alexander et al. 2020, arXiv:2008.12731",
        licence="MIT",
        pretraining="adversarial",
    ),
    Entry(
        "dcae",
        f"{_HERE}.dcae:ConvolutionalAutoencoder",
        summary="Deep convolutional autoencoder.",
        citation="Alexander et al. 2020, arXiv:2008.12731",
        licence="MIT",
        pretraining="autoencoding",
    ),
    Entry(
        "equivariant",
        f"{_HERE}.equivariant:EquivariantNetwork",
        summary="Convolutional network that is equivariant under rotations, and optionally flips.",
        citation="Weiler & Cesa 2019, arXiv:1911.08251; Alexander et al. 2019, arXiv:1909.07346",
        licence="MIT",
    ),
    Entry(
        "hf",
        f"{_HERE}.hf_models:HuggingFaceEncoder",
        summary="A vision model of transformers from a folder: hf:PATH.",
        citation="Wolf et al. 2019, arXiv:1910.03771, and whoever made the model",
        licence="MIT",
    ),
    Entry(
        "lens-pinn",
        f"{_HERE}.lens_pinn:LensPinn",
        summary="ResNet-18 that sees a map of the lens's distortion beside the image.",
        citation="Ojha et al. 2024, LensPINN, Machine Learning and the Physical Sciences (NeurIPS)",
        licence="MIT",
    ),
    Entry(
        "lensiformer",
        f"{_HERE}.lensiformer:Lensiformer",
        summary="Transformer that inverts an isothermal lens and attends to the source.",
        citation="Velôso de Souza et al. 2023, Lensformer, "
        "Machine Learning and the Physical Sciences (NeurIPS)",
        licence="MIT",
    ),
    Entry(
        "lensbench-cnn-long",
        f"{_HERE}.resnet:SmallResNet",
        summary="Shipped network for substructure and radii: small-resnet with its weights.",
        licence="MIT",
        short_for="small-resnet:view=0.1,weights=lensbench-cnn-long",
    ),
    Entry(
        "lensbench-cnn-survey",
        f"{_HERE}.resnet:SmallResNet",
        summary="Shipped network for lens finding too: small-resnet with its weights.",
        licence="MIT",
        short_for="small-resnet:view=0.1,weights=lensbench-cnn-survey",
    ),
    Entry(
        "lensbench-tiny",
        f"{_HERE}.vit:VisionTransformer",
        summary="Shipped transformer, pretrained without labels: mae-vit with its weights.",
        licence="MIT",
        short_for="mae-vit",
    ),
    Entry(
        "mae-vit",
        f"{_HERE}.vit:VisionTransformer",
        summary="Vision transformer made for masked autoencoding.",
        citation="Dosovitskiy et al. 2020, arXiv:2010.11929; He et al. 2021, arXiv:2111.06377",
        licence="MIT",
        pretraining="mae",
    ),
    Entry(
        "pixels",
        f"{_HERE}.pixels:Pixels",
        summary="The image averaged to a small grid, without weights.",
        licence="MIT",
    ),
    Entry(
        "rbm",
        f"{_HERE}.rbm:BoltzmannMachine",
        summary="Restricted Boltzmann machine on a small grid of pixels.",
        citation="Hinton 2002, doi:10.1162/089976602760128018; "
        "Alexander et al. 2020, arXiv:2008.12731",
        licence="MIT",
        pretraining="contrastive-divergence",
    ),
    Entry(
        "rings",
        f"{_HERE}.rings:Rings",
        summary="Amplitudes of rings about the centre, without weights.",
        licence="MIT",
    ),
    Entry(
        "residual",
        f"{_HERE}.residual:Residual",
        summary="An encoder with two more channels, a lens fit and its residual: residual:NAME.",
        citation="Koopmans 2005, astro-ph/0501324; Vegetti & Koopmans 2009, arXiv:0805.0201",
        licence="MIT",
    ),
    Entry(
        "rcan",
        f"{_HERE}.rcan:ResidualChannelAttention",
        summary="Residual channel attention at full resolution, for super-resolution.",
        citation="Zhang et al. 2018, arXiv:1807.02758",
        licence="MIT",
    ),
    Entry(
        "resnet18",
        f"{_HERE}.resnet:ResNet18",
        summary="Residual network of 18 layers: the supervised CNN of the field.",
        citation="He et al. 2015, arXiv:1512.03385; Alexander et al. 2019, arXiv:1909.07346",
        licence="MIT",
        reference=True,
    ),
    Entry(
        "resnet34",
        f"{_HERE}.resnet:ResNet34",
        summary="Residual network of 34 layers.",
        citation="He et al. 2015, arXiv:1512.03385",
        licence="MIT",
    ),
    Entry(
        "small-resnet",
        f"{_HERE}.resnet:SmallResNet",
        summary="Small residual network for small images, without pooling before its blocks.",
        citation="He et al. 2015, arXiv:1512.03385",
        licence="MIT",
    ),
    Entry(
        "spectrum",
        f"{_HERE}.spectrum:Spectrum",
        summary="Hand-made features: spectrum, moments, shapes and gradients, without weights.",
        citation="Lotz et al. 2004, arXiv:astro-ph/0311352; "
        "Conselice 2003, arXiv:astro-ph/0303065; "
        "Dalal & Triggs 2005, doi:10.1109/CVPR.2005.177",
        licence="MIT",
    ),
    Entry(
        "symmetric",
        f"{_HERE}.symmetric:Symmetric",
        summary="An encoder averaged over the eight turns and reflections: symmetric:NAME.",
        citation="Yarotsky 2018, arXiv:1804.10306",
        licence="MIT",
    ),
    Entry(
        "timm",
        f"{_HERE}.timm_models:TimmEncoder",
        summary="Any vision model of timm: timm:resnet50.",
        citation="Wightman 2019, doi:10.5281/zenodo.4414861, and whoever made the model",
        licence="MIT",
    ),
    Entry(
        "vae",
        f"{_HERE}.coding:VariationalAutoencoder",
        summary="Variational autoencoder.",
        citation="Kingma & Welling 2013, arXiv:1312.6114; Alexander et al. 2020, arXiv:2008.12731",
        licence="MIT",
        pretraining="autoencoding",
    ),
    Entry(
        "zoobot",
        f"{_HERE}.timm_models:ZoobotEncoder",
        summary="A network that learned from the volunteers of Galaxy Zoo.",
        citation="Walmsley et al. 2023, doi:10.21105/joss.05312",
        licence="MIT",
    ),
]
