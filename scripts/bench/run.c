// Runs one trial: fills cgroups with processes, starts a killer, and reports when the killer exited and when the last
// of the processes was dead. As their parent or, for orphans, their subreaper, it is notified of every death: it polls
// nothing, and reads no list that the killer also reads.
//
//   run [warm NAME] KIND COUNT LIMIT_MS NAMESPACE DIR[:DIR...] KILLER [ARGUMENT...]
//
// KIND: sleepers, memory (50 MiB each), bomb, or busy: one sleeper, beside COUNT processes that use the processors.
// NAMESPACE: a mount namespace for the killer to enter, or -. Each DIR gets an equal share; DIR+DIR is one cgroup in
// several hierarchies. With `warm`, the killer is already running, and the trial starts when NAME is written to its
// standard input, which is then closed. FULL=DIR in the environment: at the start, this program and the killer are in
// this cgroup of the pids controller, in which no process can be created.
//
// Prints: exit status of the killer (-1: it had to be stopped, -2: it could not be started), ms to its exit, ms to the
// last death, its CPU time in ms, its peak memory in KiB, survivors.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MEMORY (50ul << 20)
#define MAX_BIRTHS 20000
#define SURVIVES_MS 2000
#define NOT_FILLED 3

#define STANDBY_US 700000
#define NOT_STARTED -2

static struct shared {
  atomic_int ready, births, over;
} *shared;

static double now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static void enter(char *place) {
  char *rest;
  for (char *dir = strtok_r(place, "+", &rest); dir; dir = strtok_r(0, "+", &rest)) {
    char path[4096];
    snprintf(path, sizeof path, "%s/cgroup.procs", dir);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, "0", 1) != 1) {
      perror(path);
      exit(NOT_FILLED);
    }
    close(fd);
  }
}

static void sleep_for_good(void) {
  alarm(120);
  for (;;) pause();
}

static void use_memory(void) {
  char *memory = mmap(0, MEMORY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  for (unsigned long at = 0; at < MEMORY; at += 4096) memory[at] = 1;
}

// Every process forks another while there is room.
static void bomb(int count) {
  alarm(60);
  signal(SIGCHLD, SIG_IGN);
  for (;;) {
    // Reserve a place before the fork, so that there are never too many processes.
    if (atomic_fetch_add(&shared->ready, 1) < count && atomic_fetch_add(&shared->births, 1) < MAX_BIRTHS) {
      if (fork() < 0) atomic_fetch_sub(&shared->ready, 1);
    } else {
      atomic_fetch_sub(&shared->ready, 1);
      // One in eight exits to make room for another, so that the bomb keeps forking.
      if ((getpid() & 7) == 0) {
        atomic_fetch_sub(&shared->ready, 1);
        _exit(0);
      }
      usleep(1000);
    }
  }
}

// A process that outlives us must not hold our output open.
static void be_quiet(void) {
  int null = open("/dev/null", O_RDWR);
  for (int fd = 0; fd < 3; fd++) dup2(null, fd);
  if (null > 2) close(null);
}

static void fill(char *place, const char *kind, int count) {
  if (fork() != 0) return;
  enter(place);
  be_quiet();
  if (strcmp(kind, "bomb") == 0) {
    atomic_fetch_add(&shared->ready, 1);
    bomb(count);
  }
  for (int i = 0; i < count; i++) {
    if (fork() != 0) continue;
    if (strcmp(kind, "memory") == 0) use_memory();
    atomic_fetch_add(&shared->ready, 1);
    sleep_for_good();
  }
  _exit(0);
}

static void nothing(int signal) { (void)signal; }

static void interrupt_after(double ms) {
  struct itimerval timer = {{0, 0}, {(long)(ms / 1000), ((long)(ms * 1000)) % 1000000}};
  setitimer(ITIMER_REAL, &timer, 0);
}

// The busy processes have a parent of their own that reaps them: their deaths do not count.
static pid_t start_busy(int count, int input) {
  int ready[2];
  char byte;
  if (pipe(ready) != 0) exit(NOT_FILLED);
  // So that we do not wait behind them; they have ordinary priority.
  sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &(struct sched_param){50});
  pid_t parent = fork();
  if (parent == 0) {
    setpgid(0, 0);
    be_quiet();
    // Otherwise the killer would not see the end of its input.
    if (input >= 0) close(input);
    alarm(60);
    sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &(struct sched_param){50});
    for (int i = 0; i < count; i++) {
      if (fork() == 0) {
        alarm(60);
        for (;;);
      }
    }
    if (write(ready[1], "", 1) != 1) _exit(1);
    for (;;) pause();
  }
  setpgid(parent, parent);
  if (read(ready[0], &byte, 1) != 1) exit(NOT_FILLED);
  return parent;
}

