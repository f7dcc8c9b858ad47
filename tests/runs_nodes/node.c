/* Makes a process believe that it runs on another machine, which sees the same files through a network file system.

   NODE_NAME    the machine's name, by gethostname and uname
   NODE_NUMBER  locks of machines with different numbers don't see each other; within one machine they work as usual
   NODE_SHIFT   seconds by which its clock differs
   NODE_STALE   seconds for which it caches what stat says of a file, unless it opens the file (NFS does)
   NODE_APPEND  files whose name contains this are appended to at the end that they had when they were opened

   Locks are moved to bytes of the file that only this machine uses; flock becomes a lock of the open file description
   there, so that children inherit both kinds as they should. */

#define _GNU_SOURCE
#undef _FORTIFY_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#define REAL(name) ((typeof(name) *)real(#name))
#define FLOCK_BYTES 1000000000LL
#define NODE_BYTES 100000000000LL
#define FILES 512
#define DESCRIPTORS 4096

static void *real(const char *name) { return dlsym(RTLD_NEXT, name); }

static long long number_of(const char *variable) {
    const char *text = getenv(variable);
    return text ? atoll(text) : 0;
}

/* Names and clocks */

int gethostname(char *name, size_t size) {
    snprintf(name, size, "%s", getenv("NODE_NAME"));
    return 0;
}

int uname(struct utsname *names) {
    int status = REAL(uname)(names);
    snprintf(names->nodename, sizeof names->nodename, "%s", getenv("NODE_NAME"));
    return status;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int status = REAL(clock_gettime)(clock, now);
    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) now->tv_sec += number_of("NODE_SHIFT");
    return status;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    int status = REAL(gettimeofday)(now, zone);
    now->tv_sec += number_of("NODE_SHIFT");
    return status;
}

time_t time(time_t *where) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (where) *where = now.tv_sec;
    return now.tv_sec;
}

/* Locks */

static int is_lock(int command) {
    return command == F_SETLK || command == F_SETLKW || command == F_GETLK || command == F_OFD_SETLK
        || command == F_OFD_SETLKW || command == F_OFD_GETLK;
}

static int lock_in(int (*call)(int, int, ...), int fd, int command, struct flock *asked, long long first) {
    struct flock moved = *asked;
    moved.l_whence = SEEK_SET;
    moved.l_start = first + (asked->l_whence == SEEK_SET ? asked->l_start : 0);
    moved.l_len = asked->l_len ? asked->l_len : FLOCK_BYTES / 2;
    int status = call(fd, command, &moved);
    if (status == 0 && (command == F_GETLK || command == F_OFD_GETLK)) asked->l_type = moved.l_type;
    return status;
}

static int control(const char *name, int fd, int command, void *argument) {
    int (*call)(int, int, ...) = real(name);
    if (is_lock(command)) return lock_in(call, fd, command, argument, number_of("NODE_NUMBER") * NODE_BYTES);
    return call(fd, command, argument);
}

int fcntl(int fd, int command, ...) {
    va_list arguments;
    va_start(arguments, command);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    return control("fcntl", fd, command, argument);
}

int fcntl64(int fd, int command, ...) {
    va_list arguments;
    va_start(arguments, command);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    return control("fcntl64", fd, command, argument);
}

int flock(int fd, int how) {
    int kind = how & ~LOCK_NB;
    struct flock asked = {.l_type = kind == LOCK_EX ? F_WRLCK : kind == LOCK_SH ? F_RDLCK : F_UNLCK};
    int command = how & LOCK_NB ? F_OFD_SETLK : F_OFD_SETLKW;
    int status = lock_in(real("fcntl"), fd, command, &asked, number_of("NODE_NUMBER") * NODE_BYTES + FLOCK_BYTES);
    if (status && errno == EACCES) errno = EWOULDBLOCK;
    return status;
}

/* What stat says, which is cached until the file is opened */

static struct known {
    char path[PATH_MAX];
    struct stat status;
    struct timespec when;
} known[FILES];
static pthread_mutex_t knowing = PTHREAD_MUTEX_INITIALIZER;

static struct known *find_known(const char *path) {
    for (int k = 0; k < FILES; k++)
        if (!strcmp(known[k].path, path)) return &known[k];
    return NULL;
}

static void forget(const char *path) {
    pthread_mutex_lock(&knowing);
    struct known *one = find_known(path);
    if (one) one->path[0] = 0;
    pthread_mutex_unlock(&knowing);
}

static int cached(int (*call)(const char *, struct stat *), const char *path, struct stat *status) {
    long long seconds = number_of("NODE_STALE");
    if (!seconds || path[0] != '/') return call(path, status);
    struct timespec now;
    REAL(clock_gettime)(CLOCK_MONOTONIC, &now);
    pthread_mutex_lock(&knowing);
    struct known *one = find_known(path);
    int result = 0;
    if (one && now.tv_sec - one->when.tv_sec < seconds) {
        *status = one->status;
    } else if ((result = call(path, status)) == 0) {
        if (!one) one = find_known("");
        if (one) {
            snprintf(one->path, sizeof one->path, "%s", path);
            one->status = *status;
            one->when = now;
        }
    } else if (one) {
        one->path[0] = 0;
    }
    pthread_mutex_unlock(&knowing);
    return result;
}

int stat(const char *restrict path, struct stat *restrict status) { return cached(real("stat"), path, status); }
int stat64(const char *restrict path, struct stat64 *restrict status) {
    return cached(real("stat"), path, (struct stat *)status);
}

/* Opening, and appending at an end that may be old */

static struct { int appends; off_t end; } descriptors[DESCRIPTORS];

static int opened(const char *path, int flags, mode_t mode) {
    const char *name = getenv("NODE_APPEND");
    int appends = name && flags & O_APPEND && strstr(path, name);
    int fd = REAL(open)(path, appends ? flags & ~O_APPEND : flags, mode);
    if (fd < 0) return fd;
    forget(path);
    if (fd < DESCRIPTORS) {
        struct stat status;
        descriptors[fd].appends = appends && fstat(fd, &status) == 0;
        descriptors[fd].end = appends ? status.st_size : 0;
    }
    return fd;
}

#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        va_list arguments; \
        va_start(arguments, flags); \
        mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0; \
        va_end(arguments); \
        return opened(path, flags, mode); \
    }
OPEN(open)
OPEN(open64)

int close(int fd) {
    if (fd >= 0 && fd < DESCRIPTORS) descriptors[fd].appends = 0;
    return REAL(close)(fd);
}

ssize_t write(int fd, const void *content, size_t size) {
    if (fd < 0 || fd >= DESCRIPTORS || !descriptors[fd].appends) return REAL(write)(fd, content, size);
    ssize_t written = pwrite(fd, content, size, descriptors[fd].end);
    if (written > 0) descriptors[fd].end += written;
    return written;
}
