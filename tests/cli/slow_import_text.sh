#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# As import_text.sh, on larger graphs: several splits, dense features, millions of edges.
set -euo pipefail
GRAPHS="citeseer pubmed-nofeat facebook-pages amazon-computers tolokers ego-twitter cnr-2000"
export GRAPHS
exec bash "$PS_SOURCE_DIR/tests/cli/import_text.sh"
