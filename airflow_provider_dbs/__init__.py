# SPDX-License-Identifier: Apache-2.0
"""Apache Airflow provider for Alibaba Cloud Database Backup (DBS): may this DAG trust the backup it stands on?"""

from __future__ import annotations

__version__ = "0.1.0"
