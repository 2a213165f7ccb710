"""Traditional methods of this package."""

from __future__ import annotations

from lensbench import Entry

_HERE = "lensbench_reference.baselines"

ENTRIES = [
    Entry(
        "bicubic",
        f"{_HERE}.interpolation:Bicubic",
        summary="Bicubic interpolation.",
        citation="Keys 1981, doi:10.1109/TASSP.1981.1163711",
        licence="MIT",
        tasks=("superres",),
    ),
    Entry(
        "bilinear",
        f"{_HERE}.interpolation:Bilinear",
        summary="Bilinear interpolation.",
        citation="Getreuer 2011, doi:10.5201/ipol.2011.g_lmii",
        licence="MIT",
        tasks=("superres",),
    ),
    Entry(
        "blank",
        f"{_HERE}.interpolation:BlankSky",
        summary="An empty sky, the lower limit of every metric.",
        licence="MIT",
        tasks=("superres", "denoising"),
    ),
    Entry(
        "hog-svm",
        f"{_HERE}.hog_svm:HogSvm",
        summary="Histograms of oriented gradients into a linear SVM, calibrated.",
        citation="Dalal & Triggs 2005, doi:10.1109/CVPR.2005.177; Platt 1999",
        licence="MIT",
        tasks=("classification", "finding", "morphology"),
    ),
    Entry(
        "lanczos",
        f"{_HERE}.interpolation:Lanczos",
        summary="Lanczos interpolation with three lobes.",
        citation="Duchon 1979, doi:10.1175/1520-0450(1979)018<1016:LFIOAT>2.0.CO;2",
        licence="MIT",
        tasks=("superres",),
    ),
    Entry(
        "lens-model",
        f"{_HERE}.lens_model:LensModel",
        summary="SIE, shear and a Sérsic source fitted to each image, without an initial guess.",
        citation="Kormann et al. 1994 (A&A 284, 285); Marquardt 1963, doi:10.1137/0111030",
        licence="MIT",
        tasks=("anomaly", "finding", "morphology", "regression"),
        by_name=("anomaly", "finding", "morphology"),
    ),
    Entry(
        "nearest",
        f"{_HERE}.interpolation:Nearest",
        summary="Each pixel's value in all its parts.",
        citation="Getreuer 2011, doi:10.5201/ipol.2011.g_lmii",
        licence="MIT",
        tasks=("superres",),
    ),
    Entry(
        "ocsvm",
        f"{_HERE}.ocsvm:OneClassSvm",
        summary="One-class SVM on principal components of normal images.",
        citation="Schölkopf et al. 2001, doi:10.1162/089976601750264965; arXiv:2008.12731",
        licence="MIT",
        tasks=("anomaly",),
    ),
    Entry(
        "pca-logreg",
        f"{_HERE}.pca:PcaLogisticRegression",
        summary="Principal components of the pixels into a logistic regression.",
        citation="Turk & Pentland 1991, doi:10.1162/jocn.1991.3.1.71",
        licence="MIT",
        tasks=("classification", "finding", "morphology"),
    ),
    Entry(
        "pca-residual",
        f"{_HERE}.pca:PcaResidual",
        summary="Residual of the principal components of normal images.",
        citation="Jackson & Mudholkar 1979, doi:10.1080/00401706.1979.10489779",
        licence="MIT",
        tasks=("anomaly",),
    ),
    Entry(
        "richardson-lucy",
        f"{_HERE}.richardson_lucy:RichardsonLucy",
        summary="Richardson–Lucy deconvolution with the known PSF and sky.",
        citation="Richardson 1972, doi:10.1364/JOSA.62.000055; Lucy 1974, doi:10.1086/111605",
        licence="MIT",
        tasks=("denoising", "superres"),
    ),
    Entry(
        "ring-radius",
        f"{_HERE}.ring_radius:RingRadius",
        summary="The mean radius of the ring's light, calibrated on labels.",
        citation="Narayan & Bartelmann 1996, arXiv:astro-ph/9606001",
        licence="MIT",
        tasks=("regression",),
    ),
    Entry(
        "shape-boosting",
        f"{_HERE}.shape_boosting:ShapeBoosting",
        summary="Shape statistics of galaxies into gradient boosting.",
        citation="Lotz et al. 2004, doi:10.1086/421849; Conselice 2003, doi:10.1086/375001",
        licence="MIT",
        tasks=("classification", "finding", "morphology"),
    ),
    Entry(
        "spectrum-logreg",
        f"{_HERE}.spectrum:SpectrumLogisticRegression",
        summary="Radial power spectrum and azimuthal moments into a logistic regression.",
        licence="MIT",
        tasks=("classification", "finding", "morphology"),
    ),
    Entry(
        "wiener",
        f"{_HERE}.wiener:Wiener",
        summary="Linear least-squares deconvolution with known PSF, noise and power spectrum.",
        citation="Wiener 1949",
        licence="MIT",
        tasks=("denoising", "superres"),
    ),
]
