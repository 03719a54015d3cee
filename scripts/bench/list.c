// The peer of `cgkill list --json` in the benchmark: walks a tree of cgroups by link counts, reads the same files and
// prints them as JSON. Usage: list DIR; the files in the directory tell v1 from v2.

#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char text[1 << 16];

static long read_in(int dir, const char *name) {
  int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
  long length = 0, got;
  while (fd >= 0 && (got = read(fd, text + length, sizeof text - 1 - length)) > 0) length += got;
  text[length] = 0;
  if (fd >= 0) close(fd);
  return length;
}

static int is_v2;

static void show(int dir, const char *path) {
  int procs = 0, first = 0, populated = 1;
  long memory = -1;
  if (is_v2 && read_in(dir, "cgroup.events")) populated = strstr(text, "populated 1") != 0;
  if (populated) {
    read_in(dir, "cgroup.procs");
    first = atoi(text);
    for (char *at = text; (at = strchr(at, '\n')); at++) procs++;
  }
  char state[16] = "";
  if (read_in(dir, is_v2 ? "cgroup.freeze" : "freezer.state")) snprintf(state, sizeof state, "%.8s", text);
  state[strcspn(state, "\n")] = 0;
  char type[32] = "domain";
  if (is_v2 && read_in(dir, "cgroup.type")) snprintf(type, sizeof type, "%.20s", text);
  type[strcspn(type, "\n")] = 0;
  if (read_in(dir, is_v2 ? "memory.current" : "memory.usage_in_bytes")) memory = atol(text);
  if (is_v2 && populated) read_in(dir, "cpu.stat");
  char file[64] = "";
  if (first > 0) {
    snprintf(file, sizeof file, "/proc/%d/stat", first);
    read_in(AT_FDCWD, file);
  }
  printf("{\"path\":\"%s\",\"procs\":%d,\"populated\":%s,\"state\":\"%s\",\"type\":\"%s\",\"memory_bytes\":%ld}\n", path,
         procs, populated ? "true" : "false", state, type, memory);
}

static void walk(int dir, const char *path) {
  show(dir, path);
  struct stat info;
  if (fstat(dir, &info) != 0 || info.st_nlink <= 2) return;
  DIR *listing = fdopendir(dup(dir));
  for (struct dirent *entry; listing && (entry = readdir(listing));) {
    if (entry->d_type != DT_DIR || strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    int child = openat(dir, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (child < 0) continue;
    char below[4096];
    snprintf(below, sizeof below, "%.2000s/%.255s", path, entry->d_name);
    walk(child, below);
    close(child);
  }
  if (listing) closedir(listing);
}

int main(int argc, char **argv) {
  int dir = argc == 2 ? open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
  if (dir < 0) return 2;
  is_v2 = faccessat(dir, "cgroup.procs", R_OK, 0) == 0 && faccessat(dir, "cgroup.controllers", R_OK, 0) == 0;
  walk(dir, argv[1]);
  return 0;
}
