"""Pretraining strategies of this package."""

from __future__ import annotations

from lensbench import Entry

_HERE = "lensbench_reference.pretraining"

ENTRIES = [
    Entry(
        "adversarial",
        f"{_HERE}.adversarial:AdversarialAutoencoding",
        summary="Reconstruction, with codes that a critic takes for normally distributed ones.",
        citation="Makhzani et al. 2015, arXiv:1511.05644",
        licence="MIT",
    ),
    Entry(
        "autoencoding",
        f"{_HERE}.autoencoding:Autoencoding",
        summary="Reconstruction, or the variational bound for encoders with a posterior.",
        citation="Kingma & Welling 2013, arXiv:1312.6114; Alexander et al. 2020, arXiv:2008.12731",
        licence="MIT",
    ),
    Entry(
        "byol",
        f"{_HERE}.byol:BYOL",
        summary="Predicts the features of another view that a slow copy of the encoder computes.",
        citation="Grill et al. 2020, arXiv:2006.07733",
        licence="MIT",
    ),
    Entry(
        "contrastive-divergence",
        f"{_HERE}.contrastive_divergence:ContrastiveDivergence",
        summary="Lowers the energy of images and raises that of a Boltzmann machine's samples.",
        citation="Hinton 2002, doi:10.1162/089976602760128018",
        licence="MIT",
    ),
    Entry(
        "dino",
        f"{_HERE}.dino:DINO",
        summary="Learns the centred and sharpened predictions of a slow copy for another view.",
        citation="Caron et al. 2021, arXiv:2104.14294",
        licence="MIT",
    ),
    Entry(
        "ibot",
        f"{_HERE}.ibot:IBOT",
        summary="Learns a slow copy's predictions for another view, and for hidden patches.",
        citation="Zhou et al. 2021, arXiv:2111.07832",
        licence="MIT",
    ),
    Entry(
        "ijepa",
        f"{_HERE}.ijepa:IJEPA",
        summary="Predicts what a slow copy of the encoder makes of blocks that are not seen.",
        citation="Assran et al. 2023, arXiv:2301.08243",
        licence="MIT",
    ),
    Entry(
        "latents",
        f"{_HERE}.latents:LatentsPretraining",
        summary="Predicts the class and the numbers that each simulated scene was drawn with.",
        licence="MIT",
    ),
    Entry(
        "lejepa",
        f"{_HERE}.lejepa:LeJEPA",
        summary="Views predict their mean, and vectors of all images are normally distributed.",
        citation="Balestriero & LeCun 2025, arXiv:2511.08544",
        licence="MIT",
    ),
    Entry(
        "lens-lejepa",
        f"{_HERE}.lens_lejepa:LensLeJEPA",
        summary="As lejepa, by views of PSF, noise and symmetry, place by place and ring by ring.",
        citation="Balestriero & LeCun 2025, arXiv:2511.08544; Lens-LeJEPA, Google Summer of Code "
        "2026",
        licence="MIT",
    ),
    Entry(
        "mae",
        f"{_HERE}.mae:MaskedAutoencoding",
        summary="Reconstructs hidden patches from the visible ones.",
        citation="He et al. 2021, arXiv:2111.06377",
        licence="MIT",
    ),
    Entry(
        "none",
        f"{_HERE}.none:NoPretraining",
        summary="Random initial weights.",
        licence="MIT",
    ),
    Entry(
        "paired",
        f"{_HERE}.paired:PairedConditions",
        summary="Recognises a scene under another observing condition.",
        citation="van den Oord et al. 2018, arXiv:1807.03748; Mishra et al. 2022, arXiv:2210.16870",
        licence="MIT",
    ),
    Entry(
        "simclr",
        f"{_HERE}.simclr:SimCLR",
        summary="Contrasts two views of an image with the other images of a batch.",
        citation="Chen et al. 2020, arXiv:2002.05709",
        licence="MIT",
    ),
    Entry(
        "supervised",
        f"{_HERE}.supervised:SupervisedPretraining",
        summary="Supervised: learns one target of other scenes, by default the substructure class.",
        citation="Alexander et al. 2019, arXiv:1909.07346",
        licence="MIT",
    ),
]
