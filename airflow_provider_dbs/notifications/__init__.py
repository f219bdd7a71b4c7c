# SPDX-License-Identifier: Apache-2.0
"""Audits told to people, through Airflow's own notifiers."""