static void write_to(const char *dir, const char *file, const char *value) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s", dir, file);
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0 || write(fd, value, strlen(value)) < 0) {
    perror(path);
    exit(NOT_FILLED);
  }
  close(fd);
}

static void start_killer(int namespace, char **argv, int in) {
  be_quiet();
  if (in >= 0) dup2(in, 0);
  if (namespace >= 0 && setns(namespace, CLONE_NEWNS) != 0) _exit(126);
  execvp(argv[0], argv);
  _exit(127);
}

// Started well before the name is written.
static pid_t start_standby(int namespace, char **argv, int *in) {
  if (pipe2(in, O_CLOEXEC) != 0) exit(NOT_FILLED);
  pid_t killer = fork();
  if (killer == 0) start_killer(namespace, argv, in[0]);
  close(in[0]);
  usleep(STANDBY_US);
  return killer;
}

int main(int argc, char **argv) {
  const char *warm = argc > 2 && strcmp(argv[1], "warm") == 0 ? argv[2] : 0, *full = getenv("FULL");
  if (warm) argv += 2, argc -= 2;
  if (argc < 7) return 2;
  const char *kind = argv[1];
  int count = atoi(argv[2]), dirs = 1;
  double limit = atof(argv[3]);
  int namespace = strcmp(argv[4], "-") == 0 ? -1 : open(argv[4], O_RDONLY | O_CLOEXEC);
  for (char *at = argv[5]; *at; at++) dirs += *at == ':';

  int busy = strcmp(kind, "busy") == 0 ? count : 0, in[2] = {-1, -1};
  pid_t killer = -1, others = -1;
  if (busy > 0) count = 1;
  // The kernel reports deaths in the order of birth. So start the killer last, unless a bomb would not let it start.
  int is_first = strcmp(kind, "bomb") == 0;
  if (warm && is_first) killer = start_standby(namespace, argv + 6, in);
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  shared = mmap(0, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  char *rest;
  if (count > 0) {
    for (char *place = strtok_r(argv[5], ":", &rest); place; place = strtok_r(0, ":", &rest)) {
      fill(place, kind, count / dirs);
    }
  }
  for (int status; atomic_load(&shared->ready) < count / dirs * dirs; usleep(1000)) {
    if (waitpid(-1, &status, WNOHANG) > 0 && WIFEXITED(status) && WEXITSTATUS(status) == NOT_FILLED) return NOT_FILLED;
  }
  // The processes that filled the cgroups have exited: reap them.
  while (waitpid(-1, 0, WNOHANG) > 0);
  if (warm && !is_first) killer = start_standby(namespace, argv + 6, in);
  if (busy > 0) others = start_busy(busy, in[1]);
  if (full) {
    write_to(full, "cgroup.procs", "0");
    if (warm) {
      char pid[16];
      snprintf(pid, sizeof pid, "%d", killer);
      write_to(full, "cgroup.procs", pid);
    }
    write_to(full, "pids.max", "1");
  }
  usleep(30000);

  struct sigaction action = {.sa_handler = nothing};
  sigaction(SIGALRM, &action, 0);
  struct rusage used = {0};
  double exited = 0, last = 0, start = now_ms();
  int code = -1, status;
  pid_t died;
  if (warm) {
    dprintf(in[1], "%s\n", warm);
    close(in[1]);
  } else {
    killer = fork();
    if (killer == 0) start_killer(namespace, argv + 6, -1);
    // No process is left: the killer cannot be started.
    if (killer < 0) {
      printf("%d 0 0 0 0 1\n", NOT_STARTED);
      return 0;
    }
  }
  interrupt_after(limit);
  for (;;) {
    struct rusage usage;
    died = wait4(-1, &status, 0, &usage);
    double at = now_ms();
    if (died == killer) {
      exited = at;
      used = usage;
      if (code != -2) code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
      interrupt_after(SURVIVES_MS);
      if (busy > 0 && last > 0) break;
    } else if (died > 0 && died != others) {
      last = at;
      if (busy > 0 && exited > 0) break;
    } else if (errno == ECHILD) {
      break;
    } else if (errno == EINTR && exited == 0) {
      // The killer took too long.
      code = -2;
      kill(killer, SIGKILL);
    } else {
      break;
    }
  }
  double cpu = used.ru_utime.tv_sec * 1e3 + used.ru_utime.tv_usec / 1e3 + used.ru_stime.tv_sec * 1e3 +
               used.ru_stime.tv_usec / 1e3;
  printf("%d %.3f %.3f %.3f %ld %d\n", code == -2 ? -1 : code, exited - start, last == 0 ? 0 : last - start, cpu,
         used.ru_maxrss, (busy > 0 ? last > 0 : died == -1 && errno == ECHILD) ? 0 : 1);
  if (others > 0) kill(-others, SIGKILL);
  fflush(stdout);
  // The caller kills what is left.
  _exit(0);
}
