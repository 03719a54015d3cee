// Process trees that are hard to kill. Compiled in memory by Bun's own C compiler (a test machine has no other), hence
// no headers. Bounded: every process ends by its alarm, and births are counted. The supervisor stays outside of the
// cgroup, and reaps by ignoring SIGCHLD: a slow PID 1 would otherwise fill the process table with zombies.

int fork(void);
int vfork(void);
int clone(int (*)(void *), void *, int, void *, ...);
int getpid(void);
int pause(void);
int kill(int, int);
int open(const char *, int, ...);
int close(int);
long write(int, const void *, unsigned long);
int usleep(unsigned);
unsigned alarm(unsigned);
int prctl(int, unsigned long, unsigned long, unsigned long, unsigned long);
int setsid(void);
void *signal(int, void *);
void *mmap(void *, unsigned long, int, int, int, long);
long syscall(long, ...);
void _exit(int);
int execve(const char *, char *const *, char *const *);
int mkdir(const char *, unsigned);
int rmdir(const char *);
int snprintf(char *, unsigned long, const char *, ...);

#define SIGSTOP 19
#define SIGCHLD 17
#define SIG_IGN ((void *)1)
#define O_WRONLY 1
#define PR_SET_CHILD_SUBREAPER 36
#define PROT_RW 3
#define MAP_SHARED_ANON 0x21
#define CLONE_VM 0x100
#define CLONE_THREAD_FLAGS 0x50f00
#define MOST_BIRTHS 8000
#define STACK (64 * 1024)

#ifdef __aarch64__
#define SYS_exit 93
#else
#define SYS_exit 60
#endif

static unsigned lifetime;
static int *births;
static int *slots;

static void join(const char *dir) {
  char path[4096];
  snprintf(path, sizeof path, "%s/cgroup.procs", dir);
  int fd = open(path, O_WRONLY);
  if (fd < 0 || write(fd, "0", 1) != 1) _exit(3);
  close(fd);
}

static void *shared(unsigned long bytes) { return mmap(0, bytes, PROT_RW, MAP_SHARED_ANON, -1, 0); }

static void sleep_for_good(void) {
  alarm(lifetime);
  for (;;) pause();
}

static int sleeper(void *unused) {
  sleep_for_good();
  return 0;
}

// So many processes on one address space that a fork costs next to nothing, and a death too.
static void sleepers(int count) {
  char *stacks = shared((unsigned long)count * 4096);
  for (int i = 1; i < count; i++) clone(sleeper, stacks + (unsigned long)(i + 1) * 4096, CLONE_VM | SIGCHLD, 0);
  sleep_for_good();
}

static void stopped(int count) {
  for (int i = 0; i < count; i++) {
    if (fork() == 0) {
      alarm(lifetime);
      kill(getpid(), SIGSTOP);
      sleep_for_good();
    }
  }
  _exit(0);
}

static void ignorant(int count) {
  for (int i = 0; i < count; i++) {
    if (fork() == 0) {
      setsid();
      if (fork() != 0) _exit(0);
      for (int s = 1; s < 32; s++) {
        if (s != 14) signal(s, SIG_IGN);
      }
      sleep_for_good();
    }
  }
  _exit(0);
}

// Every process looks for a dead one and forks in its place.
static void forkbomb(int count) {
  unsigned seed = getpid();
  for (unsigned look = 1;; look++) {
    seed = seed * 1103515245 + 12345;
    int at = (seed >> 8) % count;
    int pid = slots[at];
    if (pid == 0 || kill(pid, 0) < 0) {
      if (++*births > MOST_BIRTHS) sleep_for_good();
      int child = fork();
      if (child == 0) {
        alarm(lifetime);
        seed = slots[at] = getpid();
      } else if (child > 0) {
        slots[at] = child;
      }
    } else if (look % 8 == 0) {
      usleep(500);
    }
  }
}

// Each forks its successor and is gone.
static void comet(int count) {
  for (int i = 1; i < count; i++) {
    if (fork() == 0) break;
  }
  for (;;) {
    if (++*births > MOST_BIRTHS) sleep_for_good();
    usleep(1000);
    int child = fork();
    if (child > 0) _exit(0);
    alarm(lifetime);
  }
}

static int thread(void *unused) {
  for (;;) pause();
}

static void start_thread(void) { clone(thread, (char *)shared(STACK) + STACK, CLONE_THREAD_FLAGS, 0); }

// The leader is a zombie, the process lives on in a thread.
static void deadleader(int count) {
  for (int i = 0; i < count; i++) {
    if (fork() == 0) {
      alarm(lifetime);
      start_thread();
      syscall(SYS_exit, 0);
    }
  }
  _exit(0);
}

static void threads(int count) {
  for (int i = 1; i < count; i++) start_thread();
  sleep_for_good();
}

// A chain of parents, each waiting in vfork for its child.
static void vforker(int count) {
  alarm(lifetime);
  for (int i = 1; i < count; i++) {
    if (vfork() != 0) _exit(0);
  }
  sleep_for_good();
}

// Runs from one cgroup to the other and back.
static void hopper(int count, const char *here, const char *there) {
  for (int i = 1; i < count; i++) {
    if (fork() == 0) break;
  }
  alarm(lifetime);
  for (;;) {
    join(there);
    join(here);
  }
}

// Makes cgroups below, fills them and drops them.
static void nester(const char *dir) {
  char path[4096];
  for (int i = 0;; i++) {
    snprintf(path, sizeof path, "%s/n%d-%d", dir, getpid(), i % 8);
    mkdir(path, 0755);
    if (++*births > MOST_BIRTHS) sleep_for_good();
    if (fork() == 0) {
      alarm(lifetime);
      join(path);
      usleep(2000);
      _exit(0);
    }
    snprintf(path, sizeof path, "%s/n%d-%d", dir, getpid(), (i + 1) % 8);
    rmdir(path);
    usleep(500);
  }
}

static int is(const char *a, const char *b) {
  while (*a != 0 && *a == *b) a++, b++;
  return *a == *b;
}

static void be(const char *name, int count, const char *dir, const char *other) {
  if (is(name, "sleepers")) sleepers(count);
  if (is(name, "stopped")) stopped(count);
  if (is(name, "ignorant")) ignorant(count);
  if (is(name, "forkbomb")) forkbomb(count);
  if (is(name, "comet")) comet(count);
  if (is(name, "deadleader")) deadleader(count);
  if (is(name, "threads")) threads(count);
  if (is(name, "vforker")) vforker(count);
  if (is(name, "hopper")) hopper(count, dir, other);
  if (is(name, "nester")) nester(dir);
  if (is(name, "exec")) {
    // `other` is a program of its own; its alarm goes with it through every exec.
    for (int i = 1; i < count; i++) {
      if (fork() == 0) break;
    }
    alarm(lifetime);
    char *argv[2] = {(char *)other, 0};
    char *envp[1] = {0};
    execve(other, argv, envp);
  }
  _exit(2);
}

// Never returns: the supervisor is killed by the test, or ends by its alarm.
int adversary(const char *name, int count, int seconds, const char *dir, const char *other) {
  lifetime = seconds;
  births = shared(4096);
  slots = shared((unsigned long)(count + 1) * sizeof(int));
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  signal(SIGCHLD, SIG_IGN);
  alarm(lifetime + 5);
  if (fork() == 0) {
    alarm(lifetime);
    // A ghost dies first and moves in afterwards: only its thread is seen then, by those who look at threads.
    if (is(name, "ghost")) {
      join(other);
      deadleader(count);
    }
    join(dir);
    be(name, count, dir, other);
  }
  for (;;) pause();
}
