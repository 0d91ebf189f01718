# SPDX-License-Identifier: Apache-2.0
"""Whether two datasets hold the same bytes: their /checksums, array by array.

    same_arrays.py A.ps B.ps [--but-features]
"""
import os
import sys

import h5py
import numpy as np

but = "features" if "--but-features" in sys.argv else None


def checksums(dataset):
    found = {}
    for name in sorted(os.listdir(dataset)):
        if not name.startswith("part-"):
            continue
        with h5py.File(os.path.join(dataset, name), "r") as part:
            for array, sums in part["checksums"].items():
                if but is None or but not in array:
                    found[name, array] = (sums[()].tolist(),
                                          {k: np.asarray(v).tolist() for k, v in sums.attrs.items()})
    return found


a, b = checksums(sys.argv[1]), checksums(sys.argv[2])
if a.keys() != b.keys():
    sys.exit(f"arrays: {sorted(a.keys() ^ b.keys())} are in one only")
for key in a:
    if a[key] != b[key]:
        sys.exit(f"{key} differs")
if len(a) < 4 or not all(sums and attrs for sums, attrs in a.values()):
    sys.exit(f"too little was compared: {sorted(a)}")
print(len(a))
