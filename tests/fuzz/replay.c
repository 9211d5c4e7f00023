/* replay.c - main for a fuzz target without a fuzzer: feeds it every file named on the command line (folders: every
 * file in them), and of each file truncated copies and copies with one bit flipped, the same ones every time. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    EVERY_LENGTH_UP_TO = 512, /* headers: all lengths */
    LONGER_LENGTHS = 500,     /* data: that many lengths, evenly spread */
    FLIPS = 2000,
    PATH_CAPACITY = 4096
};

static long files, inputs;

static void die(const char *what, const char *path)
{
    fprintf(stderr, "replay: cannot %s ", what);
    perror(path);
    exit(2);
}

/* In memory of exactly that size, so that AddressSanitizer sees one byte too many. */
static void feed(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    if (!copy) die("copy", "input");
    memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
    inputs++;
}

static void feed_truncated(const uint8_t *data, size_t size)
{
    size_t step = size / LONGER_LENGTHS + 1;
    for (size_t length = 0; length < size; length += length < EVERY_LENGTH_UP_TO ? 1 : step) feed(data, length);
}

/* Half of the flips fall on the first bytes: headers break in more ways than data. */
static void feed_flipped(uint8_t *data, size_t size)
{
    uint64_t state = 20240411;
    for (int i = 0; i < FLIPS && size > 0; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        size_t range = i % 2 && size > EVERY_LENGTH_UP_TO ? EVERY_LENGTH_UP_TO : size;
        size_t at = (size_t)(state >> 24) % range;
        uint8_t bit = (uint8_t)(1u << (state >> 21 & 7));
        data[at] ^= bit;
        feed(data, size);
        data[at] ^= bit;
    }
}

static void replay_file(const char *path, size_t size)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = malloc(size ? size : 1);
    if (!file || !data || fread(data, 1, size, file) != size) die("read", path);
    fclose(file);
    feed(data, size);
    feed_truncated(data, size);
    feed_flipped(data, size);
    free(data);
    files++;
}

static void replay_path(const char *path)
{
    struct stat info;
    if (stat(path, &info) != 0) die("find", path);
    if (!S_ISDIR(info.st_mode)) {
        replay_file(path, (size_t)info.st_size);
        return;
    }
    DIR *folder = opendir(path);
    if (!folder) die("open", path);
    for (struct dirent *entry; (entry = readdir(folder));) {
        char inner[PATH_CAPACITY];
        if (entry->d_name[0] == '.') continue;
        if (snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name) < (int)sizeof inner) replay_path(inner);
    }
    closedir(folder);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) replay_path(argv[i]);
    printf("%ld files, %ld inputs\n", files, inputs);
    return files > 0 ? 0 : 1;
}
