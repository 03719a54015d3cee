// Processes outside a target that move its members, or rename its cgroups, while it is killed. Compiled like
// adversaries.c, hence no headers. Bounded: only the mover itself is forked, and an alarm ends it.

typedef struct { long seconds, nanoseconds; } Time;
typedef struct { int watch; unsigned mask, cookie, length; } Event;

int fork(void);
int pause(void);
int open(const char *, int, ...);
int close(int);
long read(int, void *, unsigned long);
long write(int, const void *, unsigned long);
long lseek(int, long, int);
int usleep(unsigned);
unsigned alarm(unsigned);
int setpriority(int, int, int);
int sched_setscheduler(int, int, const int *);
int prctl(int, unsigned long, unsigned long, unsigned long, unsigned long);
void *signal(int, void *);
void _exit(int);
int rename(const char *, const char *);
int snprintf(char *, unsigned long, const char *, ...);
int clock_gettime(int, Time *);
int inotify_init1(int);
int inotify_add_watch(int, const char *, unsigned);
unsigned long strlen(const char *);
int strcmp(const char *, const char *);
char *strchr(const char *, int);
char *strstr(const char *, const char *);
unsigned long strtoul(const char *, char **, int);
long syscall(long, ...);

#define SCHED_RR 2
#define SIGCHLD 17
#define SIGKILL 9
#define SIG_IGN ((void *)1)
#define O_RDONLY 0
#define O_WRONLY 1
#define O_NONBLOCK 0x800
#define O_CREAT 0x40
#define PR_SET_PDEATHSIG 1
#define PR_SET_TIMERSLACK 29
#define CLOCK_MONOTONIC 1
#define IN_CLOSE_NOWRITE 0x10
#define IN_OPEN 0x20
#define MAX_CGROUPS 64
#define MAX_LISTS 256
#define MAX_PIDS 8192
#define INTERVAL_US 20
#define PAUSE_US 2000
#ifdef __aarch64__
#define IO_SETUP 0
#define IO_SUBMIT 2
#define IO_GETEVENTS 4
#else
#define IO_SETUP 206
#define IO_SUBMIT 209
#define IO_GETEVENTS 208
#endif
#define IOCB_CMD_PWRITE 1

static int open_in(const char *dir, const char *file, int flags) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s", dir, file);
  return open(path, flags);
}

static int open_list(const char *dir, int at) {
  char file[64];
  snprintf(file, sizeof file, "s%d/cgroup.procs", at);
  int fd = open_in(dir, file, O_WRONLY);
  if (fd < 0) _exit(3);
  return fd;
}

// Moves the member; ends when it is dead or the cgroup is gone.
static void move_to(int list, const char *pid) {
  if (write(list, pid, strlen(pid)) < 0) _exit(0);
}

// A watched list: its sub-cgroup (-1: `dir` itself), and the list that was opened after it the last time.
typedef struct { int cgroup, next; } List;

// Moves one member between dir/s0, dir/s1, … so that a reader of all lists misses it: out of a cgroup when its list is
// opened, or earlier if the previous order of reads predicts that it is next.
static void relay(int count, const char *dir, const char *pid) {
  static char events[65536];
  static List lists[MAX_LISTS];
  int fds[MAX_CGROUPS];
  int watch = inotify_init1(O_NONBLOCK);
  for (int i = -1; i < count; i++) {
    if (i >= 0) fds[i] = open_list(dir, i);
    for (int j = 0; j < 2; j++) {
      char path[4096], sub[16] = "";
      if (i >= 0) snprintf(sub, sizeof sub, "/s%d", i);
      snprintf(path, sizeof path, "%s%s/%s", dir, sub, j == 0 ? "cgroup.procs" : "tasks");
      int id = inotify_add_watch(watch, path, IN_OPEN | IN_CLOSE_NOWRITE);
      if (id < 0 || id >= MAX_LISTS) _exit(3);
      lists[id].cgroup = i;
    }
  }
  int at = 0, read_last = 1, previous = 0;
  for (unsigned idle = 0;; idle++) {
    long length = read(watch, events, sizeof events);
    // A move to its present cgroup changes nothing but warms up the kernel's locks, so the next real move is fast.
    if (length <= 0 && idle % 64 == 0) move_to(fds[at], pid);
    for (long offset = 0; offset < length;) {
      Event *event = (Event *)(events + offset);
      List *list = &lists[event->watch];
      int isOpen = (event->mask & IN_OPEN) != 0;
      if (isOpen) lists[previous].next = previous = event->watch;
      int coming = isOpen ? list->cgroup : list->next != 0 ? lists[list->next].cgroup : -1;
      if (coming == at && (isOpen || list->cgroup != at)) {
        int done = isOpen || list->cgroup < 0 ? read_last : list->cgroup;
        at = done != at ? done : (at + 1) % count;
        move_to(fds[at], pid);
      }
      if (list->cgroup >= 0) read_last = list->cgroup;
      offset += sizeof *event + event->length;
    }
  }
}

