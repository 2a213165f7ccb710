"""An inspection as lines of text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lensbench.data.inspection import DEFECTS, Inspection, thinned


def lines_of(found: Inspection) -> Iterator[str]:
    """What a reader looks for, in a fixed order; what there is nothing of is left out."""
    yield found.path
    yield f"  {found.title}"
    yield f"  images      {found.images}" + (
        f", of which {found.pickled} object pickles were not read" if found.pickled else ""
    )
    counts = {
        "shape": found.shapes,
        "dtype": found.dtypes,
        "unit": found.units,
        "arcsec/pixel": found.pixel_scales,
        "class": found.classes,
        "split": found.splits,
        "condition": found.conditions,
        "bands": found.bands,
        "PSF FWHM": found.psf_fwhm,
    }
    for name, values in counts.items():
        if values:
            yield f"  {name:<11} {_counts(values)}"
    yield from _numbers(found)
    for note in found.notes:
        yield f"  note        {note}"
    yield from _defects(found)
    for left in found.left_out:
        yield f"  left out    {left}"
    if found.use:
        yield f"  use         {found.use}"
    if found.convert:
        yield f"  convert     {found.convert}"


def _numbers(found: Inspection) -> Iterator[str]:
    """Ranges of the pixels, of the numbers beside them and of PSFs."""
    if found.pixels:
        p = found.pixels
        yield (
            f"  pixels      {p['lowest']:.4g} to {p['highest']:.4g}; "
            f"typical median {p['median_of_medians']:.4g}, peak {p['median_of_highest']:.4g}"
        )
    for name, said in found.columns.items():
        yield f"  {name:<11} {said}"
    for name, known_range in found.values.items():
        if name in found.columns:
            continue
        known = "{:.4g} to {:.4g}".format(*known_range) if known_range else "of no scene"
        yield f"  {name:<11} {known}"
    if found.psf:
        yield (
            f"  PSF         {_counts(found.psf['shapes'])}, "  # type: ignore[arg-type]
            f"sums {found.psf['smallest_sum']:.4g} to {found.psf['largest_sum']:.4g}"
        )
    if found.noise_maps:
        yield f"  noise maps  {found.noise_maps}"
    if found.masks:
        yield f"  masks       {found.masks}"


def _defects(found: Inspection) -> Iterator[str]:
    """What is wrong, or that nothing is."""
    for name, defect in found.defects.items():
        examples = ", ".join(str(one) for one in defect["examples"][:3])  # type: ignore[index]
        more = ", …" if int(str(defect["count"])) > 3 else ""
        yield f"  warning     {defect['count']} {DEFECTS[name]}: {examples}{more}"
    for error in found.errors:
        yield f"  error       {error}"
    if not found.defects:
        yield f"  no defect   of {len(DEFECTS)} kinds looked for"
    if thinned(found.images):
        yield f"  note        {found.compared} images, evenly taken, were compared for likeness"


def _counts(values: Mapping[str, int]) -> str:
    """`name` where there is one, else `name (count), …`, the first dozen."""
    if len(values) == 1:
        return next(iter(values))
    shown = [f"{name} ({count})" for name, count in list(values.items())[:12]]
    return ", ".join(shown) + (f", and {len(values) - 12} more" if len(values) > 12 else "")
