# SPDX-License-Identifier: Apache-2.0
"""Tasks that wait until a backup can be trusted."""