// The same without watching: to the next cgroup every 20 microseconds.
static void shuttle(int count, const char *dir, const char *pid) {
  int fds[MAX_CGROUPS];
  for (int i = 0; i < count; i++) fds[i] = open_list(dir, i);
  for (int at = 0;; at = (at + 1) % count) {
    move_to(fds[at], pid);
    usleep(INTERVAL_US);
  }
}

// Renames dir/here to dir/there and back every 20 microseconds, until it is removed.
static void renamer(const char *dir) {
  char here[4096], there[4096];
  snprintf(here, sizeof here, "%s/here", dir);
  snprintf(there, sizeof there, "%s/there", dir);
  for (;;) {
    if (rename(here, there) < 0) _exit(0);
    usleep(INTERVAL_US);
    if (rename(there, here) < 0) _exit(0);
    usleep(INTERVAL_US);
  }
}

static long read_all(int fd, char *text, long size) {
  long length = 0;
  for (long n; length < size - 1 && (n = read(fd, text + length, size - 1 - length)) > 0;) length += n;
  text[length] = 0;
  return length;
}

// Whether SIGKILL is pending for a process, or it is dead or exiting.
static int is_killed(unsigned pid) {
  char path[64], status[4096];
  snprintf(path, sizeof path, "/proc/%u/status", pid);
  int fd = open(path, O_RDONLY);
  if (fd < 0) return 1;
  long length = read_all(fd, status, sizeof status);
  close(fd);
  if (length == 0) return 1;
  char *state = strstr(status, "State:\t");
  if (state == 0 || state[7] == 'Z' || state[7] == 'X') return 1;
  char *own = strstr(status, "SigPnd:\t");
  char *all = strstr(status, "ShdPnd:\t");
  unsigned long pending = (own ? strtoul(own + 8, 0, 16) : 0) | (all ? strtoul(all + 8, 0, 16) : 0);
  return (pending & 0x100) != 0;
}

static int read_pids(const char *dir, unsigned *pids) {
  static char text[MAX_PIDS * 8];
  int list = open_in(dir, "cgroup.procs", O_RDONLY);
  if (list < 0) _exit(0);
  read_all(list, text, sizeof text);
  close(list);
  int count = 0;
  for (char *at = text; *at != 0 && count < MAX_PIDS; at++) pids[count++] = strtoul(at, &at, 10);
  return count;
}

// Waits until the kill begins: on v1 with the freeze, on v2 when a member list or a switch is opened. Meanwhile it moves
// itself to its present cgroup, because the first real move would be slow otherwise.
static void wait_for_kill(const char *dir, int destination) {
  static char events[4096];
  static const char *files[3] = {"cgroup.procs", "cgroup.kill", "cgroup.freeze"};
  int state = open_in(dir, "freezer.state", O_RDONLY);
  int watch = inotify_init1(O_NONBLOCK);
  for (int i = 0; i < 3 && state < 0; i++) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", dir, files[i]);
    inotify_add_watch(watch, path, IN_OPEN);
  }
  for (unsigned spins = 0;; spins++) {
    char first = 0;
    if (state >= 0 && (lseek(state, 0, 0) < 0 || read(state, &first, 1) != 1)) _exit(0);
    if (state >= 0 ? first == 'F' : read(watch, events, sizeof events) > 0) return;
    if (state >= 0) usleep(INTERVAL_US);
    if (state >= 0 || spins % 64 == 0) write(destination, "0", 1);
  }
}

// Waits until the signals begin, by watching the first, the middle and the last member: at least one is not signalled last.
static void wait_for_signals(const unsigned *pids, int count, int destination) {
  if (count == 0) return;
  while (!is_killed(pids[0]) && !is_killed(pids[count / 2]) && !is_killed(pids[count - 1])) write(destination, "0", 1);
}

