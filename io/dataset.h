/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file dataset.h
 * @brief The dataset on disk, for reading: what is in it and where its bytes are.
 *
 * A dataset is a directory NAME.ps/ with meta.h5 and part-00000.h5 and so on.
 * Every array of a part file is contiguous and aligned to 4 KiB. The HDF5 library is used to
 * find an array's extent, never to read its values.
 *
 * @par Failure  PS_EINPUT with file, dataset, expected and found, for: not there, not HDF5, a
 *               missing attribute or array, wrong type or shape, format version of the
 *               future, an extent that ends behind the end of the file.
 * @par Threads  objects are read-only once open; ps_part_read may be called by any thread
 * @par Source   docs/format.md
 */
#ifndef IO_DATASET_H
#define IO_DATASET_H

#include "src/base/ctx.h"

enum {
    PS_FORMAT_VERSION = 1,
    PS_BLOCK_BYTES = 4096,
    PS_NAME_BYTES = 64,
    PS_PARTS_MAX = 99999,
    PS_SPLITS_MAX = 1024
};

enum ps_feature_kind { PS_FEATURES_NONE, PS_FEATURES_DENSE, PS_FEATURES_CSR };
enum ps_feature_type { PS_TYPE_F32, PS_TYPE_F16, PS_TYPE_I8 }; /**< of dense rows */
enum ps_task { PS_TASK_NONE, PS_TASK_SINGLE_LABEL, PS_TASK_MULTI_LABEL };
enum ps_split { PS_SPLIT_NONE = 0, PS_SPLIT_TRAIN = 1, PS_SPLIT_VALID = 2, PS_SPLIT_TEST = 3 };

/** Arrays of a part file with n nodes, m in-edges, z stored feature values. */
enum ps_array_id {
    PS_ARRAY_INDPTR,   /**< /graph/indptr u64 [n+1], from 0 to m */
    PS_ARRAY_INDICES,  /**< /graph/indices u32 or u64 [m], global source ids, ascending per row */
    PS_ARRAY_WEIGHTS,  /**< /graph/weights f32 [m], optional */
    PS_ARRAY_FEATURES, /**< /nodes/features f32, f16 or i8 [n, row stride in items] */
    PS_ARRAY_FEATURES_INDPTR,  /**< /nodes/features_indptr u64 [n+1] */
    PS_ARRAY_FEATURES_INDICES, /**< /nodes/features_indices u16 or u32 [z], each once and
                                    ascending per row */
    PS_ARRAY_FEATURES_VALUES,  /**< /nodes/features_values f32 [z]; absent if all are 1 */
    PS_ARRAY_LABELS,           /**< /nodes/labels i32 [n], -1 = none; multi-label: u8 [n,
                                    ceil(C/8)], class c is bit c%8 of byte c/8 */
    PS_ARRAY_SPLIT,            /**< /nodes/split u8 [S, n] */
    PS_ARRAY_ORIG_ID,          /**< /nodes/orig_id u64 [n] */
    PS_ARRAY_OUT_DEGREE,       /**< /nodes/out_degree u32 [n] */
    PS_ARRAY_COUNT
};
const char *ps_array_name(enum ps_array_id id); /**< "/graph/indptr" */

/** The words of meta.h5 and of reports. */
const char *ps_feature_kind_name(enum ps_feature_kind kind); /**< "none", "dense", "csr" */
const char *ps_feature_type_name(enum ps_feature_type type); /**< "f32", "f16", "i8" */
const char *ps_task_name(enum ps_task task); /**< "none", "single-label", "multi-label" */

