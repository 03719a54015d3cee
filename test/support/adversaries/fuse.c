// A FUSE server with files that it never answers for, and clients that are hard to understand. Compiled like
// adversaries.c, hence no headers. Bounded: an alarm ends every process.

typedef unsigned long u64;
typedef unsigned u32;

int fork(void);
int clone(int (*)(void *), void *, int, void *, ...);
int pause(void);
int open(const char *, int, ...);
int close(int);
long read(int, void *, u64);
long write(int, const void *, u64);
u32 alarm(u32);
int prctl(int, u64, u64, u64, u64);
void *mmap(void *, u64, int, int, int, long);
void _exit(int);
int execve(const char *, char *const *, char *const *);
int snprintf(char *, u64, const char *, ...);
int mount(const char *, const char *, const char *, u64, const void *);
int unshare(int);
int getpid(void);
int strcmp(const char *, const char *);
void *memset(void *, int, u64);
int dup2(int, int);
char *strchr(const char *, int);
int usleep(u32);
int socketpair(int, int, int, int *);
long sendmsg(int, const void *, int);
int ioctl(int, u64, ...);

#define PR_SET_PDEATHSIG 1
#define SIGKILL 9
#define O_WRONLY 1
#define O_RDWR 2
#define O_CLOEXEC 02000000
#define CLONE_NEWNS 0x20000
#define CLONE_THREAD_FLAGS 0x50f00
#define CLONE_VM_FILES 0x511
#define MS_REC_PRIVATE 0x44000
#define MS_BIND 0x1000
#define FUSE_DEV_IOC_CLONE 0x8004e500
#define AF_UNIX 1
#define SOCK_STREAM 1
#define SOL_SOCKET 1
#define SCM_RIGHTS 1
#define PARALLEL_DIROPS (1 << 18)
#define STACK (64 * 1024)

enum { LOOKUP = 1, GETATTR = 3, OPEN = 14, READ = 15, RELEASE = 18, FLUSH = 25, INIT = 26, OPENDIR = 27, ACCESS = 34 };
enum { DIRECTORY = 1, OK, HANG_IN_READ, HANG_IN_FLUSH, OTHER };
static const char *const FILES[] = {"ok", "read", "flush", "other", 0};

static u32 lifetime;
static const char *point;

static void say(const char *word, int number) {
  char line[64];
  write(1, line, snprintf(line, sizeof line, "%s %d\n", word, number));
}

static void join(const char *dir) {
  char path[4096];
  if (*dir == 0) return;
  snprintf(path, sizeof path, "%s/cgroup.procs", dir);
  int fd = open(path, O_WRONLY);
  if (fd < 0 || write(fd, "0", 1) < 0) _exit(3);
  close(fd);
}

static int open_hanging(void *unused) {
  char path[4096];
  snprintf(path, sizeof path, "%s/open", point);
  open(path, 0);
  return 0;
}

// struct fuse_attr, with a file of one page.
static void put_attr(u64 *at, u64 node) {
  u32 *words = (u32 *)(at + 6);
  at[0] = node;
  at[1] = 4096;
  words[3] = node == DIRECTORY ? 040755 : 0100755;
  words[4] = 1;
}

// The length of the answer; -1 if there is none, now or ever.
static int answer_to(const char *request, u64 *body) {
  u32 opcode = ((const u32 *)request)[1];
  u64 node = ((const u64 *)request)[2];
  const char *name = request + 40;
  if (opcode == INIT) {
    u32 *words = (u32 *)body;
    words[0] = 7;
    words[1] = 31;
    words[2] = 65536;
    words[3] = PARALLEL_DIROPS;
    words[4] = 0x100010;
    words[5] = 4096;
    return 64;
  }
  if (opcode == LOOKUP) {
    for (int i = 0; FILES[i] != 0; i++) {
      if (strcmp(name, FILES[i]) != 0) continue;
      body[0] = i + 2;
      body[2] = body[3] = 1000;
      put_attr(body + 5, i + 2);
      return 128;
    }
    return -1;
  }
  if (opcode == GETATTR) {
    body[0] = 1000;
    put_attr(body + 2, node);
    return 104;
  }
  if (opcode == OPEN || opcode == OPENDIR) return 16;
  if (opcode == READ) return node == HANG_IN_READ ? -1 : 0;
  if (opcode == FLUSH) return node == HANG_IN_FLUSH ? -1 : 0;
  return opcode == RELEASE || opcode == ACCESS ? 0 : -1;
}

static int is_awaited(const char *request) {
  u32 opcode = ((const u32 *)request)[1];
  return opcode == LOOKUP || opcode == READ || opcode == FLUSH;
}

