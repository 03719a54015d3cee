// Process trees that are hard to kill. Compiled in memory by Bun's C compiler, because test machines have no other; hence
// no headers. Bounded: an alarm ends every process, and births are counted. The supervisor stays outside the cgroup and
// ignores SIGCHLD, so that zombies are reaped at once: a slow PID 1 would let them fill the process table.

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
int chdir(const char *);
int fcntl(int, int, ...);
int snprintf(char *, unsigned long, const char *, ...);
int waitpid(int, int *, int);
long ptrace(long, ...);
int poll(void *, unsigned long, int);
long read(int, void *, unsigned long);
int mount(const char *, const char *, const char *, unsigned long, const void *);
int unshare(int);
void *memset(void *, int, unsigned long);

#define SIGSTOP 19
#define SIGCHLD 17
#define SIGIO 29
#define F_SETLEASE 1024
#define SIG_IGN ((void *)1)
#define O_WRONLY 1
#define SIGKILL 9
#define PR_SET_PDEATHSIG 1
#define PR_SET_CHILD_SUBREAPER 36
#define PROT_RW 3
#define MAP_SHARED_ANON 0x21
#define MAP_PRIVATE_ANON 0x22
#define SIG_DFL ((void *)0)
#define O_RDWR 2
#define PTRACE_TRACEME 0
#define PTRACE_CONT 7
#define PTRACE_SETOPTIONS 0x4200
#define PTRACE_O_TRACEEXIT 0x40
#define SYS_pidfd_open 434
#define SYS_clone3 435
#define CLONE_INTO_CGROUP 0x200000000
#define CLONE_NEWPID 0x20000000
#define CLONE_NEWNS 0x20000
#define MS_REC_PRIVATE 0x44000
#define FUSE_INIT 26
#define CLONE_VM 0x100
#define CLONE_THREAD_FLAGS 0x50f00
#define CLONE_CHILD_CLEARTID 0x200000
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

// One directory or, on v1, directories in several hierarchies, separated by newlines.
static void join(const char *dir) {
  for (;;) {
    int length = 0;
    while (dir[length] != 0 && dir[length] != '\n') length++;
    char path[4096];
    snprintf(path, sizeof path, "%.*s/cgroup.procs", length, dir);
    int fd = open(path, O_WRONLY);
    if (fd < 0 || write(fd, "0", 1) != 1) _exit(3);
    close(fd);
    if (dir[length] == 0) return;
    dir += length + 1;
  }
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

// Many processes that share one address space, so that forks and deaths cost almost nothing.
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
  // Inherited, so no process ever exists that does not ignore them yet.
  for (int s = 1; s < 32; s++) {
    if (s != 14) signal(s, SIG_IGN);
  }
  for (int i = 0; i < count; i++) {
    if (fork() == 0) {
      setsid();
      if (fork() != 0) _exit(0);
      sleep_for_good();
    }
  }
  _exit(0);
}

// Every process looks for a dead one and replaces it.
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

// Each process forks its successor and exits.
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

// The leader is a zombie; the process lives on in another thread.
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

static int move_in_late(void *dir) {
  usleep(20000);
  join(dir);
  for (;;) pause();
}

// The leader exits before the process moves in, so only the list of threads shows it.
static void ghost(int count, const char *dir, const char *other) {
  join(other);
  for (int i = 0; i < count; i++) {
    if (fork() == 0) {
      alarm(lifetime);
      clone(move_in_late, (char *)shared(STACK) + STACK, CLONE_THREAD_FLAGS, (void *)dir);
      syscall(SYS_exit, 0);
    }
  }
  _exit(0);
}

// Each process watches the next one by pidfd and replaces it as soon as it dies.
static void hydra(int count) {
  int at = 0;
  for (int i = count - 1; i > 0; i--) {
    if (fork() == 0) {
      at = i;
      break;
    }
  }
  alarm(lifetime);
  for (;;) {
    slots[at] = getpid();
    int next = (at + 1) % count;
    long fd = slots[next] > 0 ? syscall(SYS_pidfd_open, slots[next], 0) : -1;
    int watched[2] = {fd, 1};
    if (fd >= 0) poll(watched, 1, -1);
    else usleep(500);
    if (fd >= 0) close(fd);
    if (++*births > MOST_BIRTHS) sleep_for_good();
    if (slots[next] > 0 && kill(slots[next], 0) == 0) continue;
    if (fork() == 0) {
      alarm(lifetime);
      at = next;
    } else {
      usleep(200);
    }
  }
}

// Zombies that their parent, also inside, never reaps.
static void zombies(int count) {
  signal(SIGCHLD, SIG_DFL);
  for (int i = 0; i < count; i++) {
    if (fork() == 0) _exit(0);
  }
  sleep_for_good();
}

// Traces stopped children; all of them are inside.
static void tracer(int count) {
  for (int i = 0; i < count; i++) {
    if (fork() == 0) {
      alarm(lifetime);
      ptrace(PTRACE_TRACEME, 0, 0, 0);
      kill(getpid(), SIGSTOP);
      sleep_for_good();
    }
  }
  sleep_for_good();
}

