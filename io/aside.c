/* SPDX-License-Identifier: Apache-2.0 */
#include "io/aside.h"

#include "io/file.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Other writers with our process id: another pid namespace, or one that died. */
enum { TRIES = 100 };

ps_status ps_path_trim(const char *path, char out[PATH_MAX])
{
    size_t bytes = strlen(path);

    while (bytes > 1 && path[bytes - 1] == '/')
        bytes--;
    if (bytes == 0)
        PS_FAIL(PS_EUSAGE, "a dataset cannot have an empty path");
    /* room for the names beside it and in it */
    if (bytes > PATH_MAX - 64)
        PS_FAIL(PS_EUSAGE, "a path of %zu characters is too long for a dataset, %d are the most",
                bytes, PATH_MAX - 64);
    memcpy(out, path, bytes);
    out[bytes] = '\0';
    return PS_OK;
}

ps_status ps_path_join(const char *dir, const char *name, char out[PATH_MAX])
{
    int n = snprintf(out, PATH_MAX, "%s/%s", dir, name);

    if (n < 0 || n >= PATH_MAX)
        PS_FAIL(PS_EUSAGE, "the path of %s in %.64s... is too long", name, dir);
    return PS_OK;
}

ps_status ps_path_part(const char *dir, uint32_t part, char out[PATH_MAX])
{
    char name[32];

    snprintf(name, sizeof name, "part-%05" PRIu32 ".h5", part);
    return ps_path_join(dir, name, out);
}

/* meta.h5 or part-NNNNN.h5 */
static bool is_ours(const char *name)
{
    unsigned digits = 0;

    if (strcmp(name, "meta.h5") == 0)
        return true;
    if (strncmp(name, "part-", 5) != 0)
        return false;
    while (name[5 + digits] >= '0' && name[5 + digits] <= '9')
        digits++;
    return digits == 5 && strcmp(name + 5 + digits, ".h5") == 0;
}

/* The next name in a folder but . and .., NULL at the end. */
static const char *next_name(DIR *d)
{
    struct dirent *e;

    do
        e = readdir(d); /* NOLINT(concurrency-mt-unsafe): the stream is this thread's alone */
    while (e != NULL && (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0));
    return e != NULL ? e->d_name : NULL;
}

/* A name in the folder that no dataset has there. @param[out] alien "" if none */
static PS_MUST ps_status find_alien(const char *dir, char alien[NAME_MAX + 1])
{
    DIR *d = opendir(dir);
    const char *name;

    alien[0] = '\0';
    if (d == NULL)
        PS_FAIL_SYS(errno, "cannot look into %s", dir);
    while (alien[0] == '\0' && (name = next_name(d)) != NULL)
        if (!is_ours(name))
            snprintf(alien, NAME_MAX + 1, "%s", name);
    closedir(d);
    return PS_OK;
}

/* Remove a dataset's files, then the folder if nothing else is in it. */
static void remove_dataset(const char *dir)
{
    DIR *d = opendir(dir);
    const char *name;

    if (d == NULL)
        return;
    while ((name = next_name(d)) != NULL)
        if (is_ours(name))
            (void)unlinkat(dirfd(d), name, 0);
    closedir(d);
    (void)rmdir(dir);
}

/* --force replaces datasets, not whatever happens to have the name. */
static PS_MUST ps_status check_replaceable(const char *path, bool force, bool *exists)
{
    char alien[NAME_MAX + 1];
    struct stat s;

    *exists = lstat(path, &s) == 0;
    if (!*exists && errno == ENOENT)
        return PS_OK;
    if (!*exists)
        PS_FAIL_SYS(errno, "cannot look at %s", path);
    if (!force)
        PS_FAIL(PS_EUSAGE, "%s exists; --force replaces it", path);
    if (!S_ISDIR(s.st_mode))
        PS_FAIL(PS_EUSAGE, "%s exists and is not replaced: a dataset's folder expected, found %s",
                path, S_ISLNK(s.st_mode) ? "a symbolic link" : "a file");
    PS_TRY(find_alien(path, alien));
    if (alien[0] != '\0')
        PS_FAIL(PS_EUSAGE, "%s is not replaced: it holds %s, which is no part of a dataset", path,
                alien);
    return PS_OK;
}

/* "DIR/.NAME.KIND-PID", then "...-PID.1" and so on. */
static PS_MUST ps_status name_beside(const char *path, const char *kind, int attempt,
                                     char out[PATH_MAX])
{
    const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
    char more[16] = "";
    int n;

    if (attempt > 0)
        snprintf(more, sizeof more, ".%d", attempt);
    n = snprintf(out, PATH_MAX, "%.*s.%s.%s-%ld%s", (int)(name - path), path, name, kind,
                 (long)getpid(), more);
    if (n < 0 || n >= PATH_MAX)
        PS_FAIL(PS_EUSAGE, "the path %.64s... is too long for a dataset", path);
    return PS_OK;
}

ps_status ps_aside_begin(struct ps_aside *a, const char *path, bool force)
{
    bool exists;

    a->dir[0] = '\0';
    a->force = force;
    PS_TRY(ps_path_trim(path, a->final));
    PS_TRY(check_replaceable(a->final, force, &exists));
    for (int i = 0; i < TRIES; i++) {
        char dir[PATH_MAX];
        PS_TRY(name_beside(a->final, "tmp", i, dir));
        if (mkdir(dir, 0777) == 0) {
            memcpy(a->dir, dir, sizeof dir);
            return PS_OK;
        }
        if (errno != EEXIST || i == TRIES - 1)
            PS_FAIL_SYS(errno, "cannot make folder %s", dir);
    }
    return PS_OK;
}

/* Move away what has the final name. @param[out] old "" if there was nothing */
static PS_MUST ps_status move_away(const struct ps_aside *a, char old[PATH_MAX])
{
    bool exists;

    old[0] = '\0';
    PS_TRY(check_replaceable(a->final, a->force, &exists));
    for (int i = 0; exists && i < TRIES; i++) {
        PS_TRY(name_beside(a->final, "old", i, old));
        if (rename(a->final, old) == 0)
            return PS_OK;
        if ((errno != ENOTEMPTY && errno != EEXIST) || i == TRIES - 1)
            PS_FAIL_SYS(errno, "cannot move %s away", a->final);
    }
    return PS_OK;
}

ps_status ps_aside_commit(struct ps_aside *a)
{
    char parent[PATH_MAX], old[PATH_MAX];
    int e;

    PS_TRY(ps_dir_sync(a->dir));
    PS_TRY(move_away(a, old));
    if (rename(a->dir, a->final) != 0) {
        e = errno;
        if (old[0] != '\0')
            (void)rename(old, a->final);
        PS_FAIL_SYS(e, "cannot rename %s to %s", a->dir, a->final);
    }
    a->dir[0] = '\0';
    ps_dir_of(a->final, parent);
    PS_TRY(ps_dir_sync(parent));
    if (old[0] != '\0')
        remove_dataset(old);
    return PS_OK;
}

void ps_aside_drop(struct ps_aside *a)
{
    if (a->dir[0] != '\0')
        remove_dataset(a->dir);
    a->dir[0] = '\0';
}
