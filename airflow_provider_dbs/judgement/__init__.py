# SPDX-License-Identifier: Apache-2.0
"""Decides whether a backup can be trusted. Pure: no I/O, no clock of its own, no Airflow.

The caller hands in the rows, the settings and ``as_of``, and gets a verdict or findings back, so that a gate, its
trigger and the audit can never disagree.
"""
