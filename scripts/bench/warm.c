// Compares a killer that is already running with one that must be started: each round fills two cgroups with sleepers,
// writes the name of the first to the standby killer, and starts the floor (floor.c) on the second. As the parent of
// them all, it is notified of every death.
//
//   warm COUNT ROUNDS DIR FLOOR KILLER [ARGUMENT...]
//
// Prints per round, in ms: name to last death, name to answer, start of the floor to last death. DIR must be a cgroup.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SETTLE_US 30000

static double now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static void fail(const char *what) {
  perror(what);
  exit(3);
}

// Make the cgroup and start the sleepers; each joins it itself.
static void fill(const char *dir, int count, pid_t *pids) {
  char path[4096];
  if (mkdir(dir, 0755)) fail(dir);
  snprintf(path, sizeof path, "%s/cgroup.procs", dir);
  int procs = open(path, O_WRONLY | O_CLOEXEC);
  if (procs < 0) fail(path);
  for (int i = 0; i < count; i++) {
    pids[i] = fork();
    if (pids[i] < 0) fail("fork");
    if (pids[i] == 0) {
      if (write(procs, "0", 1) != 1) _exit(3);
      alarm(120);
      for (;;) pause();
    }
  }
  close(procs);
  // All are inside once the kernel lists them.
  for (;;) {
    int lines = 0;
    char text[1 << 16];
    int list = open(path, O_RDONLY | O_CLOEXEC);
    for (long got; (got = read(list, text, sizeof text)) > 0;) {
      for (long at = 0; at < got; at++) lines += text[at] == '\n';
    }
    close(list);
    if (lines >= count) break;
    usleep(1000);
  }
  usleep(SETTLE_US);
}

static double last_death(int count, const pid_t *pids) {
  for (int i = 0; i < count; i++) {
    while (waitpid(pids[i], 0, 0) < 0 && errno == EINTR);
  }
  return now_ms();
}

static double floor_ms(char *program, const char *dir, int count, const pid_t *pids) {
  double start = now_ms();
  pid_t killer = vfork();
  if (killer == 0) {
    execl(program, program, dir, (char *)0);
    _exit(127);
  }
  double end = last_death(count, pids);
  waitpid(killer, 0, 0);
  rmdir(dir);
  return end - start;
}

int main(int argc, char **argv) {
  if (argc < 6) return 2;
  int count = atoi(argv[1]), rounds = atoi(argv[2]), in[2], out[2];
  const char *dir = argv[3];
  pid_t *pids = calloc(count, sizeof *pids);
  if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC)) fail("pipe");
  pid_t standby = fork();
  if (standby == 0) {
    dup2(in[0], 0);
    dup2(out[1], 1);
    execvp(argv[5], argv + 5);
    _exit(127);
  }
  close(in[0]);
  close(out[1]);
  sleep(1);
  for (int round = 0; round < rounds; round++) {
    char place[4000], line[4096], answer[1 << 16];
    snprintf(place, sizeof place, "%s/w%d", dir, round);
    fill(place, count, pids);
    int length = snprintf(line, sizeof line, "%s\n", place);
    double start = now_ms();
    if (write(in[1], line, length) != length) fail("write");
    double death = last_death(count, pids) - start;
    if (read(out[0], answer, sizeof answer) <= 0) fail("read");
    double answered = now_ms() - start;
    rmdir(place);
    snprintf(place, sizeof place, "%s/f%d", dir, round);
    fill(place, count, pids);
    printf("%.3f %.3f %.3f\n", death, answered, floor_ms(argv[4], place, count, pids));
    fflush(stdout);
  }
  close(in[1]);
  while (wait(0) > 0);
  return 0;
}
