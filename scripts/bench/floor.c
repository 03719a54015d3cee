// The floor of the benchmark: only the system calls that a kill needs. Not safe to use: it has no guard and checks
// nothing twice. Usage: floor DIR; the files in the directory tell v1 from v2.

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char text[1 << 20];

static int open_in(const char *dir, const char *name, int flags) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s", dir, name);
  return open(path, flags | O_CLOEXEC);
}

static long read_in(const char *dir, const char *name) {
  int fd = open_in(dir, name, O_RDONLY);
  long length = 0, got;
  while (fd >= 0 && (got = read(fd, text + length, sizeof text - 1 - length)) > 0) length += got;
  text[length] = 0;
  close(fd);
  return length;
}

static int write_in(const char *dir, const char *name, const char *value) {
  int fd = open_in(dir, name, O_WRONLY);
  int done = fd >= 0 && write(fd, value, strlen(value)) > 0;
  close(fd);
  return done;
}

static int floor_v2(const char *dir) {
  int events = open_in(dir, "cgroup.events", O_RDONLY);
  if (!write_in(dir, "cgroup.kill", "1")) return 1;
  for (;;) {
    long got = pread(events, text, sizeof text - 1, 0);
    text[got > 0 ? got : 0] = 0;
    if (strstr(text, "populated 0")) return 0;
    struct pollfd watched = {events, POLLPRI, 0};
    poll(&watched, 1, 100);
  }
}

// Children first.
static void each(const char *dir, void (*act)(const char *)) {
  DIR *listing = opendir(dir);
  for (struct dirent *entry; listing && (entry = readdir(listing));) {
    if (entry->d_type != DT_DIR || entry->d_name[0] == '.') continue;
    char child[4096];
    snprintf(child, sizeof child, "%.3800s/%.255s", dir, entry->d_name);
    each(child, act);
  }
  if (listing) closedir(listing);
  act(dir);
}

static void kill_listed(const char *dir) {
  read_in(dir, "cgroup.procs");
  for (char *line = strtok(text, "\n"); line; line = strtok(0, "\n")) kill(atoi(line), SIGKILL);
}

static void wait_and_remove(const char *dir) {
  while (read_in(dir, "cgroup.procs") > 0) usleep(500);
  while (rmdir(dir) < 0) usleep(500);
}

static int floor_v1(const char *dir) {
  write_in(dir, "freezer.state", "FROZEN");
  for (int i = 0; i < 250 && read_in(dir, "freezer.state") && !strstr(text, "FROZEN"); i++) usleep(1000);
  each(dir, kill_listed);
  write_in(dir, "freezer.state", "THAWED");
  each(dir, wait_and_remove);
  return 0;
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  return open_in(argv[1], "cgroup.kill", O_WRONLY) >= 0 ? floor_v2(argv[1]) : floor_v1(argv[1]);
}