/** What meta.h5 says. */
struct ps_meta {
    char name[PS_NAME_BYTES];
    char uuid[40];
    char partitioner[32]; /**< "none", "range", "metis", "hash" */
    uint64_t nodes, edges;
    enum ps_feature_kind feature_kind;
    enum ps_feature_type feature_type; /**< of dense rows */
    uint32_t feature_dim;              /**< D; 0 without features */
    uint32_t feature_index_bytes;      /**< CSR: 2 or 4 */
    bool feature_values;               /**< CSR: values are stored */
    uint32_t classes;
    enum ps_task task;
    bool symmetrised;         /**< every edge is there in both directions */
    bool weighted;            /**< /graph/weights is there */
    uint32_t index_bytes;     /**< of /graph/indices: 4 if nodes <= 2^32, else 8 */
    uint32_t splits;          /**< S */
    uint32_t parts;           /**< P */
    double edge_cut;          /**< share of edges between partitions, 0 to 1 */
    uint64_t *part_offsets;   /**< (P+1) first node of each part; [P] = nodes */
    uint64_t *train_offsets;  /**< (S, P+1) first training node of each part, counted in id order */
    uint64_t *part_checksums; /**< (P) of each part's arrays; set by the writer */
    char *provenance;         /**< JSON text: command line, input hashes */
};

struct ps_dataset;

/** Open D.ps: meta.h5 is read and its checksum checked. @p ctx must outlive the object. */
PS_MUST ps_status ps_dataset_open(struct ps_dataset **ds, struct ps_ctx *ctx, const char *path);
void ps_dataset_close(struct ps_dataset **ds);
const struct ps_meta *ps_dataset_meta(const struct ps_dataset *ds);
const char *ps_dataset_path(const struct ps_dataset *ds);

/** Where an array lies. */
struct ps_array {
    bool present;
    uint32_t item_bytes; /**< of one number */
    uint64_t rows, cols; /**< [rows] has cols = 1 */
    uint64_t offset;     /**< bytes from the start of the file; a multiple of 4096 */
    uint64_t bytes;      /**< rows * cols * item_bytes */
};

struct ps_part; /* one open part file */

/** Open part @p k: extents are found through HDF5 (span h5_open), which is closed again. */
PS_MUST ps_status ps_part_open(struct ps_part **p, const struct ps_dataset *ds, uint32_t k);
void ps_part_close(struct ps_part **p);

/** Facts of an open part; pointers are borrowed until it is closed. */
const char *ps_part_path(const struct ps_part *p);
uint64_t ps_part_first_node(const struct ps_part *p);
uint64_t ps_part_nodes(const struct ps_part *p);    /**< n */
uint64_t ps_part_edges(const struct ps_part *p);    /**< m */
uint64_t ps_part_features(const struct ps_part *p); /**< z; 0 if not CSR */
uint64_t ps_part_file_bytes(const struct ps_part *p);
const struct ps_array *ps_part_array(const struct ps_part *p, enum ps_array_id id);

/** Items [first, first + count) of an array, row-major, as stored, by plain pread: for
 *  tools and set-up. @return PS_EIO, PS_EINPUT if the file ends. @pre in range */
PS_MUST ps_status ps_part_read(const struct ps_part *p, enum ps_array_id id, uint64_t first,
                               uint64_t count, void *dst);
/** The same for PS_ARRAY_INDICES, widened to u64. */
PS_MUST ps_status ps_part_read_indices(const struct ps_part *p, uint64_t first, uint64_t count,
                                       uint64_t *dst);

/** What verification has looked at. */
struct ps_verified {
    uint64_t parts, arrays, blocks; /**< blocks of 4096 bytes whose checksums were recomputed */
    uint64_t bytes;                 /**< of the arrays */
    uint64_t nodes, edges, feature_values;
    uint64_t out_degree; /**< sum; over all parts it is the number of edges */
};

/** Check one part in bounded memory: every checksum, then indptr ascending, indices in range
 *  and ascending (an edge may be there more than once), labels in range, splits 0 to 3, feature
 * columns in range, no NaN or Inf. Fails with file, array, block or index, expected and found. */
PS_MUST ps_status ps_part_verify(const struct ps_part *p, struct ps_ctx *ctx,
                                 const struct ps_dataset *ds);

/** Open and check every part, then what holds over all of them: edges and out-degrees add up.
 *  (meta.h5 was checked when it was opened.) @param[out] seen  what was checked, to the failure */
PS_MUST ps_status ps_dataset_verify(const struct ps_dataset *ds, struct ps_ctx *ctx,
                                    struct ps_verified *seen);

#endif