// Leave the descriptor in the queue of a socket, where no process has it.
static void leak(int fd) {
  int pair[2];
  char byte = 0;
  void *vector[2] = {&byte, (void *)1};
  u64 control[3] = {20, ((u64)SCM_RIGHTS << 32) | SOL_SOCKET, fd};
  void *message[7] = {0, 0, vector, (void *)1, control, (void *)24, 0};
  socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
  if (sendmsg(pair[0], message, 0) < 0) _exit(5);
  close(fd);
  if (fork() == 0) {
    alarm(lifetime);
    say("leaked", getpid());
    for (;;) pause();
  }
  _exit(0);
}

// Another descriptor of the connection, with the name of another device.
static int disguise(int fd) {
  mount("/dev/fuse", "/dev/zero", 0, MS_BIND, 0);
  int other = open("/dev/zero", O_RDWR);
  if (ioctl(other, FUSE_DEV_IOC_CLONE, &fd) < 0) _exit(7);
  return other;
}

// With a count of 1 in a mount namespace of its own, otherwise in that of its caller.
static void serve(const char *name, int count, const char *dir) {
  static char request[1 << 17];
  static u64 answer[64];
  char options[128];
  int fd = open("/dev/fuse", O_RDWR);
  if (count == 1) {
    unshare(CLONE_NEWNS);
    mount("none", "/", 0, MS_REC_PRIVATE, 0);
    mount("none", "/sys/fs/fuse/connections", "fusectl", 0, 0);
  }
  snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0", fd);
  if (mount("testfs", point, "fuse.test", 0, options) < 0) _exit(4);
  int second = strcmp(name, "fusetwo") == 0 ? disguise(fd) : -1;
  if (second >= 0 && fork() == 0) {
    alarm(lifetime);
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    close(fd);
    fd = second;
  } else {
    close(second);
    join(dir);
    say("server", getpid());
  }
  if (strcmp(name, "fuseself") == 0) {
    char *stack = mmap(0, STACK, 3, 0x22, -1, 0);
    clone(open_hanging, stack + STACK, CLONE_THREAD_FLAGS, 0);
  }
  for (;;) {
    if (read(fd, request, sizeof request) <= 0) _exit(6);
    memset(answer, 0, sizeof answer);
    int length = answer_to(request, answer + 2);
    // A client that is killed before its request is taken dies at once.
    if (length < 0 && is_awaited(request)) say("unanswered", ((const u32 *)request)[1]);
    if (length < 0 && is_awaited(request) && strcmp(name, "fuseleak") == 0) leak(fd);
    if (length < 0) continue;
    ((u32 *)answer)[0] = 16 + length;
    answer[1] = ((const u64 *)request)[1];
    write(fd, answer, 16 + length);
  }
}

static int files[2];

// Shares its descriptors with the client, and stays outside: SIGKILL of the client does not stop it.
static int swap(void *unused) {
  int spare[2] = {dup2(files[0], 100), dup2(files[1], 101)};
  alarm(lifetime);
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  for (int i = 0;; i++) {
    dup2(spare[i & 1], files[0]);
    usleep(300);
  }
}

// `other` has two files, separated by a newline. Reads the first, while its descriptor is swapped for the second one.
static void swap_client(const char *dir) {
  char byte[1];
  char *second = strchr(point, '\n');
  *second++ = 0;
  char *stack = mmap(0, STACK, 3, 0x22, -1, 0);
  files[0] = open(point, 0);
  files[1] = open(second, 0);
  if (files[0] < 0 || files[1] < 0) _exit(4);
  clone(swap, stack + STACK, CLONE_VM_FILES, 0);
  join(dir);
  say("client", getpid());
  // The second file answers.
  for (;;) read(files[0], byte, 1);
}

// The exec closes the descriptor, and that waits for the server.
static void exec_client(const char *dir) {
  char *argv[] = {"sleep", "60", 0};
  char *envp[] = {0};
  join(dir);
  if (open(point, O_CLOEXEC) < 0) _exit(4);
  say("client", getpid());
  execve("/bin/sleep", argv, envp);
  _exit(2);
}

// Never returns: the test kills the supervisor, which ends its child, or an alarm does.
int adversary(const char *name, int count, int seconds, const char *dir, const char *other) {
  lifetime = seconds;
  point = other;
  alarm(lifetime);
  if (fork() == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    alarm(lifetime);
    if (strcmp(name, "fuseexec") == 0) exec_client(dir);
    if (strcmp(name, "fuseswap") == 0) swap_client(dir);
    serve(name, count, dir);
  }
  for (;;) pause();
}
