"""Records as a study would give them, without one."""

from __future__ import annotations

import numpy as np
import polars as pl

from lensbench.store.records import records_frame, sort_records

TASKS = (
    ("morphology", "auroc", "", True, 0.5),
    ("superres", "psnr", "dB", True, None),
    ("theta-e", "rmse", "arcsec", False, None),
    ("anomaly", "auroc", "", True, 0.5),
    ("finding", "completeness", "", True, None),
)
CONDITIONS = (
    "euclid-vis", "hst-acs", "rubin-r", "des-i", "kids-r", "jwst-nircam-f150w",
    "psf@1", "psf@2", "psf@3", "depth@1", "depth@2", "depth@3",
)  # fmt: skip
ENTRANTS = (
    ("mae-vit", "mae", "finetune"), ("mae-vit", "none", "linear"), ("resnet18", "none", "finetune"),
    ("resnet18", "mae", "finetune"), ("bicubic", "", ""), ("spectrum-logreg", "", ""),
)  # fmt: skip


def study_records(
    entrants: int = 6,
    tasks: int = 2,
    conditions: int = 4,
    labels: tuple[int | None, ...] = (None, 100),
    seeds: int = 1,
    seed: int = 0,
) -> pl.DataFrame:
    """Records of so many entrants, with values drawn at random.

    The fourth entrant is incompatible with everything, the second failed on the first task, and the
    third is absent under the last condition.
    """
    random = np.random.default_rng(seed)
    rows = []
    for number in range(entrants):
        encoder, pretraining, transfer = ENTRANTS[number % len(ENTRANTS)]
        turn = number // len(ENTRANTS)
        name = f"{encoder}:width={turn}" if turn else encoder
        baseline = not transfer
        skill = random.uniform(-1, 1)
        for place, (task, metric, unit, up, chance) in enumerate(TASKS[:tasks]):
            for many in labels:
                for fit in range(seeds):
                    common = {
                        "entrant": name if baseline else f"{name} + {pretraining} + {transfer}",
                        "encoder": "" if baseline else name, "baseline": name if baseline else "",
                        "pretraining": pretraining, "transfer": transfer, "task": task,
                        "dataset": "lenses", "test_dataset": "lenses", "budget": "quick",
                        "train_condition": "euclid-vis", "labels": many, "primary": True,
                        "target_view": "", "pretraining_views": "", "error": "",
                        "metric": metric, "unit": unit, "higher_is_better": up, "chance": chance,
                        "seed_draw": 0, "seed_pretraining": 0, "seed_fit": fit,
                        "cell": f"{number:04x}{place}{many or 0}{fit}", "device": "cpu",
                        "threads": 1, "torch": "2.0", "python": "3.11", "system": "Linux x86_64",
                        "lensbench": "0.1.0", "code": "c0de", "n": 500,
                    }  # fmt: skip
                    for step, condition in enumerate(CONDITIONS[:conditions]):
                        if number == 2 and step == conditions - 1:
                            continue
                        row = common | {"test_condition": condition, "state": "done"}
                        if number == 3:
                            row |= {"state": "incompatible", "error": "no patches", "n": None}
                        elif number == 1 and place == 0:
                            row |= {"state": "failed", "error": "loss is not finite", "n": None}
                        else:
                            value, width = 0.7 + 0.1 * skill - 0.01 * step, 0.02
                            value += random.normal(0, 0.01) - (0.05 if many else 0.0)
                            row |= {
                                "value": value, "low": value - width, "high": value + width,
                                "seconds_pretraining": 10.0 if pretraining == "mae" else 0.0,
                                "seconds_fit": float(random.uniform(1, 100)),
                                "seconds_predict": 0.5, "memory_fit": 1e9, "parameters": 12345,
                                "predictions": f"{number:04x}{step:02x}{place}", "images": "aa",
                            }  # fmt: skip
                        rows.append(row)
    return sort_records(records_frame(rows))
