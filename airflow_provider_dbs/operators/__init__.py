# SPDX-License-Identifier: Apache-2.0
"""Tasks that ask DBS once and hand the answer on."""