static int inner_init(void *count) {
  for (int s = 1; s < 32; s++) {
    if (s != 14) signal(s, SIG_IGN);
  }
  for (long i = 0; i < (long)count; i++) {
    if (fork() == 0) sleep_for_good();
  }
  // An alarm does not kill the init of a pid namespace.
  poll(0, 0, lifetime * 1000);
  _exit(0);
  return 0;
}

// A pid namespace: its init ignores all signals, and each member has two pids.
static void pidns(int count) {
  // Without CLONE_VM, so the stack is not shared.
  char *stack = mmap(0, STACK, PROT_RW, MAP_PRIVATE_ANON, -1, 0);
  clone(inner_init, stack + STACK, CLONE_NEWPID | SIGCHLD, (void *)(long)count);
  _exit(0);
}

// Slow to die: it has much memory to free.
static void memhog(int mib) {
  for (int i = 0; i < 2; i++) {
    if (fork() == 0) {
      memset(mmap(0, (unsigned long)mib << 20, PROT_RW, MAP_PRIVATE_ANON, -1, 0), 1, (unsigned long)mib << 20);
      sleep_for_good();
    }
  }
  _exit(0);
}

static int thread_elsewhere(void *dir) {
  char path[4096];
  snprintf(path, sizeof path, "%s/tasks", (char *)dir);
  int fd = open(path, O_WRONLY);
  if (fd < 0) {
    snprintf(path, sizeof path, "%s/cgroup.threads", (char *)dir);
    fd = open(path, O_WRONLY);
  }
  if (fd < 0 || write(fd, "0", 1) != 1) _exit(3);
  for (;;) pause();
}

// One thread of the process is in another cgroup: v1, and threaded v2.
static void splitthread(const char *other) {
  clone(thread_elsewhere, (char *)shared(STACK) + STACK, CLONE_THREAD_FLAGS, (void *)other);
  sleep_for_good();
}

// Born into the cgroup from outside, until a number of births is reached.
static void feeder(int count, const char *dir) {
  int fd = open(dir, 0);
  for (int i = 0; i < count * 10; i++) {
    unsigned long args[11] = {CLONE_INTO_CGROUP, 0, 0, 0, SIGCHLD, 0, 0, 0, 0, 0, fd};
    long child = syscall(SYS_clone3, args, sizeof args);
    if (child == 0) sleep_for_good();
    if (child < 0) break;
    if (i >= count) usleep(1000);
  }
  sleep_for_good();
}

// Waits until a pid is free and takes it, for an innocent process in another cgroup.
static void samepid(int pid, const char *dir) {
  unsigned long args[11] = {0, 0, 0, 0, SIGCHLD, 0, 0, 0, (unsigned long)&pid, 1, 0};
  for (;;) {
    long child = syscall(SYS_clone3, args, sizeof args);
    if (child == 0) {
      join(dir);
      sleep_for_good();
    }
    if (child > 0) sleep_for_good();
    usleep(200);
  }
}

// Stopped in its exit by a tracer outside; it dies when the tracer does.
static void tracehold(const char *dir) {
  signal(SIGCHLD, SIG_DFL);
  int child = fork();
  if (child == 0) {
    alarm(lifetime);
    join(dir);
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    kill(getpid(), SIGSTOP);
    sleep_for_good();
  }
  waitpid(child, 0, 0);
  ptrace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACEEXIT);
  ptrace(PTRACE_CONT, child, 0, 0);
  sleep_for_good();
}

static int traced_thread(void *_) {
  ptrace(PTRACE_TRACEME, 0, 0, 0);
  sleep_for_good();
  return 0;
}

// A process with a thread whose tracer, outside, never waits for it: killed, both stay as zombies. Not a survivor.
static void unwaited(const char *dir) {
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  signal(SIGCHLD, SIG_DFL);
  if (fork() == 0) {
    join(dir);
    clone(traced_thread, (char *)shared(STACK) + STACK, CLONE_THREAD_FLAGS, 0);
    sleep_for_good();
  }
  sleep_for_good();
}

// A zombie whose parent, outside, never reaps it: not a survivor. No kill reaches the parent, so it ends with the test.
static void noreap(int count, const char *dir) {
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  signal(SIGCHLD, SIG_DFL);
  for (int i = 0; i < count; i++) {
    if (fork() == 0) {
      join(dir);
      sleep_for_good();
    }
  }
  sleep_for_good();
}

// The init of a pid namespace inside, and a process of that namespace outside: in `other`, if given, or else with a parent
// that never reaps it.
static void nshold(const char *dir, const char *other) {
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  signal(SIGCHLD, SIG_DFL);
  unshare(CLONE_NEWPID);
  for (int i = 0; i < 2; i++) {
    if (fork() != 0) continue;
    if (i == 0) join(dir);
    if (i == 1 && other[0] != 0) join(other);
    sleep_for_good();
  }
  sleep_for_good();
}

