# SPDX-License-Identifier: Apache-2.0
"""Speaks to DBS. Knows no Airflow."""
