"""The conformance kit that plugin authors run: does a plugin keep its contract?"""

from lensbench.testing.baselines import check_baseline as check_baseline
from lensbench.testing.datasets import check_dataset as check_dataset
from lensbench.testing.encoders import check_encoder as check_encoder
from lensbench.testing.package import Finding as Finding
from lensbench.testing.package import check_package as check_package
from lensbench.testing.plugins import check_plugin as check_plugin
from lensbench.testing.pretraining import check_pretraining as check_pretraining
from lensbench.testing.samples import made_samples as made_samples
from lensbench.testing.tasks import check_task as check_task
from lensbench.testing.transfers import check_transfer as check_transfer