// A FUSE file system that never answers: a process that accesses it blocks in the kernel until the server, outside, is
// gone. `other` is an empty directory; the mount is private.
static void fusehang(const char *dir, const char *other) {
  char options[128], path[4096];
  unsigned request[16384];
  unsigned answer[20] = {sizeof answer, 0, 0, 0, 7, 31, 65536, 0, 0x100010, 4096, 1};
  int fd = open("/dev/fuse", O_RDWR);
  unshare(CLONE_NEWNS);
  mount("none", "/", 0, MS_REC_PRIVATE, 0);
  snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0", fd);
  if (mount("fusehang", other, "fuse", 0, options) < 0) _exit(4);
  if (fork() == 0) {
    alarm(lifetime);
    join(dir);
    close(fd);
    snprintf(path, sizeof path, "%s/file", other);
    open(path, 0);
    _exit(0);
  }
  for (;;) {
    if (read(fd, request, sizeof request) <= 0) _exit(5);
    if (request[1] != FUSE_INIT) continue;
    answer[2] = request[2];
    answer[3] = request[3];
    write(fd, answer, sizeof answer);
  }
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

// Moves from one cgroup to the other and back.
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

// Makes cgroups below, fills them and removes them.
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

// Makes nested cgroups endlessly, in chains of 500. It descends by its working directory, at any depth.
static void digger(int count, const char *dir) {
  for (int made = 0; made < count && chdir(dir) == 0;) {
    char name[16];
    snprintf(name, sizeof name, "c%d", made);
    for (int depth = 0; depth < 500 && made < count; depth++, made++) {
      if (mkdir(depth == 0 ? name : "d", 0755) < 0 || chdir(depth == 0 ? name : "d") < 0) break;
    }
  }
  sleep_for_good();
}

static int brief_thread(void *unused) {
  usleep(300);
  return 0;
}

// Threads that start and exit all the time. The kernel clears the slot of an exited thread, whose stack is then free.
static void threadstorm(int count) {
  int *busy = shared((unsigned long)count * sizeof(int));
  char *stacks = shared((unsigned long)count * STACK);
  alarm(lifetime);
  for (int i = 0;; i = (i + 1) % count) {
    if (busy[i] != 0) {
      usleep(50);
      continue;
    }
    busy[i] = 1;
    char *top = stacks + (unsigned long)(i + 1) * STACK;
    if (clone(brief_thread, top, CLONE_THREAD_FLAGS | CLONE_CHILD_CLEARTID, 0, 0, 0, &busy[i]) < 0) busy[i] = 0;
  }
}

// Makes and removes empty cgroups below, from outside. No kill reaches it, so it ends with the test.
static void churner(int count, const char *dir) {
  char path[4096];
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  for (int i = 0; i < count; i++) {
    snprintf(path, sizeof path, "%s/churn%d", dir, i % 8);
    mkdir(path, 0755);
    snprintf(path, sizeof path, "%s/churn%d", dir, (i + 5) % 8);
    rmdir(path);
  }
  sleep_for_good();
}

// Takes leases on files, one path per line: read leases (0) or write leases (1). It never releases them.
static void leaser(int type, const char *paths) {
  char path[4096];
  signal(SIGIO, SIG_IGN);
  while (*paths != 0) {
    int length = 0;
    for (; *paths != 0 && *paths != '\n'; paths++) path[length++] = *paths;
    path[length] = 0;
    if (*paths == '\n') paths++;
    int fd = open(path, 0);
    // While another process has the file open, there is no write lease.
    while (fcntl(fd, F_SETLEASE, type) < 0) usleep(1000);
  }
  sleep_for_good();
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
  if (is(name, "hydra")) hydra(count);
  if (is(name, "zombies")) zombies(count);
  if (is(name, "tracer")) tracer(count);
  if (is(name, "pidns")) pidns(count);
  if (is(name, "memhog")) memhog(count);
  if (is(name, "splitthread")) splitthread(other);
  if (is(name, "hopper")) hopper(count, dir, other);
  if (is(name, "nester")) nester(dir);
  if (is(name, "leaser")) leaser(count, other);
  if (is(name, "digger")) digger(count, dir);
  if (is(name, "threadstorm")) threadstorm(count);
  if (is(name, "exec")) {
    // `other` is a program; the alarm survives each exec.
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

// Never returns: the test kills the supervisor, or its alarm does.
int adversary(const char *name, int count, int seconds, const char *dir, const char *other) {
  lifetime = seconds;
  births = shared(4096);
  slots = shared((unsigned long)(count + 1) * sizeof(int));
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  signal(SIGCHLD, SIG_IGN);
  alarm(lifetime + 5);
  if (fork() == 0) {
    alarm(lifetime);
    // These stay outside or move in later.
    if (is(name, "ghost")) ghost(count, dir, other);
    if (is(name, "feeder")) feeder(count, dir);
    if (is(name, "tracehold")) tracehold(dir);
    if (is(name, "samepid")) samepid(count, dir);
    if (is(name, "churner")) churner(count, dir);
    if (is(name, "noreap")) noreap(count, dir);
    if (is(name, "unwaited")) unwaited(dir);
    if (is(name, "nshold")) nshold(dir, other);
    if (is(name, "fusehang")) fusehang(dir, other);
    join(dir);
    be(name, count, dir, other);
  }
  for (;;) pause();
}