static void shuffle(unsigned *pids, int count) {
  unsigned seed = 1;
  for (int i = count - 1; i > 0; i--) {
    seed = seed * 1103515245 + 12345;
    int with = (seed >> 8) % (i + 1);
    unsigned swapped = pids[i];
    pids[i] = pids[with];
    pids[with] = swapped;
  }
}

static unsigned long aio;

// Writes by asynchronous I/O, which inotify and fanotify do not report.
static long submit(int fd, const char *text, int length) {
  struct { unsigned long data, key; unsigned short opcode, priority; int fd; unsigned long buffer, length; long at, unused[2]; }
      request = {0, 0, IOCB_CMD_PWRITE, 0, fd, (unsigned long)text, length, 0, {0, 0}}, *requests = &request;
  struct { unsigned long data, request; long result, result2; } done;
  if (syscall(IO_SUBMIT, aio, 1L, &requests) != 1 || syscall(IO_GETEVENTS, aio, 1L, 1L, &done, 0) != 1) return -1;
  return done.result;
}

// Moves the members of `dir` out as fast as possible once the kill begins. `other` is the destination cgroup and, after a
// newline, a file that gets one line per moved process: its pid, CLOCK_MONOTONIC in nanoseconds after the move, and
// whether SIGKILL was pending then. `how` is the order of the list: 0 reversed, 1 as listed, 2 shuffled. Adding 4 starts
// when the signals do, which exposes a killer that checked all members before it signalled the first. Adding 8 does that
// without any write before, and with a pause after each move: a killer that watches for writes believes its list. Adding 24
// writes by asynchronous I/O, without a pause.
static void rescuer(int how, const char *dir, const char *other) {
  int order = how & 3, isQuiet = how & 8, isAsync = how & 16;
  static unsigned pids[MAX_PIDS];
  char to[4096];
  char *report_path = strchr(other, '\n');
  snprintf(to, sizeof to, "%.*s", (int)(report_path - other), other);
  int report = open(report_path + 1, O_WRONLY | O_CREAT, 0600);
  int destination = open_in(to, "cgroup.procs", O_WRONLY);
  if (report < 0 || destination < 0) _exit(3);
  int count = read_pids(dir, pids);
  if (isAsync && syscall(IO_SETUP, 4L, &aio) < 0) _exit(3);
  // The first line announces that it is waiting.
  write(report, "ready\n", 6);
  if (!isQuiet) wait_for_kill(dir, destination);
  while (isQuiet && count > 0 && !is_killed(pids[0]) && !is_killed(pids[count - 1])) usleep(INTERVAL_US);
  if (how & 4) wait_for_signals(pids, count, destination);
  for (;; count = read_pids(dir, pids)) {
    if (count == 0) usleep(200);
    if (order == 2) shuffle(pids, count);
    for (int i = 0; i < count; i++) {
      unsigned pid = pids[order == 1 ? i : count - 1 - i];
      // A listed 0 is a process without a pid here; writing 0 would move this process.
      if (pid == 0) continue;
      char line[64];
      int length = snprintf(line, sizeof line, "%u", pid);
      if ((isAsync ? submit(destination, line, length) : write(destination, line, length)) < 0) continue;
      Time now;
      clock_gettime(CLOCK_MONOTONIC, &now);
      int isKilled = is_killed(pid);
      length = snprintf(line, sizeof line, "%u %ld %d\n", pid, now.seconds * 1000000000L + now.nanoseconds, isKilled);
      write(report, line, length);
      if (isQuiet && !isAsync) usleep(PAUSE_US);
    }
  }
}

// Never returns: the mover dies with its supervisor, which the test kills, or by its alarm.
int adversary(const char *name, int count, int seconds, const char *dir, const char *other) {
  signal(SIGCHLD, SIG_IGN);
  if (fork() == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
    // Real-time like cgkill, or else the highest priority, so that other work does not delay it.
    int priority = 1;
    if (sched_setscheduler(0, SCHED_RR, &priority) < 0) setpriority(0, 0, -20);
    alarm(seconds);
    if (strcmp(name, "relay") == 0) relay(count, dir, other);
    if (strcmp(name, "shuttle") == 0) shuttle(count, dir, other);
    if (strcmp(name, "renamer") == 0) renamer(dir);
    if (strcmp(name, "rescuer") == 0) rescuer(count, dir, other);
    _exit(2);
  }
  alarm(seconds + 5);
  for (;;) pause();
}
