# SPDX-License-Identifier: Apache-2.0
"""``make demo``: the example DAG on real Airflow, against the emulator."""
